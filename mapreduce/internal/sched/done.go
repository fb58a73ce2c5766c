package sched

import (
	"time"

	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

// Done takes in how an attempt ended and answers with what was decided, in order. The report of
// an attempt that does not run, a duplicate for example, is ignored.
func (s *State) Done(now time.Time, w Work, o Outcome) []Decision {
	pos, ok := s.position(w.Task)
	if !ok || !s.items[pos].busy || s.items[pos].last != w.Number {
		return nil
	}
	s.items[pos].busy = false
	s.flying--
	if o.Err == nil {
		return s.succeeded(now, pos, o)
	}
	switch {
	case o.Class == task.Canceled:
		return s.again(pos, o)
	case o.Class == task.Retryable:
		return s.retry(now, pos, o)
	case o.Class == task.BadRecord && o.Record >= 0:
		return s.refused(pos, o)
	case o.Class.Suspicious():
		return s.died(now, pos, o)
	case o.Class == task.LostInput && pos >= s.split:
		return s.lost(now, pos, o)
	case o.Class == task.Input, o.Class == task.LostInput:
		return append(s.fail(pos, o), s.halt(pos)...)
	default:
		return s.fail(pos, o)
	}
}

func (s *State) succeeded(now time.Time, pos int, o Outcome) []Decision {
	t := &s.items[pos]
	if t.phase == isolating {
		t.iso.passed()
		return s.probeNext(now, pos, o)
	}
	s.commit(pos, t.last)
	return []Decision{{Verdict: Committed, Attempt: s.attempt(pos)}}
}

func (s *State) commit(pos, attempt int) {
	t := &s.items[pos]
	s.move(pos, committed)
	t.won = attempt
	if pos < s.split {
		s.commits++
		t.mark = s.commits
	}
}

// again makes a task wait without counting a try. One under isolation stays so.
func (s *State) again(pos int, o Outcome) []Decision {
	if s.items[pos].phase != isolating {
		s.move(pos, waiting)
	}
	s.queue(pos)
	return []Decision{{Verdict: Waiting, Attempt: s.attempt(pos), Class: o.Class, Err: o.Err}}
}

// retry counts a try of the task, or of its probe, and makes it wait or fail.
func (s *State) retry(now time.Time, pos int, o Outcome) []Decision {
	t := &s.items[pos]
	tries := 0
	if t.phase == isolating {
		t.iso.retries++
		tries = t.iso.retries
	} else {
		t.tries++
		tries = int(t.tries)
	}
	if tries >= s.cfg.Tries {
		return s.fail(pos, o)
	}
	if t.phase != isolating {
		s.move(pos, waiting)
	}
	delay := s.cfg.Backoff(tries)
	if delay > 0 {
		s.delayed.add(now.Add(delay), pos)
	} else {
		s.queue(pos)
	}
	return []Decision{{
		Verdict: Retried, Attempt: s.attempt(pos), Try: tries + 1, Tries: s.cfg.Tries, Delay: delay,
		Class: o.Class, Err: o.Err,
	}}
}

// refused excludes a row or group that job code called bad; the attempt starts over without it.
func (s *State) refused(pos int, o Outcome) []Decision {
	t := &s.items[pos]
	if t.iso == nil {
		t.iso = &isolation{}
	}
	if t.iso.excludes(o.Record) {
		return s.fail(pos, o) // it was not even to be touched
	}
	x := t.iso.exclude(o.Record, o)
	if t.phase != isolating {
		s.move(pos, waiting)
	}
	s.queue(pos)
	return []Decision{{Verdict: Excluded, Attempt: s.attempt(pos), Exclusion: *x, Class: o.Class, Err: o.Err}}
}

// died handles a death that a row may have caused, of an attempt or of a probe.
func (s *State) died(now time.Time, pos int, o Outcome) []Decision {
	t := &s.items[pos]
	if t.phase == isolating {
		x, ok := t.iso.dead(o)
		if !ok {
			return s.retry(now, pos, o)
		}
		if x == nil {
			return s.probeNext(now, pos, o)
		}
		d := Decision{Verdict: Excluded, Attempt: s.attempt(pos), Exclusion: *x, Class: o.Class, Err: o.Err}
		return append([]Decision{d}, s.probeNext(now, pos, Outcome{})...)
	}
	if t.iso == nil {
		t.iso = &isolation{}
	}
	if !t.iso.begin(o) {
		return s.retry(now, pos, o)
	}
	s.move(pos, isolating)
	return s.probeNext(now, pos, o)
}

// probeNext goes on with the next probe after one ended with o, or ends the isolation.
func (s *State) probeNext(now time.Time, pos int, o Outcome) []Decision {
	iso := s.items[pos].iso
	if len(iso.spans) > 0 {
		s.queue(pos)
		return []Decision{{
			Verdict: Isolating, Attempt: s.attempt(pos), Span: iso.spans[0], Left: iso.left(),
			Class: o.Class, Err: o.Err,
		}}
	}
	s.move(pos, waiting)
	if !iso.found {
		s.items[pos].serial = true
		return s.retry(now, pos, iso.cause)
	}
	s.queue(pos)
	return []Decision{{Verdict: Waiting, Attempt: s.attempt(pos)}}
}

// lost handles a reduce whose input is damaged: the maps go back, and no try of the reduce counts.
func (s *State) lost(now time.Time, pos int, o Outcome) []Decision {
	var ds []Decision
	known := false
	for _, m := range o.Lost {
		if m < 0 || m >= s.split {
			continue
		}
		known = true
		// A map that is not committed, or was after the reduce started, has been sent back already.
		if t := &s.items[m]; t.phase == committed && t.mark <= s.items[pos].mark {
			ds = append(ds, s.sendBack(now, m, o)...)
		}
	}
	if !known {
		return s.retry(now, pos, o)
	}
	return append(ds, s.again(pos, o)...)
}

func (s *State) sendBack(now time.Time, pos int, o Outcome) []Decision {
	t := &s.items[pos]
	d := Decision{
		Verdict: SentBack, Class: o.Class, Err: o.Err,
		Attempt: task.Attempt{Task: s.id(pos), Number: t.won},
	}
	t.won = 0
	return append([]Decision{d}, s.retry(now, pos, o)...)
}

// fail gives a task up.
func (s *State) fail(pos int, o Outcome) []Decision {
	s.move(pos, failed)
	f := Failure{Attempt: s.attempt(pos), Class: o.Class, Err: o.Err}
	s.failed[pos] = f
	ds := []Decision{{Verdict: Failed, Attempt: f.Attempt, Class: o.Class, Err: o.Err}}
	if s.cfg.FailFast {
		ds = append(ds, s.halt(pos)...)
	}
	return ds
}

// halt stops the stage because of a task, and says so once.
func (s *State) halt(pos int) []Decision {
	if s.stopped {
		return nil
	}
	s.Stop()
	return []Decision{{Verdict: Stopped, Attempt: s.attempt(pos)}}
}
