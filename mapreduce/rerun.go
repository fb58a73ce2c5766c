package mapreduce

import (
	"fmt"
	"slices"
	"strings"

	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

func (d *driver) redo(id task.ID, why string) {
	d.event(Event{Kind: EventRedo, Stage: id.Stage, Task: id.Name(), Text: why})
}

// rerun takes back what the user asks to have done again, with everything that was made from it.
func (d *driver) rerun() error {
	r := d.cfg.Rerun
	var stage string
	var tasks []task.ID
	var err error
	switch {
	case r.Task != "":
		stage, tasks, err = d.rerunTask(r.Task)
	case r.From != "":
		stage, tasks, err = d.rerunFrom(r.From)
	case r.Rejected:
		return d.rerunRejected()
	default:
		return nil
	}
	if err != nil {
		return err
	}
	return d.takeBack(stage, tasks, "asked for")
}

func (d *driver) rerunTask(name string) (string, []task.ID, error) {
	id, err := task.ParseID(name)
	if err != nil {
		return "", nil, &UsageError{Err: err}
	}
	p, err := d.readPlan(id.Stage)
	if err != nil {
		return "", nil, err
	}
	if p != nil {
		first, n := p.First()
		if id.Kind == first && id.Index < n || id.Kind == task.Reduce && id.Index < p.Reduces() {
			return id.Stage, []task.ID{id}, nil
		}
	}
	return "", nil, &UsageError{Err: fmt.Errorf("%s has no task %s: see status %s", d.cfg.Dir, name, d.cfg.Dir)}
}

// rerunFrom finds the reduces of the last stage with a stream, or of the stage named.
func (d *driver) rerunFrom(from string) (string, []task.ID, error) {
	want := strings.TrimSuffix(from, "/reduce")
	if from != "reduce" && want == from {
		return "", nil, &UsageError{Err: fmt.Errorf("--from %q: write reduce or STAGE/reduce", from)}
	}
	for i := len(d.stages) - 1; i >= 0; i-- {
		s := &d.stages[i]
		if len(s.streams) == 0 || from != "reduce" && s.folder != want {
			continue
		}
		p, err := d.readPlan(s.folder)
		if err != nil || p == nil {
			return s.folder, nil, err
		}
		var ids []task.ID
		for n := range p.Reduces() {
			ids = append(ids, task.ID{Stage: s.folder, Kind: task.Reduce, Index: n})
		}
		return s.folder, ids, nil
	}
	return "", nil, &UsageError{Err: fmt.Errorf("--from %q: the job has no such stage with a reduce", from)}
}

// rerunRejected takes back the tasks that have rejects, after the split: what could not be parsed
// is refused again as long as the input is the same. Where there is no split, because the input is mapped in place, the
// tasks with such rows run again all the same.
func (d *driver) rerunRejected() error {
	for i := range d.stages {
		s := &d.stages[i]
		if s.kind == task.Split {
			continue
		}
		var ids []task.ID
		for rec, err := range d.dir.Records(s.folder) {
			if err != nil {
				return err
			}
			if rec.Counts.Rejected+rec.Counts.RejectedGroups > 0 {
				ids = append(ids, rec.Task)
			}
		}
		if len(ids) > 0 {
			return d.takeBack(s.folder, ids, "has rejects")
		}
	}
	d.note("no task has rejects that may pass now; rows that could not be read stay rejected")
	return nil
}

// takeBackLost takes back one task because a file of it was lost. A task of which that keeps happening is
// an error: the disk is not to be trusted.
func (d *driver) takeBackLost(id task.ID, why string) error {
	if d.lost[id]++; d.lost[id] > maxLost {
		return fmt.Errorf("%s: its files keep getting lost or damaged; check the disk", id)
	}
	d.redo(id, why)
	return d.dir.Invalidate(id.Stage, nil, []task.ID{id})
}

// takeBack removes everything made from the outputs of tasks, and then their records: all later stages, then
// the reduces of the stage where a map is among them.
func (d *driver) takeBack(stage string, tasks []task.ID, why string) error {
	var dependents []task.ID
	isFirst := func(id task.ID) bool { return id.Kind != task.Reduce }
	if p, err := d.readPlan(stage); err != nil {
		return err
	} else if p != nil && slices.ContainsFunc(tasks, isFirst) {
		for n := range p.Reduces() {
			dependents = append(dependents, task.ID{Stage: stage, Kind: task.Reduce, Index: n})
		}
	}
	for _, id := range tasks {
		d.redo(id, why)
	}
	if err := d.dir.Invalidate(stage, nil, nil); err != nil {
		return err
	}
	after := slices.IndexFunc(d.stages, func(s Stage) bool { return s.folder > stage })
	if after >= 0 {
		if err := d.dropFrom(after); err != nil {
			return err
		}
	}
	return d.dir.Invalidate(stage, dependents, tasks)
}

// dropFrom removes a stage whose inputs are others now, and all after it: plans name their inputs.
func (d *driver) dropFrom(i int) error {
	for k := len(d.stages) - 1; k >= i; k-- {
		if err := d.dir.RemoveStage(d.stages[k].folder); err != nil {
			return err
		}
	}
	return nil
}
