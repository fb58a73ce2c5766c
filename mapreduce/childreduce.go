package mapreduce

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"

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
	cfg := c.inputConfig(ctx, t, s, n, partition)
	v, err := c.survey(t, cfg, p.Streams[n].Partitions)
	if err != nil {
		return c.inputError(t, err)
	}
	known := v.Size(partition)
	cfg.Known = &known
	in, err := s.open(t, cfg, func() func() (string, bool) { return c.runFiles(t, v.Files(partition)) })
	if err != nil {
		return c.inputError(t, err)
	}
	err = errors.Join(s.reduceAll(ctx, t, in), in.Close())
	if err != nil {
		return c.inputError(t, err)
	}
	return t.closeWrites()
}

// surveyed is what was found in the directories of run files, and which files these are: those under a final name never change.
type surveyed struct {
	*shuffle.Survey
	stage  string
	stream int
	runs   task.Runs
}

// survey is what the run files have of the partition and of those after it, kept for the reduces that follow: there may be
// 100,000 files, most of them without a record for most partitions.
func (c *child) survey(t *taskRun, cfg shuffle.Config, partitions int) (*shuffle.Survey, error) {
	k := &c.surveyed
	if k.Covers(cfg.Partition) && k.stage == t.env.stage && k.stream == cfg.Stream && slices.Equal(k.runs, t.as.Runs) {
		return k.Survey, nil
	}
	*k = surveyed{}
	v, err := shuffle.NewSurvey(cfg, partitions, len(t.as.Runs), c.runFiles(t, allOf(len(t.as.Runs))))
	if err != nil {
		return nil, err
	}
	*k = surveyed{v, t.env.stage, cfg.Stream, t.as.Runs}
	return v, nil
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

// runFiles passes the committed run files of the maps that next numbers.
func (c *child) runFiles(t *taskRun, next func() (int, bool)) func() (string, bool) {
	return func() (string, bool) {
		n, ok := next()
		if !ok {
			return "", false
		}
		return c.runPath(t, n), true
	}
}

// allOf numbers n maps.
func allOf(n int) func() (int, bool) {
	next := -1
	return func() (int, bool) {
		next++
		return next, next < n
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
