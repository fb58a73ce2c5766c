package mapreduce

import (
	"fmt"

	"github.com/shardmill/shardmill/mapreduce/internal/jobdir"
	"github.com/shardmill/shardmill/mapreduce/internal/plan"
	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

// giveBack removes the records of the tasks whose committed files this stage found lost: shards, or, if none
// is named, files of its side datasets.
func (r *stageRun) giveBack() error {
	lost, makers := map[task.ID]bool{}, map[int]bool{}
	for _, n := range r.lost {
		makers[n] = true
	}
	for _, m := range r.p.Maps {
		if makers[m.Task.Index] {
			lost[m.Task] = true
		}
	}
	for _, p := range r.s.Reads {
		owner, _ := r.d.owner(p.portName()) // link has seen to it that there is one
		for f, err := range r.d.files(owner, p.portName()) {
			if err != nil {
				return err
			}
			if r.d.dir.VerifyOutput(f.attempt, f.out) != nil {
				lost[f.attempt.Task] = true
			}
		}
	}
	for id := range lost {
		if err := r.d.takeBackLost(id, "a later stage found its output missing or damaged"); err != nil {
			return err
		}
	}
	return nil
}

// dropStale removes the records of reduces that read other run files than those committed now: a map
// that ran again since has rejected other rows, for reasons of time or memory.
func (d *driver) dropStale(i int, runs []uint32) (again bool, err error) {
	stage, now := d.stages[i].folder, task.Inputs(runs)
	for rec, err := range d.dir.Records(stage, task.Reduce) {
		if err != nil {
			return false, err
		}
		if rec.Input != now {
			again = true
			if err := d.takeBackLost(rec.Task, "a map that it read has run again with other rejects"); err != nil {
				return false, err
			}
		}
	}
	return again, nil
}

// commitStage checks the sums of a stage, writes DONE.json and removes what nobody needs any more.
func (d *driver) commitStage(i int, p *plan.Stage) error {
	s := &d.stages[i]
	d.cfg.Hook("done:" + s.folder)
	done, err := d.sum(s.folder)
	if err != nil {
		return err
	}
	if err := checkStage(s, p, done); err != nil {
		return fmt.Errorf("%s: %w", s.folder, err)
	}
	d.counts[i] = done.Counts
	if err := d.dir.WriteDone(s.folder, done); err != nil {
		return err
	}
	d.cfg.Hook("clean:" + s.folder)
	return d.cleanUp(i)
}

// sum adds up the records of a stage as they lie on disk.
func (d *driver) sum(stage string) (jobdir.Done, error) {
	done := jobdir.Done{Data: map[string]jobdir.Total{}}
	for rec, err := range d.dir.Records(stage) {
		if err != nil {
			return done, err
		}
		done.Tasks++
		done.Counts.Add(rec.Counts)
		for _, o := range rec.Outputs {
			switch o.Kind {
			case task.DataFile:
				t := done.Data[o.Dataset]
				t.Add(o)
				done.Data[o.Dataset] = t
			case task.RejectFile:
				done.Rejects.Add(o)
			case task.RunFile:
			}
		}
	}
	return done, nil
}
