package ease

import (
	"fmt"
	"iter"
	"math"
	"math/bits"

	"github.com/shardmill/shardmill/jobs/internal/quota"
)

// Scorer keeps the best items of users. It is for one goroutine.
type Scorer struct {
	model        *Model
	users, items Matrix
	score        scoreFunc
	renumbered   renumbering
	top          int
	filter       Filter
	lanes        lanes
	keys         []key    // the lists, one after another
	classes      []uint32 // of the keys, under quotas
	offered      []int    // by list, items while it was short, under quotas
	last         int      // the list that was emitted
	out          []Scored
	block        []userRow // where the inverse is of items
	seen         []uint32  // where it is of users: by items, a bit for each user of the panel that has it; zero between panels
}

// NewScorer makes a Scorer of lists of the top best items. Users and items are those that the model was solved for; if the
// inverse is of items, users may also be others, with other interactions, and items are not read and may be nil.
func NewScorer(m *Model, users, items Matrix, top int) (*Scorer, error) {
	return newScorer(kernels()[0], m, users, items, top)
}

func newScorer(k kernel, m *Model, users, items Matrix, top int) (*Scorer, error) {
	switch {
	case users.Columns() != m.items || m.byUsers && users.Rows() != m.users:
		return nil, fmt.Errorf("ease: users are %d x %d, and the model's %d x %d", users.Rows(), users.Columns(), m.users, m.items)
	case m.byUsers && (items == nil || items.Rows() != m.items || items.Columns() != m.users):
		return nil, fmt.Errorf("ease: items are not the %d x %d that the model has", m.items, m.users)
	case top < 1:
		return nil, fmt.Errorf("ease: lists of %d items: at least 1", top)
	}
	s := &Scorer{model: m, users: users, items: items, score: k.score, renumbered: m.renumbering(), top: min(top, max(1, m.items))}
	if m.byUsers {
		s.seen = make([]uint32, m.items)
	}
	return s, nil
}

// Filter says what lists have, where that is not all that a user has not.
type Filter struct {
	Allowed []bool // by item, whether it may be listed; nil lets all
	// Except returns the items, ascending, that the list of a user shall not have, and whether the list is asked for at all:
	// others are not scored, and come out empty. Where it leaves out an item of the user, that is scored by what the user has besides. What it
	// returns must not change before Score returns. Nil leaves out what a user has.
	Except func(user int) (items []uint32, asked bool)
	Quotas *quota.Quotas // that lists keep; nil is none
}

// SetFilter sets what the lists to come have.
func (s *Scorer) SetFilter(f Filter) error {
	if f.Allowed != nil && len(f.Allowed) != s.model.items {
		return fmt.Errorf("ease: %d items are allowed or not, of %d", len(f.Allowed), s.model.items)
	}
	s.filter = f
	return nil
}

// Offered is how many candidates there were for the list that was emitted last, under quotas. It is right for lists that are short of the top items.
func (s *Scorer) Offered() int {
	if s.last < 0 {
		return 0
	}
	return s.offered[s.last]
}

// clearLists empties so many lists.
func (s *Scorer) clearLists(n int) {
	s.keys = emptied(s.keys, n*s.top)
	if s.filter.Quotas != nil {
		s.classes, s.offered = emptied(s.classes, n*s.top), emptied(s.offered, n)
	}
}

// emptied is a slice of n zeros, the same one if that has the capacity.
func emptied[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	clear(s[:n])
	return s[:n]
}

// offer offers an item to list u, and returns the score that no further one may be below.
func (s *Scorer) offer(u int, score float32, item uint32) (threshold float32) {
	l, q, k := s.list(u), s.filter.Quotas, newKey(score, item)
	if q == nil {
		return l.offer(k)
	}
	s.offered[u]++
	if k > l[0] {
		class := q.Of[item]
		quota.Offer(l, s.classes[u*s.top:(u+1)*s.top], k, class, q.Most[class])
	}
	return l.threshold()
}

// except is Filter.Except for a user who has items.
func (s *Scorer) except(user int, has []uint32) (items []uint32, asked bool) {
	if s.filter.Except == nil {
		return has, true
	}
	return s.filter.Except(user)
}

// allowed tells whether an item may be listed.
func (s *Scorer) allowed(item uint32) bool { return s.filter.Allowed == nil || s.filter.Allowed[item] }

// Score passes to emit the list of each user from lo to hi-1 in turn: the items that the user has not, of those with
// interactions, by score, highest first; of equal scores (0 and -0 are equal) the item of the lower index first. A list has less than top items only
// if the user has all others. It is empty for a user without interactions with items of the model, and valid until emit returns. Ranges of thousands of users cost
// least for each; where the inverse is of users, those that begin at multiples of 32. An error of emit ends it, and is returned.
func (s *Scorer) Score(lo, hi int, emit func(user int, list []Scored) error) error {
	if lo < 0 || hi < lo || hi > s.users.Rows() {
		return fmt.Errorf("ease: users %d to %d of %d", lo, hi, s.users.Rows())
	}
	if s.model.byUsers {
		return s.scoreByUsers(lo, hi, emit)
	}
	return s.scoreByItems(lo, hi, emit)
}

// list is the list of a user of the block.
func (s *Scorer) list(u int) list { return s.keys[u*s.top : (u+1)*s.top] }

func lowest() float32 { return float32(math.Inf(-1)) }

// valid has a bit for each column of panel p that there is.
func (m *Model) valid(p int) uint32 {
	if left := len(m.active) - p*width; left < width {
		return 1<<left - 1
	}
	return math.MaxUint32
}

// count is the number of panels.
func (m *Model) count() int { return (len(m.active) + width - 1) / width }

// each is the places of the bits of a mask.
func each(mask uint32) iter.Seq[int] {
	return func(yield func(int) bool) {
		for ; mask != 0; mask &= mask - 1 {
			if !yield(bits.TrailingZeros32(mask)) {
				return
			}
		}
	}
}

func fill(v *[width]float32, x float32) {
	for c := range v {
		v[c] = x
	}
}
