package mapreduce

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/shardmill/shardmill/mapreduce/internal/fsx"
	"github.com/shardmill/shardmill/mapreduce/internal/jobdir"
	"github.com/shardmill/shardmill/mapreduce/internal/plan"
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
	plans  map[string]*plan.Stage
	// verified are the side files whose checksum has been compared.
	verified map[string]bool
	// checked are the stages whose Files have been compared with job.json in this process.
	checked map[string]bool
	// made is the mapper of one stage, kept between attempts: it may hold a model.
	made    mapRunner
	madeFor *Env
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
		c.dir, c.memory, c.plans, c.verified = dir, h.MemoryCap, map[string]*plan.Stage{}, map[string]bool{}
		c.checked = map[string]bool{}
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
	if err := c.checkFiles(ctx, s); err != nil {
		return err
	}
	t := &taskRun{
		env: env, stage: s, as: as, folder: folder,
		listing: c.dir.Path("stages", splitFolder, "listing"), cell: cell, rejects: c.opts.Rejects,
	}
	start, cpu := time.Now(), cpuSeconds()
	if err := c.do(ctx, t, p); err != nil {
		t.abandon()
		return err
	}
	if as.Probe != nil {
		return nil
	}
	return c.dir.WriteResult(folder, t.result(start, cpu))
}

// checkFiles compares the files that a stage reads besides its input, such as a model, with what they were when the
// job started: a worker that starts later opens them by name.
func (c *child) checkFiles(ctx context.Context, s *Stage) error {
	if c.checked[s.folder] {
		return nil
	}
	files, err := s.files()
	if err != nil {
		return BadInput(err)
	}
	for _, f := range files {
		sum, err := f.digest(ctx)
		if err != nil {
			return BadInput(fmt.Errorf("%s: %w", f.Role, err))
		}
		if c.dir.Job().Identity[contentOf(f)] != sum {
			return BadInput(fmt.Errorf("the %s %s changed since this job started: put the old file back, or give another --out", f.Role, f.Path))
		}
	}
	c.checked[s.folder] = true
	return nil
}

func (c *child) do(ctx context.Context, t *taskRun, p *plan.Stage) error {
	if t.as.Task.Kind == task.Reduce {
		return c.reduce(ctx, t, p)
	}
	partitions := make([]int, len(p.Streams))
	for i, s := range p.Streams {
		partitions[i] = s.Partitions
	}
	if err := t.openMapWrites(partitions); err != nil {
		return err
	}
	if err := c.read(ctx, t, p); err != nil {
		return err
	}
	return t.closeWrites()
}

