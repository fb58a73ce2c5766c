package mapreduce

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"github.com/shardmill/shardmill/mapreduce/internal/plan"
	"github.com/shardmill/shardmill/mapreduce/internal/shuffle"
	"github.com/shardmill/shardmill/mapreduce/internal/task"
	"github.com/shardmill/shardmill/mapreduce/internal/worker"
)

// reduce runs a reduce attempt over its partition of the stage's run files.
func (c *child) reduce(ctx context.Context, t *taskRun, p *plan.Stage) error {
	if err := c.Close(); err != nil { // a reduce needs the memory that a model holds
		return err
	}
	worker.LimitMemory(c.memory)
	resetPeak() // what was in use before is not
	n, partition, err := p.Reduce(t.as.Task.Index)
	if err != nil {
		return err
	}
	s := t.stage.streams[n]
	t.out.direct = true
	t.openWriters(onlyDatasets(s.writes()))
	if c.buffers == nil { // until a mapper is made
		c.buffers = &shuffle.Buffers{}
	}
	in, err := s.open(t, c.inputConfig(ctx, t, s, n, partition), func() func() (string, bool) { return c.runFiles(t) })
	if err != nil {
		return c.inputError(t, err)
	}
	err = errors.Join(s.reduceAll(ctx, t, in), in.Close())
	if err != nil {
		return c.inputError(t, err)
	}
	return t.closeWrites()
}

// release lets go of what the streams keep from one map to the next.
func (c *child) release() {
	for i := range c.stages {
		for _, s := range c.stages[i].streams {
			s.release()
		}
	}
}

// reduceBudget is the part of a worker's memory that sorting may use; the rest is for job code,
// open files and the garbage collector's slack.
const reduceBudget = 3

func (c *child) inputConfig(ctx context.Context, t *taskRun, s streamPort, stream, partition int) shuffle.Config {
	k, v := s.widths()
	budget := c.memory / reduceBudget
	if budget == 0 {
		budget = 512 << 20
	}
	return shuffle.Config{
		Stream: stream, Partition: partition, KeyWidth: k, ValueWidth: v, Group: s.prefix(),
		First: s.first(), Buffers: c.buffers, Budget: budget, TempDir: t.folder, Beat: t.cell.Beat,
		Stopped: func() error { return checkCanceled(ctx) },
	}
}

// runFiles passes the committed run files in map order.
func (c *child) runFiles(t *taskRun) func() (string, bool) {
	next := 0
	return func() (string, bool) {
		if next >= len(t.as.Runs) {
			return "", false
		}
		next++
		return c.runPath(t, next-1), true
	}
}

// runPath is the run file of map n.
func (c *child) runPath(t *taskRun, n int) string {
	kind, _ := c.plans[t.env.stage].First()
	a := task.Attempt{Task: task.ID{Stage: t.env.stage, Kind: kind, Index: n}, Number: t.as.Runs[n]}
	return c.dir.OutputPath(a, runOutput())
}

// runOutput is what the run file of any map is, as far as its name is concerned.
func runOutput() task.Output { return task.Output{Kind: task.RunFile, Ext: "run"} }

// inputError turns a damaged run file, or missing ones, into a lost input that names the map tasks. A damaged
// spill may be whole the next time.
func (c *child) inputError(t *taskRun, err error) error {
	var bad *shuffle.DamagedError
	damaged := errors.As(err, &bad)
	switch {
	case damaged && bad.Spill:
		return Retry(err)
	case !damaged && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	var lost []int
	for n := range t.as.Runs {
		path := c.runPath(t, n)
		_, missing := os.Stat(path)
		if damaged && bad.Path == path || errors.Is(missing, fs.ErrNotExist) {
			lost = append(lost, n)
		}
	}
	if lost == nil { // it was another file
		return err
	}
	return &Error{Op: "shuffle", Attempt: t.as.Attempt, Record: -1, Class: task.LostInput, Lost: lost, Err: err}
}
