package mapreduce

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"time"

	"github.com/shardmill/shardmill/mapreduce/internal/fsx"
	"github.com/shardmill/shardmill/mapreduce/internal/jobdir"
	"github.com/shardmill/shardmill/mapreduce/internal/plan"
	"github.com/shardmill/shardmill/mapreduce/internal/shuffle"
	"github.com/shardmill/shardmill/mapreduce/internal/task"
	"github.com/shardmill/shardmill/mapreduce/internal/worker"
)

// child runs attempts: in a worker process, or in the driver's own for debugging. It knows nothing but
// the job directory and the name of the attempt.
type child struct {
	opts   Options
	jobs   []Job
	memory int64 // cap of this process, 0 for none

	dir    *jobdir.Dir
	stages []Stage
	plans  map[string]storedPlan
	// verified are the committed files whose checksum has been compared, as they were before that.
	verified map[string]fs.FileInfo
	// source is the task whose files were mapped last: many maps may read files of one.
	source *sourceTask
	// checked are the stages whose Files have been compared with job.json in this process.
	checked map[string][]checkedFile
	// touched are kept between attempts.
	touched touched
	spare   spareBuffers
	// made is the mapper of one stage, kept between attempts: it may hold a model.
	made    mapRunner
	madeFor *Env
	// partitioners are those of one stage, by stream, kept between attempts.
	partitioners    []shuffle.Partitioner
	partitionersFor *Env
	// buffers and what has been surveyed are kept between reduces.
	buffers  *shuffle.Buffers
	surveyed surveyed
}

// Hello opens the job directory and builds the job's stages.
func (c *child) Hello(_ context.Context, h worker.Hello) (worker.Ready, error) {
	dir, err := jobdir.Open(fsx.OS{}, h.Job)
	if err != nil {
		return worker.Ready{}, err
	}
	j := dir.Job()
	for _, job := range c.jobs {
		if job.name != j.Job {
			continue
		}
		if job.version != j.JobVersion {
			return worker.Ready{}, fmt.Errorf("job %s: this program has version %d, the job directory %d", j.Job, job.version, j.JobVersion)
		}
		if c.stages, err = job.build(j.Params); err != nil {
			return worker.Ready{}, err
		}
		c.dir, c.memory, c.plans, c.verified = dir, h.MemoryCap, map[string]storedPlan{}, map[string]fs.FileInfo{}
		c.checked, c.touched = map[string][]checkedFile{}, touched{}
		worker.LimitMemory(c.memory) // for what is made before the first mapper
		return worker.Ready{Job: job.name, Version: job.version, Params: paramsDigest(j.Params)}, nil
	}
	return worker.Ready{}, fmt.Errorf("no job %q in this program", j.Job)
}

// Probe makes the mapper of a stage, which loads its model.
func (c *child) Probe(ctx context.Context, stage string) error {
	s, err := c.stage(stage)
	if err != nil {
		return err
	}
	env, err := c.env(stage)
	if err != nil {
		return err
	}
	_, err = c.mapper(ctx, s, env)
	return err
}

// Close ends the mapper.
func (c *child) Close() error {
	c.release()
	if c.made == nil {
		return nil
	}
	m := c.made
	c.made, c.madeFor = nil, nil
	return m.close()
}

// Run carries out the attempt whose folder is given, and leaves its result there.
func (c *child) Run(ctx context.Context, folder string, cell *worker.Cell) error {
	as, err := c.dir.ReadAssignment(folder)
	if err != nil {
		return err
	}
	s, err := c.stage(as.Task.Stage)
	if err != nil {
		return err
	}
	p, err := c.plan(s.folder)
	if err != nil {
		return err
	}
	env, err := c.env(s.folder)
	if err != nil {
		return err
	}
	env.scratch = folder
	if err := c.checkFiles(ctx, s, as.Task.Kind); err != nil {
		return err
	}
	t := &taskRun{
		env: env, stage: s, as: as, folder: folder,
		listing: c.dir.Path("stages", c.stages[0].folder, "listing"), cell: cell, rejects: c.opts.Rejects,
		touched: c.touched, spare: &c.spare,
	}
	start, cpu := time.Now(), cpuSeconds()
	err = c.do(ctx, t, p)
	if err == nil { // a file can have been another one when it was opened
		err = c.checkFiles(ctx, s, as.Task.Kind)
	}
	if err != nil {
		t.abandon()
		return err
	}
	if as.Probe != nil {
		return nil
	}
	return c.dir.WriteResult(folder, t.result(start, cpu))
}

