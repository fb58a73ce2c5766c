package mapreduce

import (
	"context"
	"fmt"
	"time"

	"github.com/shardmill/shardmill/mapreduce/internal/plan"
	"github.com/shardmill/shardmill/mapreduce/internal/sched"
	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

// stageRun is the running of one stage: the scheduler's state and what has been committed so far.
type stageRun struct {
	d       *driver
	i       int
	s       *Stage
	p       *plan.Stage
	state   *sched.State
	idle    []*slot
	replies chan outcome
	counts  task.Counts
	total   int64 // rows of the stage, 0 where not known
	sum     StageSummary
	stopped error // why no new attempt starts

	excluded map[task.ID]int64 // rows and groups known to be bad, of tasks that are not committed
	runs     []uint32          // CRC-32C of the committed run files, by map
	back     bool              // an earlier stage must make something again:
	lost     []int             // the committed files that these of its tasks made
}

// stage runs what is missing of a stage and commits it. again is true when an earlier stage has to
// make a file anew first.
func (d *driver) stage(ctx context.Context, i int) (again bool, err error) {
	s := &d.stages[i]
	p, err := d.plan(ctx, i)
	if err != nil {
		return false, err
	}
	done, ok, err := d.dir.ReadDone(s.folder)
	if err != nil {
		return false, err
	}
	if ok {
		d.counts[i] = done.Counts
		d.stageDone(StageSummary{
			Name: s.folder, Tasks: done.Tasks, Committed: done.Tasks, Reused: done.Tasks, Measures: done.Counts.Measured(),
		})
		return false, nil
	}
	r, err := d.newStageRun(i, p)
	if err != nil {
		return false, err
	}
	err = r.loop(ctx)
	d.counts[i], r.sum.Measures = r.counts, r.counts.Measured()
	d.stageDone(r.sum)
	if err == nil && r.back {
		return true, r.giveBack()
	}
	if err == nil {
		again, err = d.dropStale(i, r.runs)
	}
	if err != nil || again {
		return again, err
	}
	return false, d.commitStage(i, p)
}

func (d *driver) stageDone(sum StageSummary) {
	for k := range d.summary.Stages {
		if d.summary.Stages[k].Name == sum.Name {
			sum.Attempts += d.summary.Stages[k].Attempts
			d.summary.Stages[k] = sum
			return
		}
	}
	d.summary.Stages = append(d.summary.Stages, sum)
}

// newStageRun sets up the scheduler with what is committed already.
func (d *driver) newStageRun(i int, p *plan.Stage) (*stageRun, error) {
	s := &d.stages[i]
	first, n := p.First()
	r := &stageRun{
		d: d, i: i, s: s, p: p, idle: append([]*slot(nil), d.slots...), replies: make(chan outcome, len(d.slots)),
		state:    sched.New(sched.Config{Tries: d.cfg.Tries, FailFast: d.cfg.FailFast}, first, n, p.Reduces(), s.folder),
		sum:      StageSummary{Name: s.folder, Tasks: n + p.Reduces()},
		excluded: map[task.ID]int64{}, runs: make([]uint32, n),
	}
	r.total, _ = p.Rows()
	committed := map[task.ID]int{}
	for rec, err := range d.dir.Records(s.folder) {
		if err != nil {
			return nil, err
		}
		committed[rec.Task] = rec.Number
		r.state.Committed(rec.Task, rec.Number)
		r.committed(rec)
		r.sum.Reused++
	}
	r.sum.Committed = r.sum.Reused
	last, err := d.dir.LastAttempts(s.folder)
	if err != nil {
		return nil, err
	}
	for id, k := range last {
		r.state.LastAttempt(id, k)
	}
	if err := d.dir.Garbage(s.folder, func(id task.ID) int { return committed[id] }); err != nil {
		return nil, err
	}
	d.event(Event{Kind: EventStage, Stage: s.folder, Done: r.sum.Committed, Tasks: r.sum.Tasks, Rows: r.rows(), Total: r.total})
	if r.sum.Reused > 0 {
		d.event(Event{Kind: EventReuse, Stage: s.folder, Text: keptTasks(r.sum.Reused, r.sum.Tasks)})
	}
	return r, nil
}

// keptTasks tells how many of a stage's tasks an earlier run has committed.
func keptTasks(kept, all int) string {
	noun, verb := "tasks", "are"
	if all == 1 {
		noun = "task"
	}
	if kept == 1 {
		verb = "is"
	}
	return fmt.Sprintf("%d of %d %s %s committed and kept", kept, all, noun, verb)
}

// committed counts a committed task.
func (r *stageRun) committed(rec task.Record) {
	r.counts.Add(rec.Counts)
	delete(r.excluded, rec.Task)
	for _, o := range rec.Outputs {
		if o.Kind == task.RunFile && rec.Task.Index < len(r.runs) {
			r.runs[rec.Task.Index] = o.CRC32C
		}
	}
}

// rows is the number of input rows that committed tasks finished.
func (r *stageRun) rows() int64 { return r.counts.Rows() }

// loop starts attempts and takes their ends until nothing more can run.
func (r *stageRun) loop(ctx context.Context) error {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	interrupted := ctx.Done()
	for {
		if err := r.start(ctx); err != nil {
			r.stop(err)
		}
		if sum, ok := r.state.Finished(); ok {
			return r.finished(sum)
		}
		r.arm(timer)
		select {
		case o := <-r.replies:
			if err := r.takeAll(ctx, r.arrived(o)); err != nil {
				r.stop(err)
			}
		case <-timer.C:
		case <-interrupted:
			interrupted = nil
			r.stop(task.New(task.Canceled, ctx.Err()))
		}
	}
}

// stop lets nothing new start; the first reason is the one that the job ends with.
func (r *stageRun) stop(err error) {
	if r.stopped == nil {
		r.stopped = err
	}
	r.state.Stop()
}

// arm sets the timer to the end of the shortest back-off.
func (r *stageRun) arm(timer *time.Timer) {
	wait := time.Hour
	if at, ok := r.state.Wake(); ok {
		wait = max(0, time.Until(at))
	}
	timer.Reset(wait)
}

// start gives every idle slot an attempt, as long as there are any.
func (r *stageRun) start(ctx context.Context) error {
	for len(r.idle) > 0 && r.stopped == nil && ctx.Err() == nil {
		w, ok := r.state.Next(time.Now())
		if !ok {
			return nil
		}
		folder, err := r.begin(w)
		if err != nil {
			r.state.Done(time.Now(), w, sched.Outcome{Err: err, Class: task.Canceled})
			return err
		}
		s := r.idle[len(r.idle)-1]
		r.idle = r.idle[:len(r.idle)-1]
		r.sum.Attempts++
		r.event(EventStart, w, "")
		r.d.cfg.Hook("start:" + w.Task.String())
		s.orders <- order{work: w, folder: folder, timeout: r.s.Timeout, reply: r.replies}
	}
	return nil
}

func (r *stageRun) begin(w sched.Work) (string, error) {
	as := task.Assignment{Version: task.Version, Attempt: w.Attempt, Probe: w.Probe, Exclude: w.Exclude, Serial: w.Serial}
	if w.Task.Kind == task.Reduce {
		as.Runs, as.Input = r.state.Attempts(), task.Inputs(r.runs)
	}
	return r.d.dir.Begin(as)
}

// judge stops the stage when too many of the input rows finished so far, and of those about to be committed, were rejected. Rows
// that are known to kill workers count although their task is not committed: to find the next one may take long.
func (r *stageRun) judge(ready []outcome) error {
	rejects, rows := r.counts.Rejected+r.counts.RejectedRecords, r.rows()
	for _, o := range ready {
		rejects += o.result.Counts.Rejected + o.result.Counts.RejectedRecords
		rows += o.result.Counts.Rows()
	}
	for id, n := range r.excluded {
		rejects += n
		if id.Kind != task.Reduce { // the rows of a key group have been counted when they were mapped
			rows += n
		}
	}
	for _, c := range r.d.counts[:r.i] {
		rejects += c.Rejected + c.RejectedRecords
	}
	switch first, mapped := rowStages(r.d.stages); {
	case r.i > mapped: // its rows are not those of the input, all of which have been read
		rows = r.d.counts[first].Rows()
	case r.i > first:
		c := r.d.counts[first]
		rows += c.Rejected + c.DroppedRows()
	}
	if rows >= rejectsJudgedFrom && r.d.cfg.MaxRejects.exceeded(rejects, rows) {
		return &GateError{Rejects: rejects, Rows: rows, Limit: r.d.cfg.MaxRejects}
	}
	return nil
}

func (r *stageRun) progress(w sched.Work) {
	r.d.event(Event{
		Kind: EventProgress, Stage: r.s.folder, Task: w.Task.Name(), Attempt: w.Number,
		Done: r.sum.Committed, Tasks: r.sum.Tasks, Rows: r.rows(), Total: r.total, Rejected: r.counts.Rejected,
	})
}

func (r *stageRun) event(kind string, w sched.Work, text string) {
	r.d.event(Event{Kind: kind, Stage: r.s.folder, Task: w.Task.Name(), Attempt: w.Number, Text: text})
}

// finished turns the scheduler's last word into the stage's result.
func (r *stageRun) finished(sum sched.Summary) error {
	if r.stopped != nil {
		return r.stopped
	}
	if len(sum.Failed) == 0 || r.back {
		return nil
	}
	failed := &FailedError{Dir: r.d.cfg.Dir}
	for _, f := range sum.Failed {
		if f.Class == task.Input {
			return BadInput(f.Err)
		}
		failed.Tasks = append(failed.Tasks, FailedTask{
			Task: f.Attempt.Task.String(), Class: f.Class.String(), Reason: f.Err.Error(),
			Log: r.d.dir.LogPath(f.Attempt),
		})
	}
	return failed
}
