package neighbours

import (
	"math"
	"slices"
)

// Popularity ranks what users have not had by how many users have it. Each goroutine needs its own.
type Popularity struct {
	counts []int
	order  []uint32 // items that anyone has, the most popular first
	had    []bool   // false between users
}

// NewPopularity prepares to rank items by counts, the number of users of each, which an uint32 holds.
func NewPopularity(counts []int) *Popularity {
	p := &Popularity{counts: counts, had: make([]bool, len(counts))}
	keys := make([]uint64, 0, len(counts)) // ascending in the order
	for i, n := range counts {
		if n > 0 {
			keys = append(keys, uint64(math.MaxUint32-uint32(n))<<32|uint64(i))
		}
	}
	slices.Sort(keys)
	p.order = make([]uint32, len(keys))
	for at, k := range keys {
		p.order[at] = uint32(k)
	}
	return p
}

// Score appends to dst the top most popular items that are not in history, the highest count first, of equal ones the
// lowest index first. Items that nobody has are not among them. It takes time in proportion to top and to history.
func (p *Popularity) Score(history []uint32, top int, dst []Scored) []Scored {
	return p.ScoreWithin(history, top, nil, dst)
}

// ScoreWithin is Score of items that take takes: it is asked of each in turn, the most popular first, until there are top of them. Nil takes all.
func (p *Popularity) ScoreWithin(history []uint32, top int, take func(item uint32) bool, dst []Scored) []Scored {
	for _, h := range history {
		p.had[h] = true
	}
	for _, i := range p.order {
		if top <= 0 {
			break
		}
		if !p.had[i] && (take == nil || take(i)) {
			dst = append(dst, Scored{Index: i, Score: float64(p.counts[i])})
			top--
		}
	}
	for _, h := range history {
		p.had[h] = false
	}
	return dst
}