func (c *child) do(ctx context.Context, t *taskRun, p *plan.Stage) error {
	if t.as.Task.Kind == task.Reduce {
		return c.reduce(ctx, t, p)
	}
	by, err := c.partitionersOf(ctx, t.stage, t.env)
	if err != nil {
		return err
	}
	streams := make([]partitioning, len(p.Streams))
	for i, s := range p.Streams {
		streams[i] = partitioning{s.Partitions, by[i]}
	}
	if err := t.openMapWrites(streams); err != nil {
		return err
	}
	if err := c.read(ctx, t, p); err != nil {
		return err
	}
	return t.closeWrites()
}

// read runs the first task of a stage over its input.
func (c *child) read(ctx context.Context, t *taskRun, p *plan.Stage) error {
	n := t.as.Task.Index
	if first, count := p.First(); first != t.as.Task.Kind || n >= count {
		return fmt.Errorf("%s is not in the plan of %s", t.as.Task.Name(), t.env.stage)
	}
	switch t.as.Task.Kind {
	case task.Scan:
		return t.scan(ctx, p.Scans[n].Ranges)
	case task.Split:
		t.limit = cmp.Or(p.Splits[n].Limit, p.Limit)
		return t.readRanges(ctx, p.Splits[n].Ranges, func() error {
			return t.stage.src.split(ctx, t, p.Splits[n].Ranges, t.limit)
		})
	}
	m, err := c.mapper(ctx, t.stage, t.env)
	if err != nil {
		return err
	}
	if n < len(p.Parts) {
		t.limit = p.Parts[n].Limit
		return t.readRanges(ctx, p.Parts[n].Ranges, func() error { return m.runRanges(ctx, t, p.Parts[n].Ranges) })
	}
	path, err := c.input(t.as.Task, p.Maps[n])
	if err != nil {
		return err
	}
	return m.run(ctx, t, path)
}

// mapper is the stage's mapper, made once in a process. The memory limit of the Go heap is set after
// it is made, when what the native library holds is known.
func (c *child) mapper(ctx context.Context, s *Stage, env *Env) (mapRunner, error) {
	if c.made != nil && c.madeFor.serves(env) {
		return c.made, nil
	}
	if err := c.Close(); err != nil {
		return nil, err
	}
	c.buffers, c.surveyed = nil, surveyed{} // a model may need the memory
	m, err := s.mapper(ctx, env)
	if err != nil && ClassOf(err) == Input { // its message is for the user as it is
		return nil, err
	}
	if err != nil {
		return nil, fmt.Errorf("making the mapper of %s: %w", s.folder, err)
	}
	c.made, c.madeFor = m, env
	worker.LimitMemory(c.memory)
	return m, nil
}

// partitionersOf are those of the stage's streams, made once in a process.
func (c *child) partitionersOf(ctx context.Context, s *Stage, env *Env) ([]shuffle.Partitioner, error) {
	if c.partitionersFor != nil && c.partitionersFor.serves(env) {
		return c.partitioners, nil
	}
	c.partitioners, c.partitionersFor = nil, nil
	all := make([]shuffle.Partitioner, len(s.streams))
	for i, st := range s.streams {
		var err error
		if all[i], err = st.partitioner(ctx, env); err != nil {
			return nil, err
		}
	}
	c.partitioners, c.partitionersFor = all, env
	return all, nil
}

// paramsDigest lets driver and worker see that they build the same stages.
func paramsDigest(params []byte) string {
	sum := sha256.Sum256(params)
	return hex.EncodeToString(sum[:])
}
