// Package blend merges the lists that several algorithms rank for one user into one list.
//
// # Scores
//
// By RRF, reciprocal rank fusion (Cormack, Clarke and Büttcher 2009), an item's score is the sum, over the lists that have it, of
// w / (60 + rank), where w is the weight of the list and ranks count from 1. It needs no scores that compare.
//
// By Weighted it is the sum of w * (score - least) / (greatest - least) over the lists that have it: each list's scores
// are scaled to 0..1 for the user (CombSUM on normalised scores, Fox and Shaw 1994; Lee 1997). Where a list's scores are all equal
// they count as 1. An item that is in no list but one is there by its score in that one.
//
// Sums run in the order of the lists. Items of equal score are in ascending order of their numbers.
package blend

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
)

// Method says how lists are merged.
type Method string

// The methods.
const (
	RRF      Method = "rrf"
	Weighted Method = "weighted"
)

// rankOffset is k of reciprocal rank fusion, as its authors chose it.
const rankOffset = 60

// Scored is an item of a list.
type Scored struct {
	Item  uint32
	Score float64
}

// Merged is an item of the merged list.
type Merged struct {
	Scored
	// Ranks are the item's ranks in the lists, from 1; 0 where a list does not have it. They are valid until the next Merge.
	Ranks []int32
}

// Blender merges lists. It holds 4 bytes an item, and is for one goroutine.
type Blender struct {
	method  Method
	weights []float64
	slots   []int32 // of each item: 1 + its place in merged, or 0
	merged  []Merged
	ranks   []int32
}

// New makes a Blender of as many lists as there are weights, of items below items. Weights are not below 0, and one is above.
func New(m Method, weights []float64, items int) (*Blender, error) {
	if m != RRF && m != Weighted {
		return nil, fmt.Errorf("%q: %s or %s", m, RRF, Weighted)
	}
	sum := 0.0
	for _, w := range weights {
		if !(w >= 0) || math.IsInf(w, 0) {
			return nil, fmt.Errorf("a weight of %v: a number not below 0", w)
		}
		sum += w
	}
	if sum == 0 {
		return nil, errors.New("no weight is above 0")
	}
	return &Blender{method: m, weights: slices.Clone(weights), slots: make([]int32, items)}, nil
}

// Merge appends to dst the best top items of the lists, best first. Lists are best first, and none has an item twice.
// A list of weight 0 gives its ranks and nothing else.
func (b *Blender) Merge(lists [][]Scored, top int, dst []Merged) []Merged {
	b.merged = b.merged[:0]
	if n := b.entries(lists) * len(lists); cap(b.ranks) < n { // no later growth: merged items point into ranks
		b.ranks = make([]int32, 0, n)
	}
	b.ranks = b.ranks[:0]
	for p, list := range lists {
		b.add(p, list)
	}
	for i := range b.merged {
		b.slots[b.merged[i].Item] = 0
	}
	all := slices.DeleteFunc(b.merged, func(m Merged) bool { return m.Score < 0 })
	slices.SortFunc(all, func(x, y Merged) int { return cmp.Or(cmp.Compare(y.Score, x.Score), cmp.Compare(x.Item, y.Item)) })
	return append(dst, all[:min(max(top, 0), len(all))]...)
}

func (b *Blender) entries(lists [][]Scored) (n int) {
	for _, l := range lists {
		n += len(l)
	}
	return n
}

// add adds what list p has.
func (b *Blender) add(p int, list []Scored) {
	w := b.weights[p]
	scale := b.scale(list)
	for r, s := range list {
		m := b.at(s.Item)
		m.Ranks[p] = int32(r + 1)
		if w == 0 {
			continue
		}
		if m.Score < 0 {
			m.Score = 0
		}
		m.Score += w * scale(r, s.Score)
	}
}

// scale is what places of a list count, before its weight.
func (b *Blender) scale(list []Scored) func(place int, score float64) float64 {
	if b.method == RRF {
		return func(place int, _ float64) float64 { return 1 / float64(rankOffset+place+1) }
	}
	if len(list) == 0 {
		return nil
	}
	least, greatest := list[len(list)-1].Score, list[0].Score
	if !(greatest > least) {
		return func(int, float64) float64 { return 1 }
	}
	return func(_ int, score float64) float64 { return (score - least) / (greatest - least) }
}

// at is the entry of an item. It begins with a score below 0, which an item keeps that no list of weight has.
func (b *Blender) at(item uint32) *Merged {
	if slot := b.slots[item]; slot > 0 {
		return &b.merged[slot-1]
	}
	n := len(b.ranks)
	b.ranks = b.ranks[:n+len(b.weights)]
	ranks := b.ranks[n:len(b.ranks):len(b.ranks)]
	clear(ranks)
	b.merged = append(b.merged, Merged{Scored{item, -1}, ranks})
	b.slots[item] = int32(len(b.merged))
	return &b.merged[len(b.merged)-1]
}