// read runs the split or map of an attempt over its input.
func (c *child) read(ctx context.Context, t *taskRun, p *plan.Stage) error {
	n := t.as.Task.Index
	if first, count := p.First(); first != t.as.Task.Kind || n >= count {
		return fmt.Errorf("%s is not in the plan of %s", t.as.Task.Name(), t.env.stage)
	}
	if t.as.Task.Kind == task.Split {
		err := t.stage.src.split(ctx, t, p.Splits[n].Ranges, p.Limit)
		if errors.Is(err, ErrLimit) {
			return nil
		}
		return err
	}
	m, err := c.mapper(ctx, t.stage, t.env)
	if err != nil {
		return err
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
	m, err := s.mapper(ctx, env)
	if err != nil && ClassOf(err) == Input { // its message is for the user as it is
		return nil, err
	}
	if err != nil {
		return nil, fmt.Errorf("making the mapper of %s: %w", s.folder, err)
	}
	c.made, c.madeFor = m, env
	if c.memory > 0 {
		worker.SetMemory(c.memory, worker.NativeBytes())
	}
	return m, nil
}

// input is the file that a map task reads, checked against the plan: a shard of ours is never decoded damaged.
func (c *child) input(id task.ID, m plan.Map) (string, error) {
	rec, ok, err := c.dir.ReadRecord(m.Task)
	if err != nil {
		return "", err
	}
	lost := func(err error) error {
		return &Error{Op: "input", Attempt: task.Attempt{Task: id}, Record: -1, Class: task.LostInput, Lost: []int{m.Task.Index}, Err: err}
	}
	if !ok {
		return "", lost(fmt.Errorf("%s is not committed", m.Task))
	}
	o, ok := findOutput(rec.Outputs, m.Dataset, m.Seq)
	if !ok || o.Rows != m.Rows || o.CRC32C != m.CRC32C {
		return "", fmt.Errorf("%s no longer makes the file %d of %s that the plan names: its input or its code changed", m.Task, m.Seq, m.Dataset)
	}
	if err := c.dir.VerifyOutput(rec.Attempt, o); err != nil {
		return "", lost(err)
	}
	return c.dir.OutputPath(rec.Attempt, o), nil
}

func findOutput(outputs []task.Output, dataset string, seq int) (task.Output, bool) {
	for _, o := range outputs {
		if o.Kind == task.DataFile && o.Dataset == dataset && o.Seq == seq {
			return o, true
		}
	}
	return task.Output{}, false
}

// env is what a stage's constructors see. What the source left in the plan of the split is known to all stages,
// but not yet to a probe that comes before it.
func (c *child) env(stage string) (*Env, error) {
	env := &Env{stage: stage, files: func(dataset string) ([]string, error) { return c.files(stage, dataset) }}
	first := c.stages[0].folder
	if p := c.plans[first]; p != nil {
		env.meta = p.Meta
		return env, nil
	}
	p := &plan.Stage{}
	ok, err := c.dir.ReadPlan(first, plan.Version, p)
	if ok {
		c.plans[first] = p
		env.meta = p.Meta
	}
	return env, err
}

func (c *child) stage(folder string) (*Stage, error) {
	for i := range c.stages {
		if c.stages[i].folder == folder {
			return &c.stages[i], nil
		}
	}
	return nil, fmt.Errorf("the job has no stage %s", folder)
}

func (c *child) plan(folder string) (*plan.Stage, error) {
	if p := c.plans[folder]; p != nil {
		return p, nil
	}
	p := &plan.Stage{}
	ok, err := c.dir.ReadPlan(folder, plan.Version, p)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, fmt.Errorf("stage %s has no plan", folder)
	}
	c.plans[folder] = p
	return p, nil
}

// files lists the committed files of a dataset that a stage reads, in task order. One that is missing or damaged is a
// lost input: the driver makes it again. They are read to the end for that, once in a process.
func (c *child) files(stage, dataset string) ([]string, error) {
	s, err := c.stage(stage)
	if err != nil {
		return nil, err
	}
	reads := func(p Port) bool { return p.portName() == dataset }
	if !slices.ContainsFunc(s.Reads, reads) {
		return nil, fmt.Errorf("stage %s: dataset %s is not in its Reads", s.Name, dataset)
	}
	writes := func(s Stage) bool {
		return slices.ContainsFunc(s.datasets, func(d datasetPort) bool { return d.portName() == dataset })
	}
	from := slices.IndexFunc(c.stages, writes)
	if from < 0 {
		return nil, fmt.Errorf("no stage writes a dataset %s", dataset)
	}
	return c.committed(c.stages[from].folder, dataset)
}

func (c *child) committed(stage, dataset string) ([]string, error) {
	var paths []string
	for rec, err := range c.dir.Records(stage) {
		if err != nil {
			return nil, err
		}
		for _, o := range rec.Outputs {
			if o.Kind != task.DataFile || o.Dataset != dataset {
				continue
			}
			path := c.dir.OutputPath(rec.Attempt, o)
			if !c.verified[path] {
				if err := c.dir.VerifyOutput(rec.Attempt, o); err != nil {
					return nil, task.New(task.LostInput, err)
				}
				c.verified[path] = true
			}
			paths = append(paths, path)
		}
	}
	return paths, nil
}

// paramsDigest lets driver and worker see that they build the same stages.
func paramsDigest(params []byte) string {
	sum := sha256.Sum256(params)
	return hex.EncodeToString(sum[:])
}
