package rankmetrics

import (
	"math"
	"slices"
)

// Options say what is measured.
type Options struct {
	Items   int   // that lists are of: their numbers are below
	Users   int   // of the training part; for novelty
	Cutoffs []int // each at least 1
	// Count is the number of users who have an item in the training part. Without it, there is no novelty.
	Count func(item uint32) int
	// Row is the users who have an item in the training part, in ascending order. Without it, there is no diversity.
	Row  func(item uint32) []uint32
	Seed uint64 // of the users whose diversity is measured, and of the resamples
}

// Sums adds up the metrics of users. It takes about 16 KB for each cutoff and metric, 4 bytes for each item, 16 KB for
// each item of a list, and in Values 8 bytes for each user of the training part.
type Sums struct {
	opts   Options // Cutoffs are in ascending order
	depth  int     // the largest cutoff
	users  int
	best   []int32   // the best rank of each item in any list; 0 is none
	gain   []float64 // of a hit at each place of a list
	ideal  []float64 // gain of so many hits at the first places
	groups groups
	sample sample
}

// New makes Sums without a user.
func New(opts Options) *Sums {
	opts.Cutoffs = slices.Compact(slices.Sorted(slices.Values(opts.Cutoffs)))
	s := &Sums{opts: opts, best: make([]int32, opts.Items), ideal: []float64{0}, sample: newSample(opts.Seed)}
	for _, k := range opts.Cutoffs {
		s.depth = k
	}
	for r := range s.depth {
		g := 1 / math.Log2(float64(r+2))
		s.gain = append(s.gain, g)
		s.ideal = append(s.ideal, s.ideal[r]+g)
	}
	s.groups = groups{width: head + perCutoff*len(opts.Cutoffs)}
	return s
}

// Add counts a user in, with a list, best first, and the relevant items in ascending order. Who has no relevant item
// is left out. Neither list nor relevant is kept.
func (s *Sums) Add(user uint32, list, relevant []uint32) {
	if len(relevant) == 0 {
		return
	}
	list = list[:min(len(list), s.depth)]
	group := s.groups.of(s.users)
	if s.opts.Row != nil {
		s.sample.add(user, s.users, list)
	}
	s.users++
	s.cover(list)
	group[usersAt]++
	if len(list) > 0 {
		group[listsAt]++
	}
	var sofar tally
	r := 0
	for i, k := range s.opts.Cutoffs {
		for ; r < min(k, len(list)); r++ {
			s.count(&sofar, r, list[r], relevant)
		}
		sofar.addTo(group[head+i*perCutoff:], k, r, len(relevant), s.ideal)
	}
}

// Users is the number of users that have been counted in.
func (s *Sums) Users() int { return s.users }

// cover notes at which ranks items have been listed.
func (s *Sums) cover(list []uint32) {
	for r, item := range list {
		if rank := int32(r + 1); s.best[item] == 0 || rank < s.best[item] {
			s.best[item] = rank
		}
	}
}

func (s *Sums) coverage(k int) float64 {
	n := 0
	for _, rank := range s.best {
		if rank > 0 && int(rank) <= k {
			n++
		}
	}
	return float64(n) / float64(len(s.best))
}

// tally is what a list is worth down to some rank.
type tally struct {
	hits       float64
	first      float64 // 1/rank of the first hit
	precisions float64 // sum of the precision at each hit
	gain       float64
	novelty    float64 // sum of the items' novelty
}

// count counts in the item at place r, from 0.
func (s *Sums) count(t *tally, r int, item uint32, relevant []uint32) {
	if s.opts.Count != nil {
		t.novelty -= math.Log2(float64(max(1, s.opts.Count(item))) / float64(s.opts.Users))
	}
	if _, hit := slices.BinarySearch(relevant, item); !hit {
		return
	}
	t.hits++
	t.precisions += t.hits / float64(r+1)
	t.gain += s.gain[r]
	if t.hits == 1 {
		t.first = 1 / float64(r+1)
	}
}

// addTo adds the metrics at cutoff k to a group, of a list that has n items by then.
func (t *tally) addTo(group []float64, k, n, relevant int, ideal []float64) {
	most := min(k, relevant)
	group[precisionAt] += t.hits / float64(k)
	group[recallAt] += t.hits / float64(relevant)
	group[ndcgAt] += t.gain / ideal[most]
	group[mapAt] += t.precisions / float64(most)
	group[mrrAt] += t.first
	group[hitAt] += min(1, t.hits)
	if n > 0 {
		group[noveltyAt] += t.novelty / float64(n)
	}
}

// Values are the metrics, each at all cutoffs in ascending order. Users can be added afterwards.
func (s *Sums) Values() []Value {
	g := s.groups
	if s.opts.Row != nil {
		g = s.withDiversity()
	}
	total, drawn := g.total(), g.resample(s.opts.Seed)
	var all []Value
	for _, m := range s.measured() {
		for i, k := range s.opts.Cutoffs {
			v := Value{Metric: m, K: k, Low: math.NaN(), High: math.NaN()}
			if m == Coverage {
				v.Value = s.coverage(k)
			} else {
				v.Value, v.Low, v.High = meanOf(m, i).interval(total, drawn)
			}
			all = append(all, v)
		}
	}
	return all
}

// measured lists the metrics that the options are enough for.
func (s *Sums) measured() []Metric {
	return slices.DeleteFunc(Metrics(), func(m Metric) bool {
		return m == Novelty && s.opts.Count == nil || m == Diversity && s.opts.Row == nil
	})
}
