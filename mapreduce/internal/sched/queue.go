package sched

import (
	"math/bits"
	"time"
)

// set is a set of task positions. Adding and removing take O(1); first takes O(1) amortized over
// the positions passed, since low moves back only when something is added.
type set struct {
	words []uint64
	low   int // no word below it has members
}

func newSet(n int) set { return set{words: make([]uint64, (n+63)/64)} }

func (s *set) add(pos int) {
	s.words[pos/64] |= 1 << (pos % 64)
	s.low = min(s.low, pos/64)
}

func (s *set) remove(pos int) { s.words[pos/64] &^= 1 << (pos % 64) }

// first is the lowest member below limit.
func (s *set) first(limit int) (int, bool) {
	for ; s.low < len(s.words); s.low++ {
		if w := s.words[s.low]; w != 0 {
			pos := s.low*64 + bits.TrailingZeros64(w)
			return pos, pos < limit
		}
	}
	return 0, false
}

// timer is a task position that waits until a time.
type timer struct {
	until time.Time
	pos   int
}

// timers is a binary heap, earliest first and then lowest. (container/heap would box every timer.)
type timers []timer

func (t timers) less(i, j int) bool {
	if c := t[i].until.Compare(t[j].until); c != 0 {
		return c < 0
	}
	return t[i].pos < t[j].pos
}

func (t *timers) add(until time.Time, pos int) {
	*t = append(*t, timer{until, pos})
	h := *t
	for i := len(h) - 1; i > 0 && h.less(i, (i-1)/2); i = (i - 1) / 2 {
		h[i], h[(i-1)/2] = h[(i-1)/2], h[i]
	}
}

// due takes out the earliest task whose time has come.
func (t *timers) due(now time.Time) (int, bool) {
	h := *t
	if len(h) == 0 || h[0].until.After(now) {
		return 0, false
	}
	first, last := h[0].pos, len(h)-1
	h[0] = h[last]
	*t = h[:last]
	t.sink()
	return first, true
}

// sink moves the first timer down to its place.
func (t timers) sink() {
	for i := 0; ; {
		least := i
		for _, child := range []int{2*i + 1, 2*i + 2} {
			if child < len(t) && t.less(child, least) {
				least = child
			}
		}
		if least == i {
			return
		}
		t[i], t[least] = t[least], t[i]
		i = least
	}
}
