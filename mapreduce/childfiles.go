package mapreduce

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/shardmill/shardmill/mapreduce/internal/plan"
	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

// storedPlan is a stage's plan and the file that it was read from.
type storedPlan struct {
	*plan.Stage
	info fs.FileInfo
}

// env is what a stage's constructors see. What the source left in a plan is known to all stages, but not yet to a
// probe that comes before it.
func (c *child) env(stage string) (*Env, error) {
	env := &Env{stage: stage, files: func(dataset string) ([]string, error) { return c.files(stage, dataset) }}
	p, err := c.knownPlan(metaStage(c.stages, stage))
	if err != nil {
		return nil, err
	}
	if p != nil {
		env.meta = p.Meta
	}
	if p, err = c.knownPlan(stage); p != nil {
		env.reads = p.Reads
	}
	return env, err
}

// metaStage is the stage whose plan has the meta that a stage sees: the first, or, after a scan, the one that follows it.
func metaStage(stages []Stage, stage string) string {
	if stages[0].kind == task.Scan && stage != stages[0].folder {
		return stages[1].folder
	}
	return stages[0].folder
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
	p, err := c.knownPlan(folder)
	if err == nil && p == nil {
		err = fmt.Errorf("stage %s has no plan", folder)
	}
	return p, err
}

// knownPlan is the plan of a stage, or nil where there is none yet. A process may see a stage planned again, when
// what it reads has been made again and is other than before.
func (c *child) knownPlan(folder string) (*plan.Stage, error) {
	info, err := os.Stat(c.dir.Path("stages", folder, "plan.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if old, ok := c.plans[folder]; ok && os.SameFile(old.info, info) && old.info.ModTime().Equal(info.ModTime()) {
		return old.Stage, nil
	}
	p := &plan.Stage{}
	if ok, err := c.dir.ReadPlan(folder, plan.Version, p); err != nil || !ok {
		return nil, err
	}
	c.plans[folder] = storedPlan{p, info}
	return p, nil
}

// files lists the committed files of a dataset that a stage reads, in task order. One that is missing or damaged is a
// lost input: the driver makes it again. They are read to the end for that, once in a process unless they change.
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
	return c.committed(&c.stages[from], dataset)
}

// verify checks a committed file that a stage reads, unless this process has and nothing has touched the file since.
func (c *child) verify(a task.Attempt, o task.Output) error {
	path := c.dir.OutputPath(a, o)
	info, err := os.Stat(path)
	if old, ok := c.verified[path]; ok && err == nil && untouched(old, info) {
		return nil
	}
	if err := c.dir.VerifyOutput(a, o); err != nil {
		return err
	}
	c.verified[path] = info
	return nil
}

func (c *child) committed(s *Stage, dataset string) ([]string, error) {
	var paths []string
	for rec, err := range c.dir.Records(s.folder, s.writers(dataset)...) {
		if err != nil {
			return nil, err
		}
		for _, o := range rec.Outputs {
			if o.Kind != task.DataFile || o.Dataset != dataset {
				continue
			}
			if err := c.verify(rec.Attempt, o); err != nil {
				return nil, task.New(task.LostInput, err)
			}
			paths = append(paths, c.dir.OutputPath(rec.Attempt, o))
		}
	}
	return paths, nil
}
