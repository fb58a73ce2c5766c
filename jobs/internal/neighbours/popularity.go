package neighbours

import (
	"cmp"
	"slices"
)

// Popularity ranks what users have not had by how many users have it. Each goroutine needs its own.
type Popularity struct {
	counts []int
	order  []uint32 // items that anyone has, the most popular first
	had    []bool   // false between users
}

// NewPopularity prepares to rank items by counts, the number of users of each.
func NewPopularity(counts []int) *Popularity {
	p := &Popularity{counts: counts, had: make([]bool, len(counts))}
	for i, n := range counts {
		if n > 0 {
			p.order = append(p.order, uint32(i))
		}
	}
	slices.SortFunc(p.order, func(a, b uint32) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	return p
}

// Score appends to dst the top most popular items that are not in history, the highest count first, of equal ones the
// lowest index first. Items that nobody has are not among them. It takes time in proportion to top and to history.
func (p *Popularity) Score(history []uint32, top int, dst []Scored) []Scored {
	for _, h := range history {
		p.had[h] = true
	}
	for _, i := range p.order {
		if top <= 0 {
			break
		}
		if !p.had[i] {
			dst = append(dst, Scored{Index: i, Score: float64(p.counts[i])})
			top--
		}
	}
	for _, h := range history {
		p.had[h] = false
	}
	return dst
}
