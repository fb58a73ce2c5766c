package rankmetrics

import (
	"cmp"
	"math"
	"slices"
)

const mostSampled = 2048

// sample is the lists of the users with the lowest hashes. Which users these are does not depend on the order of Add.
type sample struct {
	key   uint64
	limit uint64 // who has a higher hash is not among them
	kept  []sampled
}

type sampled struct {
	hash  uint64
	order int // number of the user in the order of Add
	list  []uint32
}

func newSample(seed uint64) sample { return sample{key: mix(seed), limit: math.MaxUint64} }

func (s *sample) add(user uint32, order int, list []uint32) {
	hash := mix(s.key ^ uint64(user))
	if hash > s.limit {
		return
	}
	s.kept = append(s.kept, sampled{hash, order, slices.Clone(list)})
	if len(s.kept) == 2*mostSampled {
		s.cut()
	}
}

// cut leaves the lists that count.
func (s *sample) cut() {
	if len(s.kept) <= mostSampled {
		return
	}
	slices.SortFunc(s.kept, func(a, b sampled) int { return cmp.Or(cmp.Compare(a.hash, b.hash), a.order-b.order) })
	clear(s.kept[mostSampled:])
	s.kept = s.kept[:mostSampled]
	s.limit = s.kept[mostSampled-1].hash
}

// withDiversity is the groups with the columns of diversity, which are added up in the order of Add.
func (s *Sums) withDiversity() groups {
	s.sample.cut()
	slices.SortFunc(s.sample.kept, func(a, b sampled) int { return a.order - b.order })
	g := groups{width: s.groups.width, cells: slices.Clone(s.groups.cells)}
	o := overlap{row: s.opts.Row}
	for _, u := range s.sample.kept {
		group := g.row(u.order % mostGroups)
		cosines, r := 0.0, 0
		for i, k := range s.opts.Cutoffs {
			for ; r < min(k, len(u.list)); r++ {
				cosines += o.add(u.list[r])
			}
			if r > 1 {
				at := group[head+i*perCutoff:]
				at[diversityAt] += max(0, 1-cosines/float64(r*(r-1)/2))
				at[pairedAt]++
			}
		}
		o.remove(u.list)
	}
	return g
}

// overlap compares each item of a list with all those before it, in one pass over its users: with x_i the column of
// item i over its length, the cosines of j are the product of x_j and the sum of the x_i before.
type overlap struct {
	row func(item uint32) []uint32
	sum []float64 // by user
}

// add is the sum of the cosines of an item and those added before.
func (o *overlap) add(item uint32) float64 {
	users := o.row(item)
	if len(users) == 0 {
		return 0
	}
	if n := int(users[len(users)-1]) + 1; n > len(o.sum) {
		o.sum = append(o.sum, make([]float64, n-len(o.sum))...)
	}
	x, product := 1/math.Sqrt(float64(len(users))), 0.0
	for _, u := range users {
		product += o.sum[u]
		o.sum[u] += x
	}
	return float64(product * x)
}

// remove makes overlap as it was without a list.
func (o *overlap) remove(list []uint32) {
	for _, item := range list {
		for _, u := range o.row(item) {
			o.sum[u] = 0
		}
	}
}
