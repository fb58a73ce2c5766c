package neighbours

import (
	"errors"
	"fmt"

	"github.com/shardmill/shardmill/jobs/internal/quota"
)

// ScoreOptions say what a Scorer gives for each user.
type ScoreOptions struct {
	Top     int // candidates, at most
	Because int // reasons for each, at most; 0 is none
	// Allowed tells of each item whether it may be a candidate; nil lets all. What other items say of history does not change.
	Allowed []bool
	Quotas  *quota.Quotas // that candidates keep together; nil is none
}

// Scored is a candidate for a user.
type Scored struct {
	Index uint32
	Score float64
	// Because is the items of the user's history that contributed most to the score, the largest contribution first, of
	// equal ones the lowest index first.
	Because []uint32
}

// Scorer ranks what users have not had. It holds an accumulator, so that each goroutine needs its own.
type Scorer struct {
	neighbours Matrix
	options    ScoreOptions
	best       *best
	within     *within // in place of best under quotas, or nil
	offered    int
	sums       []float64 // zero between users
	reasons    reasons
	ahead      rowsAhead
}

// NewScorer prepares to score by neighbours: a square matrix whose row h has the candidates that item h speaks for, with
// their similarities. The package comment tells how it comes from a Kernel.
func NewScorer(neighbours Matrix, o ScoreOptions) (*Scorer, error) {
	switch {
	case neighbours.Rows() != neighbours.Columns():
		return nil, fmt.Errorf("neighbours are %d x %d: not items by items", neighbours.Rows(), neighbours.Columns())
	case o.Top < 1:
		return nil, errors.New("less than one candidate for a user")
	case o.Because < 0:
		return nil, errors.New("less than no reason for a candidate")
	case o.Allowed != nil && len(o.Allowed) != neighbours.Rows():
		return nil, fmt.Errorf("%d items are allowed or not, of %d", len(o.Allowed), neighbours.Rows())
	}
	items := neighbours.Rows()
	s := &Scorer{neighbours: neighbours, options: o, sums: make([]float64, items)}
	s.best = newBest(min(o.Top, max(items, 1)))
	if o.Quotas != nil {
		s.within = newWithin(s.best.n, o.Quotas)
	}
	if o.Because > 0 {
		s.reasons = newReasons(items, s.best.n, o.Because)
	}
	return s, nil
}

// Score appends to dst the best candidates for a user who has history, items in ascending order without repetition:
// those with a score above 0 that are not in history, the highest score first, of equal ones the lowest index first.
// The score of candidate c is the sum over history, in its order, of value times similarity, by whatever algorithm; nil
// values are all 1. (With a user's values rp3beta's walk from the user has them too, but for a factor that all of the
// user's scores share.) The reasons are valid until the next call.
func (s *Scorer) Score(history []uint32, values []float32, dst []Scored) []Scored {
	return s.ScoreExcept(history, values, history, dst)
}

// ScoreExcept is Score with other items, in any order, that are no candidates in place of those of history.
func (s *Scorer) ScoreExcept(history []uint32, values []float32, except []uint32, dst []Scored) []Scored {
	work := s.addUp(history, values)
	for _, e := range except {
		s.sums[e] = 0
	}
	first := len(dst)
	top := s.choose(history, work)
	for _, c := range top {
		dst = append(dst, Scored{Index: c.Index, Score: c.Similarity})
	}
	s.Explain(history, values, dst[first:])
	return dst
}

// Offered is how many candidates there were for the user of the last list, under quotas. It is right for lists that are short of Top.
func (s *Scorer) Offered() int { return s.offered }

// choose finds the best of what a history has added up, and clears that.
func (s *Scorer) choose(history []uint32, work int) (top []Neighbour) {
	switch {
	case 2*work < len(s.sums):
		s.sweep(history)
	case s.within != nil:
		s.scanWithin()
	default:
		s.scan()
	}
	if s.within != nil {
		top, s.offered = s.within.sorted()
		return top
	}
	return s.best.sorted()
}

// Explain sets the reasons of candidates, at most Top of them, for a user of that history. They are valid until the next call of it, or of Score.
func (s *Scorer) Explain(history []uint32, values []float32, candidates []Scored) {
	if s.options.Because > 0 {
		s.reasons.find(s.neighbours, history, values, candidates)
	}
}

// addUp adds up the neighbours of a history, and returns the number of additions.
func (s *Scorer) addUp(history []uint32, values []float32) (work int) {
	s.ahead.begin(s.neighbours, history)
	for q := range history {
		columns, similarities := s.ahead.read()
		w := weightOf(values, q)
		if similarities == nil {
			addWeight(s.sums, columns, w)
		} else {
			addValues(s.sums, columns, similarities, w)
		}
		work += len(columns)
	}
	return work
}

func weightOf(values []float32, q int) float64 {
	if values == nil {
		return 1
	}
	return float64(values[q])
}

// sweep offers and clears what the rows of a history have touched, where that is little.
func (s *Scorer) sweep(history []uint32) {
	for _, h := range history {
		columns, _ := s.neighbours.Row(int(h))
		for _, c := range columns {
			if x := s.sums[c]; x != 0 {
				s.sums[c] = 0
				if s.allowed(c) {
					s.offer(Neighbour{c, x})
				}
			}
		}
	}
}

func (s *Scorer) scan() {
	cut := s.best.cut
	for c, x := range s.sums {
		if x >= cut && s.allowed(uint32(c)) {
			cut = s.best.offer(Neighbour{uint32(c), x})
		}
	}
	clear(s.sums)
}

func (s *Scorer) offer(x Neighbour) {
	if s.within != nil {
		s.within.offer(x)
	} else {
		s.best.offer(x)
	}
}

// scanWithin is scan under quotas.
func (s *Scorer) scanWithin() {
	cut := s.within.cut
	for c, x := range s.sums {
		if x >= cut && s.allowed(uint32(c)) {
			cut = s.within.offer(Neighbour{uint32(c), x})
		}
	}
	clear(s.sums)
}

// allowed tells whether an item may be a candidate.
func (s *Scorer) allowed(c uint32) bool { return s.options.Allowed == nil || s.options.Allowed[c] }
