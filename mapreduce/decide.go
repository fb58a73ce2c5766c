package mapreduce

import (
	"errors"
	"time"

	"github.com/shardmill/shardmill/mapreduce/internal/sched"
	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

// failed reports the failure of an attempt to the scheduler.
func (r *stageRun) failed(o outcome) error {
	rep := o.report
	out := sched.Outcome{
		Err: error(rep.Err), Class: rep.Err.Class, Suspects: rep.Suspects, Reason: rep.Reason, Lost: rep.Err.Lost, Record: rep.Err.Record,
	}
	switch {
	case out.Class == task.LostInput && (o.work.Task.Kind != task.Reduce || len(out.Lost) == 0):
		// Not a run file: an earlier stage has to make something again.
		r.back = true
		r.lost = append(r.lost, out.Lost...)
	case out.Class == task.BadRecord:
		out.Reason = rep.Err.Err.Error()
	case rep.Reason != "" && out.Class != task.Canceled && out.Class != task.Timeout:
		out.Err = withLog(rep.Err, r.d.dir.LogPath(o.work.Attempt))
	}
	return r.decide(o.work, out)
}

// decide tells the scheduler how an attempt ended, and does and reports what it decides.
func (r *stageRun) decide(w sched.Work, o sched.Outcome) error {
	var errs []error
	for _, d := range r.state.Done(time.Now(), w, o) {
		at := sched.Work{Attempt: d.Attempt}
		switch d.Verdict {
		case sched.SentBack:
			r.event(EventRedo, at, "its run file is missing or damaged")
			errs = append(errs, r.sendBack(d.Attempt.Task))
		case sched.Excluded:
			r.excluded[d.Attempt.Task]++
			r.event(EventRetry, at, d.String())
		case sched.Retried, sched.Isolating:
			r.event(EventRetry, at, d.String())
		case sched.Failed:
			if d.Class != task.LostInput {
				r.event(EventFail, at, d.String())
			}
		case sched.Committed, sched.Waiting, sched.Stopped:
		}
	}
	return errors.Join(errs...)
}

// sendBack takes back a committed map whose run file was lost.
func (r *stageRun) sendBack(id task.ID) error {
	rec, ok, err := r.d.dir.ReadRecord(id)
	if err == nil && ok {
		r.counts.Sub(rec.Counts)
		r.sum.Committed--
	}
	return r.d.dir.Invalidate(r.s.folder, nil, []task.ID{id})
}
