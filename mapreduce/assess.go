package mapreduce

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/shardmill/shardmill/mapreduce/internal/jobdir"
	"github.com/shardmill/shardmill/mapreduce/internal/plan"
	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

// wants is what later stages, or the finish, need of a stage: whole datasets, or single files of one.
type wants struct {
	all   map[string]bool // datasets
	files map[string]map[fileRef]bool
}

type fileRef struct {
	task task.ID
	seq  int
}

func newWants(s *Stage) wants {
	w := wants{all: map[string]bool{}, files: map[string]map[fileRef]bool{}}
	for _, d := range s.datasets {
		if !d.side() {
			w.all[d.portName()] = true
		}
	}
	return w
}

func (w wants) want(dataset string, f fileRef) {
	if w.files[dataset] == nil {
		w.files[dataset] = map[fileRef]bool{}
	}
	w.files[dataset][f] = true
}

func (w wants) needs(id task.ID, o task.Output) bool {
	return o.Kind == task.DataFile && (w.all[o.Dataset] || w.files[o.Dataset][fileRef{id, o.Seq}])
}

// assess asks backwards from what is wanted which committed tasks still count: a task whose wanted output is
// missing loses its record, and only then do the inputs of that task matter. What is left
// without a record is what the stages run.
func (d *driver) assess() error {
	want := make([]wants, len(d.stages))
	for i := range d.stages {
		want[i] = newWants(&d.stages[i])
	}
	for i := len(d.stages) - 1; i >= 0; i-- {
		if err := d.assessStage(i, want); err != nil {
			return err
		}
	}
	return nil
}

// assessStage drops the records of one stage that do not count, and says what its missing tasks need.
func (d *driver) assessStage(i int, want []wants) error {
	s := &d.stages[i]
	done, isDone, err := d.dir.ReadDone(s.folder)
	if err != nil {
		if err := damaged(err); err != nil {
			return err
		}
		d.note("%s: %v: its sums are taken again", s.folder, err)
	}
	p, err := d.assessPlan(i)
	if err != nil {
		return err
	}
	if p == nil {
		d.wantAll(i, want)
		return nil
	}
	kept, bad, err := d.examine(s.folder, want[i])
	if err != nil {
		return err
	}
	if isDone && len(kept) == done.Tasks && len(bad) == 0 {
		return nil
	}
	missing := missingTasks(s.folder, p, kept)
	if slices.ContainsFunc(missing, func(id task.ID) bool { return id.Kind == task.Reduce }) {
		lost := d.lostRuns(s.folder, p, kept)
		bad = append(bad, lost...)
		missing = append(missing, lost...)
	}
	if err := d.dir.Invalidate(s.folder, nil, bad); err != nil {
		return err
	}
	d.wantInputs(i, p, missing, want)
	return nil
}

// assessPlan reads the plan of a stage. Where it is damaged or gone, what the stage and those after it
// did cannot be told any more: they start again.
func (d *driver) assessPlan(i int) (*plan.Stage, error) {
	s := &d.stages[i]
	p, err := d.readPlan(s.folder)
	if err == nil && p != nil {
		return p, nil
	}
	if err != nil {
		if err := damaged(err); err != nil {
			return nil, err
		}
		d.note("%v: the stage starts again", err)
	}
	return nil, d.dropFrom(i)
}

// damaged is nil for the damage of a file of ours, which can be made again, and else err.
func damaged(err error) error {
	var bad *jobdir.DamagedError
	if errors.As(err, &bad) {
		return nil
	}
	return err
}

