package mapreduce

import (
	"context"
	"errors"
	"slices"

	"github.com/shardmill/shardmill/mapreduce/internal/sched"
	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

// arrived is an outcome with those that came since.
func (r *stageRun) arrived(o outcome) []outcome {
	all := []outcome{o}
	for {
		r.idle = append(r.idle, o.slot)
		select {
		case o = <-r.replies:
			all = append(all, o)
		default:
			return all
		}
	}
}

// takeAll handles the ends of attempts. If all went well, the slots go on meanwhile: commits wait for the disk.
func (r *stageRun) takeAll(ctx context.Context, all []outcome) error {
	var errs []error
	if !slices.ContainsFunc(all, outcome.failed) && r.judge(all) == nil {
		errs = append(errs, r.start(ctx))
	}
	var good []outcome
	for _, o := range all {
		commit, err := r.settle(o)
		if commit {
			good = append(good, o)
		}
		errs = append(errs, err)
	}
	errs = append(errs, r.commit(good), r.judge(nil))
	for _, o := range all {
		errs = append(errs, r.d.dir.Discard(o.work.Attempt))
	}
	return errors.Join(errs...)
}

// settle handles the end of an attempt, but for one that is to be committed.
func (r *stageRun) settle(o outcome) (commit bool, err error) {
	switch {
	case o.report.Err != nil:
		return false, r.failed(o)
	case o.work.Probe != nil:
		return false, r.decide(o.work, sched.Outcome{})
	case o.err != nil: // what the attempt left is not what it reported
		return false, r.decide(o.work, sched.Outcome{Err: o.err, Class: ClassOf(o.err)})
	}
	if err := r.checkCounts(o.result); err != nil {
		return false, errors.Join(err, r.decide(o.work, sched.Outcome{Err: err, Class: task.Permanent}))
	}
	return true, nil
}

// commit commits the results of attempts.
func (r *stageRun) commit(all []outcome) error {
	if len(all) == 0 {
		return nil
	}
	results := make([]task.Result, len(all))
	for i, o := range all {
		r.d.cfg.Hook("promote:" + o.work.Task.String())
		results[i] = o.result
	}
	won, err := r.d.dir.PromoteAll(results)
	if err != nil {
		errs := []error{err}
		for _, o := range all {
			errs = append(errs, r.decide(o.work, sched.Outcome{Err: err, Class: task.Retryable}))
		}
		return errors.Join(errs...)
	}
	var errs []error
	for i, o := range all {
		r.d.cfg.Hook("committed:" + o.work.Task.String())
		if won[i] {
			r.committed(o.result.Commit())
			r.sum.Committed++
		}
		errs = append(errs, r.decide(o.work, sched.Outcome{}))
		r.progress(o.work)
	}
	return errors.Join(errs...)
}
