package sched

import (
	"time"

	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

type phase uint8

const (
	waiting phase = iota
	running
	isolating
	committed
	failed
)

// item is one task. A task that is waiting or isolating and not busy is in exactly one of
// State.ready, State.probes and State.delayed.
type item struct {
	phase  phase
	busy   bool       // an attempt runs
	serial bool       // attempts do not look ahead
	tries  int32      // failed tries
	last   int        // highest attempt number used
	won    int        // committed attempt, 0 for none
	mark   int64      // State.commits when it committed, or when its last attempt started
	iso    *isolation // nil until an attempt died with suspects
}

// State is the state of one stage. It is not safe for concurrent use.
type State struct {
	cfg     Config
	stage   string
	first   task.Kind
	split   int    // positions below it are first tasks, the others reduces
	items   []item // by position
	counts  [2]Counts
	ready   set // may start an attempt
	probes  set // may start a probe
	delayed timers
	flying  int   // attempts that run
	commits int64 // of first tasks so far
	probed  bool  // the last attempt started was a probe
	stopped bool
	failed  map[int]Failure // by position
}

// New is a stage of firstCount tasks of kind first (scan, split or map) and then reduces. All are waiting.
func New(cfg Config, first task.Kind, firstCount, reduces int, stage string) *State {
	n := firstCount + reduces
	s := &State{
		cfg: cfg.withDefaults(), stage: stage, first: first, split: firstCount,
		items: make([]item, n), ready: newSet(n), probes: newSet(n), failed: map[int]Failure{},
	}
	s.counts[0].Waiting, s.counts[1].Waiting = firstCount, reduces
	for pos := range n {
		s.ready.add(pos)
	}
	return s
}

// Committed marks a task whose record was found, before the first Next. A task of another stage is ignored.
func (s *State) Committed(id task.ID, attempt int) {
	pos, ok := s.position(id)
	if !ok || s.items[pos].phase != waiting {
		return
	}
	s.ready.remove(pos)
	s.items[pos].last = max(s.items[pos].last, attempt)
	s.commit(pos, attempt)
}

// LastAttempt sets the highest attempt number that a task has used, before the first Next. A task
// of another stage is ignored.
func (s *State) LastAttempt(id task.ID, n int) {
	if pos, ok := s.position(id); ok {
		s.items[pos].last = max(s.items[pos].last, n)
	}
}

// Next is the attempt to start now, if there is one.
func (s *State) Next(now time.Time) (Work, bool) {
	if s.stopped {
		return Work{}, false
	}
	for pos, ok := s.delayed.due(now); ok; pos, ok = s.delayed.due(now) {
		s.queue(pos)
	}
	pos, ok := s.pick()
	if !ok {
		return Work{}, false
	}
	return s.start(pos), true
}

// pick takes the lowest task out of ready or of probes, in turns when both have one.
func (s *State) pick() (int, bool) {
	limit := s.split
	if s.counts[0].Committed == s.split {
		limit = len(s.items)
	}
	pos, ok := s.ready.first(limit)
	probe, probeOK := s.probes.first(limit)
	if probeOK && (!ok || !s.probed) {
		s.probes.remove(probe)
		s.probed = true
		return probe, true
	}
	if ok {
		s.ready.remove(pos)
		s.probed = false
	}
	return pos, ok
}

func (s *State) start(pos int) Work {
	t := &s.items[pos]
	t.busy, t.mark = true, s.commits
	t.last++
	s.flying++
	w := Work{Attempt: s.attempt(pos), Serial: t.serial}
	if t.iso != nil {
		w.Exclude, w.Fresh = t.iso.excluded, true
	}
	if t.phase == isolating {
		span := t.iso.spans[0]
		w.Probe = &span
	} else {
		s.move(pos, running)
	}
	return w
}

// Wake is the earliest end of a back-off, when to call Next again if it had nothing.
func (s *State) Wake() (time.Time, bool) {
	if s.stopped || len(s.delayed) == 0 {
		return time.Time{}, false
	}
	return s.delayed[0].until, true
}

// Stop makes Next give nothing any more. Attempts that run still report with Done.
func (s *State) Stop() { s.stopped = true }

// Finished tells whether nothing runs and nothing can start, and how the stage ended.
func (s *State) Finished() (Summary, bool) {
	if s.flying > 0 || !s.stopped && s.startable() {
		return Summary{}, false
	}
	sum := Summary{Stopped: s.stopped, Committed: s.counts[0].Committed + s.counts[1].Committed}
	for pos := range s.items {
		if f, ok := s.failed[pos]; ok {
			sum.Failed = append(sum.Failed, f)
		}
	}
	sum.Left = len(s.items) - sum.Committed - len(sum.Failed)
	return sum, true
}

// startable tells whether a task may start now or after its back-off, given that nothing runs.
func (s *State) startable() bool {
	maps, reduces := s.counts[0], s.counts[1]
	if maps.Waiting+maps.Isolating > 0 {
		return true
	}
	return maps.Committed == s.split && reduces.Waiting+reduces.Isolating > 0
}

// Attempts is the committed attempt of each first task, 0 for one that is not committed.
func (s *State) Attempts() []int {
	runs := make([]int, s.split)
	for pos := range runs {
		runs[pos] = s.items[pos].won
	}
	return runs
}

// Counts counts the first tasks and the reduces by state.
func (s *State) Counts() (first, reduces Counts) { return s.counts[0], s.counts[1] }

// queue makes a task ready for its next attempt or probe.
func (s *State) queue(pos int) {
	if s.items[pos].phase == isolating {
		s.probes.add(pos)
	} else {
		s.ready.add(pos)
	}
}

func (s *State) move(pos int, to phase) {
	t := &s.items[pos]
	*s.count(pos, t.phase)--
	t.phase = to
	*s.count(pos, to)++
}

func (s *State) count(pos int, p phase) *int {
	c := &s.counts[0]
	if pos >= s.split {
		c = &s.counts[1]
	}
	return [...]*int{
		waiting: &c.Waiting, running: &c.Running, isolating: &c.Isolating,
		committed: &c.Committed, failed: &c.Failed,
	}[p]
}

// attempt is the last attempt of a task.
func (s *State) attempt(pos int) task.Attempt {
	return task.Attempt{Task: s.id(pos), Number: s.items[pos].last}
}

func (s *State) id(pos int) task.ID {
	if pos < s.split {
		return task.ID{Stage: s.stage, Kind: s.first, Index: pos}
	}
	return task.ID{Stage: s.stage, Kind: task.Reduce, Index: pos - s.split}
}

func (s *State) position(id task.ID) (int, bool) {
	pos := id.Index
	if id.Kind == task.Reduce {
		pos += s.split
	}
	return pos, pos >= 0 && pos < len(s.items) && s.id(pos) == id
}