// examine reads the records of a stage and finds those that do not count.
func (d *driver) examine(stage string, w wants) (kept map[task.ID]task.Attempt, bad []task.ID, err error) {
	kept = map[task.ID]task.Attempt{}
	for rec, err := range d.dir.Records(stage) {
		if err != nil && (rec.Task.Stage == "" || damaged(err) != nil) {
			return nil, nil, err
		}
		if err != nil {
			bad = append(bad, rec.Task)
			d.redo(rec.Task, err.Error())
			continue
		}
		if why := d.missingOutput(rec, w); why != "" {
			bad = append(bad, rec.Task)
			d.redo(rec.Task, why)
			continue
		}
		kept[rec.Task] = rec.Attempt
	}
	return kept, bad, nil
}

// missingOutput tells which wanted output of a committed task is not there in its full size. Checksums are
// taken when a file is read: by the task that reads it, or by the finish.
func (d *driver) missingOutput(rec task.Record, w wants) string {
	for _, o := range rec.Outputs {
		if !w.needs(rec.Task, o) && o.Kind != task.RejectFile {
			continue
		}
		path := d.dir.OutputPath(rec.Attempt, o)
		info, err := os.Stat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return o.Path(rec.Attempt) + " is missing"
		case err != nil:
			return err.Error()
		case info.Size() != o.Bytes:
			return fmt.Sprintf("%s has %d bytes instead of %d", o.Path(rec.Attempt), info.Size(), o.Bytes)
		}
	}
	return ""
}

func missingTasks(stage string, p *plan.Stage, kept map[task.ID]task.Attempt) []task.ID {
	var ids []task.ID
	add := func(kind task.Kind, n int) {
		for k := range n {
			id := task.ID{Stage: stage, Kind: kind, Index: k}
			if _, ok := kept[id]; !ok {
				ids = append(ids, id)
			}
		}
	}
	first, n := p.First()
	add(first, n)
	add(task.Reduce, p.Reduces())
	return ids
}

// lostRuns finds the committed maps whose run file is gone, when a reduce needs it.
func (d *driver) lostRuns(stage string, p *plan.Stage, kept map[task.ID]task.Attempt) []task.ID {
	var lost []task.ID
	first, n := p.First()
	for k := range n {
		id := task.ID{Stage: stage, Kind: first, Index: k}
		a, ok := kept[id]
		if !ok {
			continue
		}
		if _, err := os.Stat(d.dir.OutputPath(a, runOutput())); err != nil {
			lost = append(lost, id)
			d.redo(id, "a reduce must run and the run file of this task is gone")
		}
	}
	return lost
}

// wantAll asks for everything that a stage that has no plan yet may read.
func (d *driver) wantAll(i int, want []wants) {
	s := &d.stages[i]
	if s.kind == task.Map {
		d.wantDataset(s.input, want)
	}
	for _, p := range s.Reads {
		d.wantDataset(p.portName(), want)
	}
}

func (d *driver) wantDataset(name string, want []wants) {
	if i, ok := d.owner(name); ok {
		want[i].all[name] = true
	}
}

// owner is the stage that writes a dataset.
func (d *driver) owner(dataset string) (int, bool) {
	for i := range d.stages {
		for _, ds := range d.stages[i].datasets {
			if ds.portName() == dataset {
				return i, true
			}
		}
	}
	return 0, false
}

// wantInputs asks for the shards of the map tasks that must run, and for the stage's side inputs.
func (d *driver) wantInputs(i int, p *plan.Stage, missing []task.ID, want []wants) {
	for _, id := range missing {
		if id.Kind == task.Map && id.Index < len(p.Maps) { // else it reads the input in place
			m := p.Maps[id.Index]
			if k, ok := d.owner(m.Dataset); ok {
				want[k].want(m.Dataset, fileRef{m.Task, m.Seq})
			}
		}
	}
	if len(missing) > 0 {
		for _, port := range d.stages[i].Reads {
			d.wantDataset(port.portName(), want)
		}
	}
}

func (d *driver) readPlan(stage string) (*plan.Stage, error) {
	p := &plan.Stage{}
	ok, err := d.dir.ReadPlan(stage, plan.Version, p)
	if err != nil || !ok {
		return nil, err
	}
	return p, nil
}
