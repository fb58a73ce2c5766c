// Package rankmetrics measures ranked lists of items against what users took later.
//
// For a user with a set T of relevant items and a list, best first, with h_r = 1 where the item at rank r (from 1) is
// in T, else 0, and H_k = h_1 + ... + h_k, the metrics at cutoff k are
//
//	precision  H_k / k, even where the list is shorter than k
//	recall     H_k / |T|
//	NDCG       sum of h_r / log2(r+1) for r <= k, over the same sum for a list that begins with T
//	MAP        sum of h_r H_r / r for r <= k, over min(k, |T|)
//
// each as the mean over users with at least one relevant item; Järvelin and Kekäläinen, Cumulated gain-based evaluation
// of IR techniques, 2002. Coverage is the share of all items that stand in some user's list by rank k.
package rankmetrics

import (
	"math"
	"slices"
)

// At is the metrics at cutoff K.
type At struct {
	K         int     `json:"k"`
	Precision float64 `json:"precision"`
	Recall    float64 `json:"recall"`
	NDCG      float64 `json:"ndcg"`
	MAP       float64 `json:"map"`
	Coverage  float64 `json:"coverage"`
}

// Sums adds up the metrics of users. It sums in the order of Add.
type Sums struct {
	users int
	at    []At    // Coverage is set at the end
	depth int     // the largest cutoff
	best  []int32 // the best rank of each item in any list; 0 is none
	gain  []float64
}

// New makes Sums for lists of items with indexes below items, at cutoffs of at least 1.
func New(items int, cutoffs ...int) *Sums {
	s := &Sums{best: make([]int32, items)}
	for _, k := range cutoffs {
		s.at = append(s.at, At{K: k})
		s.depth = max(s.depth, k)
	}
	for r := range s.depth {
		s.gain = append(s.gain, 1/math.Log2(float64(r+2)))
	}
	return s
}

// Add counts a user in, with a list, best first, and the relevant items in ascending order. Who has no relevant item
// is left out.
func (s *Sums) Add(list, relevant []uint32) {
	if len(relevant) == 0 {
		return
	}
	s.users++
	for i := range s.at {
		s.at[i].add(list[:min(len(list), s.at[i].K)], relevant, s.gain)
	}
	for r, item := range list[:min(len(list), s.depth)] {
		if rank := int32(r + 1); s.best[item] == 0 || rank < s.best[item] {
			s.best[item] = rank
		}
	}
}

func (a *At) add(list, relevant []uint32, gain []float64) {
	hits, precisions, dcg := 0.0, 0.0, 0.0
	for r, item := range list {
		if _, hit := slices.BinarySearch(relevant, item); hit {
			hits++
			precisions += hits / float64(r+1)
			dcg += gain[r]
		}
	}
	most := min(a.K, len(relevant))
	ideal := 0.0
	for _, g := range gain[:most] {
		ideal += g
	}
	a.Precision += hits / float64(a.K)
	a.Recall += hits / float64(len(relevant))
	a.NDCG += dcg / ideal
	a.MAP += precisions / float64(most)
}

// Users is the number of users that have been counted in.
func (s *Sums) Users() int { return s.users }

// Means are the metrics, in the order of the cutoffs. They are 0 without a user.
func (s *Sums) Means() []At {
	means := slices.Clone(s.at)
	for i := range means {
		means[i].Coverage = s.coverage(means[i].K)
		if s.users == 0 {
			continue
		}
		n := float64(s.users)
		means[i].Precision /= n
		means[i].Recall /= n
		means[i].NDCG /= n
		means[i].MAP /= n
	}
	return means
}

func (s *Sums) coverage(k int) float64 {
	if len(s.best) == 0 {
		return 0
	}
	n := 0
	for _, rank := range s.best {
		if rank > 0 && int(rank) <= k {
			n++
		}
	}
	return float64(n) / float64(len(s.best))
}
