package dense

import (
	"fmt"
	"math"
	"math/bits"
	"slices"
)

// Users are scored in blocks, and each block against a stretch of panels at a time, so that both stay in the cache.
const (
	blockTiles = 8
	blockUsers = blockTiles * tileUsers
)

// Scorer keeps the best items of users. It is for one goroutine.
type Scorer struct {
	items      *Items
	tile       tileFunc
	top        int
	users      []float32 // of the block, [tile][factor][user]
	norms      [blockUsers]float64
	thresholds [blockTiles][tileUsers]float32 // score of the last item in the list; NaN for no user
	lists      [blockUsers]list
	seen       [blockUsers]set
	slots      []uint32 // of seen
	found      candidates
	out        []Scored
}

// NewScorer makes a Scorer of lists of the top best items, on the best kernel of this machine.
func NewScorer(items *Items, top int) *Scorer { return NewScorerOn(Kernel{}, items, top) }

// NewScorerOn makes a Scorer on a kernel.
func NewScorerOn(k Kernel, items *Items, top int) *Scorer {
	s := &Scorer{items: items, tile: k.orBest().tile, top: max(0, min(top, items.n))}
	s.users = make([]float32, blockUsers*items.f)
	keys := make([]key, blockUsers*s.top)
	for u := range s.lists {
		s.lists[u] = list(keys[u*s.top : u*s.top : (u+1)*s.top])
	}
	s.out = make([]Scored, 0, s.top)
	return s
}

// Score passes to emit the list of each user in turn: user u has factors users[u*f : (u+1)*f]. Seen, if it is not nil, tells
// the items that the list of a user shall not have, in any order. A list has less items than top only if the user has
// seen all others, and is valid until emit returns. Factors that are not finite are an error, and so is what emit returns.
func (s *Scorer) Score(users []float32, seen func(user int) []uint32, emit func(user int, list []Scored) error) error {
	f := s.items.f
	n := len(users) / f
	if err := checkShape(users, n, f); err != nil {
		return fmt.Errorf("score users: %w", err)
	}
	for first := 0; first < n; first += blockUsers {
		count := min(blockUsers, n-first)
		if u := s.load(users[first*f : (first+count)*f]); u < count {
			return fmt.Errorf("score users: user %d has a factor that is not finite", first+u)
		}
		if seen != nil {
			s.exclude(count, func(u int) []uint32 { return seen(first + u) })
		}
		s.run(count)
		for u := range count {
			if err := emit(first+u, s.sorted(u)); err != nil {
				return err
			}
		}
	}
	return nil
}

// load begins a block of users. It returns the first of them with a factor that is not finite, or their number.
func (s *Scorer) load(users []float32) int {
	f := s.items.f
	count := len(users) / f
	for u := range count {
		vector := users[u*f : (u+1)*f]
		if s.norms[u] = norm(vector); !(s.norms[u] <= math.MaxFloat64) {
			return u
		}
		lane := s.vectors(u / tileUsers)[u%tileUsers:]
		for k, v := range vector {
			lane[k*tileUsers] = v
		}
	}
	for u := range s.lists {
		s.lists[u] = s.lists[u][:0]
		s.seen[u] = set{}
		threshold := float32(math.Inf(-1))
		if u >= count {
			threshold = float32(math.NaN()) // and the factors of whoever was here before
		}
		s.thresholds[u/tileUsers][u%tileUsers] = threshold
	}
	return count
}

// vectors are the factors of the users of a tile, [factor][user].
func (s *Scorer) vectors(tile int) []float32 {
	size := tileUsers * s.items.f
	return s.users[tile*size : (tile+1)*size]
}

// exclude remembers the items that users of the block have seen.
func (s *Scorer) exclude(count int, seen func(user int) []uint32) {
	clear(s.slots)
	s.slots = s.slots[:0]
	for u := range count {
		if items := seen(u); len(items) > 0 {
			from := len(s.slots)
			s.slots = slices.Grow(s.slots, 1<<slotBits(len(items)))[:from+1<<slotBits(len(items))]
			s.seen[u] = fill(s.slots[from:], items)
		}
	}
}

// run makes the lists of the first users of the block.
func (s *Scorer) run(count int) {
	if s.top == 0 {
		return
	}
	tiles := (count + tileUsers - 1) / tileUsers
	for p := range s.items.norms {
		panel := s.items.panel(p)
		for t := range tiles {
			if hit := s.tile(s.vectors(t), panel, &s.thresholds[t], &s.found); hit != 0 {
				s.keep(p, t, hit)
			}
		}
	}
}

// keep offers to the lists of a tile's users, those with a bit in hit, the candidates found in panel p.
func (s *Scorer) keep(p, t int, hit uint32) {
	valid, places := s.items.valid(p), s.items.order[p*tileItems:]
	for ; hit != 0; hit &= hit - 1 {
		u := bits.TrailingZeros32(hit)
		l, seen := &s.lists[t*tileUsers+u], s.seen[t*tileUsers+u]
		for mask := s.found.masks[u] & valid; mask != 0; mask &= mask - 1 {
			i := bits.TrailingZeros32(mask)
			item := places[i]
			if k := newKey(s.found.scores[u][i], item); k > l.least() && !seen.has(item) {
				l.add(k)
			}
		}
		if len(*l) == cap(*l) {
			s.thresholds[t][u] = l.least().score()
		}
	}
}

// sorted is the list of a user, best first.
func (s *Scorer) sorted(u int) []Scored {
	l := s.lists[u]
	slices.Sort(l)
	s.out = s.out[:0]
	for _, k := range slices.Backward(l) {
		s.out = append(s.out, k.scored())
	}
	return s.out
}
