package sched

import (
	"cmp"
	"slices"

	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

// isolation is the search for the rows of one task that kill workers. See the package comment.
type isolation struct {
	excluded []task.Exclusion // ascending; replaced and never changed in place: attempts share it
	spans    []task.Span      // still to be probed: ascending, disjoint, none empty, no excluded row at an edge
	died     bool             // spans[0] is a row that has died alone once
	found    bool             // a row was excluded since begin
	retries  int              // ends of the probe of spans[0] that answered nothing
	cause    Outcome          // the death that began it
}

// begin starts a round. It tells false when no suspect is left to probe.
func (i *isolation) begin(o Outcome) bool {
	i.spans = i.halves(o.Suspects)
	i.died, i.found, i.retries, i.cause = false, false, 0, o
	return len(i.spans) > 0
}

func (i *isolation) passed() {
	i.spans = i.spans[1:]
	i.died, i.retries = false, 0
}

// dead takes in the death of the probe of spans[0]. It gives the exclusion if that was
// one, and tells false when none of the rows probed is a suspect: then nothing was answered.
func (i *isolation) dead(o Outcome) (*task.Exclusion, bool) {
	span := i.spans[0]
	suspects := i.trim(o.Suspects.Intersect(span))
	switch {
	case suspects.Len() == 0:
		return nil, false
	case span.Len() == 1 && i.died:
		i.passed()
		return i.exclude(span.Lo, o), true
	case span.Len() == 1:
		i.died, i.retries = true, 0
		return nil, true
	}
	next := i.halves(suspects)
	if rest := i.trim(task.Span{Lo: suspects.Hi, Hi: span.Hi}); rest.Len() > 0 {
		next = append(next, rest)
	}
	i.spans = append(next, i.spans[1:]...)
	i.retries = 0
	return nil, true
}

func (i *isolation) exclude(row int64, o Outcome) *task.Exclusion {
	x := task.Exclusion{Ordinal: row, Class: o.Class, Reason: reason(o)}
	at, _ := i.search(row)
	i.excluded = slices.Insert(slices.Clone(i.excluded), at, x)
	i.found = true
	return &x
}

// halves splits a span in two, or gives it whole if it has one row, or nothing if it is empty.
func (i *isolation) halves(s task.Span) []task.Span {
	s = i.trim(s)
	if s.Len() == 0 {
		return nil
	}
	if s.Len() == 1 {
		return []task.Span{s}
	}
	// Neither half is empty after trimming: the first holds s.Lo and the second s.Hi-1.
	mid := s.Lo + s.Len()/2
	return []task.Span{i.trim(task.Span{Lo: s.Lo, Hi: mid}), i.trim(task.Span{Lo: mid, Hi: s.Hi})}
}

// trim takes excluded rows off the edges of a span.
func (i *isolation) trim(s task.Span) task.Span {
	for s.Len() > 0 && i.excludes(s.Lo) {
		s.Lo++
	}
	for s.Len() > 0 && i.excludes(s.Hi-1) {
		s.Hi--
	}
	return s
}

func (i *isolation) excludes(row int64) bool {
	_, ok := i.search(row)
	return ok
}

func (i *isolation) search(row int64) (int, bool) {
	return slices.BinarySearchFunc(i.excluded, row, func(x task.Exclusion, row int64) int {
		return cmp.Compare(x.Ordinal, row)
	})
}

// left is the number of rows still to be probed; excluded rows inside a span count.
func (i *isolation) left() int64 {
	var n int64
	for _, s := range i.spans {
		n += s.Len()
	}
	return n
}

// reason lands in the rejects, so it is the same in every run.
func reason(o Outcome) string {
	s := "crashed the worker twice"
	switch o.Class {
	case task.BadRecord:
		return o.Reason
	case task.Timeout:
		s = "made no progress twice"
	case task.Memory:
		s = "went above the memory cap twice"
	}
	if o.Reason != "" {
		s += ": " + o.Reason
	}
	return s
}
