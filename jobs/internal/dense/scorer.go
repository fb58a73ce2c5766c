package dense

import (
	"fmt"
	"math"
	"math/bits"
	"slices"

	"github.com/shardmill/shardmill/jobs/internal/prefetch"
	"github.com/shardmill/shardmill/jobs/internal/quota"
)

// Block is the number of users that a Scorer takes at a time: with less it is slower.
const Block = blockTiles * tileUsers

// Users are scored in blocks: their factors stay in the second-level cache while panels pass, and each panel stays in the first
// while all tiles of the block are scored. What they have seen is marked for a stretch of panels at a time.
const (
	blockTiles    = 16
	blockUsers    = Block
	stretchPanels = 512
	lineFloats    = 16 // in a line of the caches
	openPanels    = 8  // after so many it is asked which tiles are done
)

// Scorer keeps the best items of users. It is for one goroutine.
type Scorer struct {
	items      *Items
	tile       tileFunc
	coarse     *coarseScorer // nil where the kernel has no such
	coarsely   bool          // whether it takes this block
	top        int
	classes    *classes  // nil without quotas
	users      []float32 // of the block, [tile][factor][user]
	norms      [blockUsers]float64
	thresholds [blockTiles][tileUsers]float32 // see list.threshold
	keys       []key                          // the lists, one after another
	seen       [blockUsers][]uint32
	wanted     [][blockTiles][tileUsers]uint32 // by users, for each panel of the stretch a bit for each item
	open       []int                           // the tiles that are not done
	found      candidates
	out        []Scored
}

// NewScorer makes a Scorer of lists of the top best items, on the best kernel of this machine.
func NewScorer(items *Items, top int) *Scorer { return NewScorerOn(Kernel{}, items, top) }

// NewScorerOn makes a Scorer on a kernel.
func NewScorerOn(k Kernel, items *Items, top int) *Scorer {
	top, k = max(0, min(top, items.n)), k.orBest()
	return &Scorer{
		items: items, tile: k.tile, coarse: newCoarseScorer(k, items), top: top,
		users:  make([]float32, blockUsers*items.f),
		keys:   make([]key, blockUsers*top),
		wanted: make([][blockTiles][tileUsers]uint32, min(stretchPanels, len(items.norms))),
		out:    make([]Scored, 0, top),
	}
}

// NewScorerUnder makes a Scorer of lists of the top best items that keep quotas; nil is none.
func NewScorerUnder(items *Items, top int, q *quota.Quotas) *Scorer {
	return newScorerUnder(Kernel{}, items, top, q)
}

func newScorerUnder(k Kernel, items *Items, top int, q *quota.Quotas) *Scorer {
	s := NewScorerOn(k, items, top)
	if q != nil && s.top > 0 {
		s.classes = newClasses(items, q, s.top)
	}
	return s
}

// Score passes to emit the list of each user in turn: user u has factors users[u*f : (u+1)*f]. Seen, if it is not nil, tells
// the items that the list of a user shall not have, in any order; what it returns
// must not change before Score returns. A list has less items than top only if the user has
// seen all others, and is valid until emit returns. Factors that are not finite are an error, and so is what emit returns.
func (s *Scorer) Score(users []float32, seen func(user int) []uint32, emit func(user int, list []Scored) error) error {
	f := s.items.f
	n := len(users) / f
	if err := checkShape(users, n, f); err != nil {
		return fmt.Errorf("score users: %w", err)
	}
	for first := 0; first < n; first += blockUsers {
		count := min(blockUsers, n-first)
		u, err := s.load(users[first*f : (first+count)*f])
		if err != nil {
			return fmt.Errorf("score users: %w", err)
		}
		if u < count {
			return fmt.Errorf("score users: user %d has a factor that is not finite", first+u)
		}
		for u := range count {
			if seen != nil {
				s.seen[u] = seen(first + u)
			}
		}
		s.run(count)
		settle := s.coarsely && s.top > 0
		if settle {
			s.choose(0)
		}
		for u := range count {
			if settle {
				s.settle(u, count)
			}
			if err := emit(first+u, s.list(u).appendTo(s.out[:0])); err != nil {
				return err
			}
		}
	}
	return nil
}

// load begins a block of users. It returns the first of them with a factor that is not finite, or their number. Errors: of
// the room for panels.
func (s *Scorer) load(users []float32) (int, error) {
	f := s.items.f
	count := len(users) / f
	for u := range count {
		vector := users[u*f : (u+1)*f]
		if s.norms[u] = norm(vector); !(s.norms[u] <= math.MaxFloat64) {
			return u, nil
		}
		lane := s.vectors(u / tileUsers)[u%tileUsers:]
		for k, v := range vector {
			lane[k*tileUsers] = v
		}
	}
	clear(s.keys)
	clear(s.seen[:])
	s.classes.reset()
	for u := range blockUsers {
		threshold := float32(math.Inf(-1))
		if u >= count { // nobody
			threshold, s.norms[u] = float32(math.Inf(1)), 0
		}
		s.thresholds[u/tileUsers][u%tileUsers] = threshold
	}
	if s.coarsely = s.coarse != nil && s.coarse.load(users, f); !s.coarsely {
		if err := s.items.needPanels(); err != nil {
			return 0, err
		}
	}
	return count, nil
}

// vectors are the factors of the users of a tile, [factor][user].
func (s *Scorer) vectors(tile int) []float32 {
	size := tileUsers * s.items.f
	return s.users[tile*size : (tile+1)*size]
}

// list is the list of a user of the block.
func (s *Scorer) list(u int) list { return s.keys[u*s.top : (u+1)*s.top] }

// run makes the lists of the first users of the block.
func (s *Scorer) run(count int) {
	if s.top == 0 {
		return
	}
	s.open = s.open[:0]
	for t := range (count + tileUsers - 1) / tileUsers {
		s.open = append(s.open, t)
	}
	for p, norm := range s.items.norms {
		if p%openPanels == 0 {
			s.open = slices.DeleteFunc(s.open, func(t int) bool { return s.done(t, norm) })
		}
		if len(s.open) == 0 {
			return
		}
		if p%stretchPanels == 0 {
			s.want(count, p)
		}
		if p == 0 && s.coarsely {
			s.begin()
		}
		if s.coarsely {
			s.scoreCoarse(p)
		} else {
			s.score(p)
		}
	}
}

// score finds the candidates in a panel.
func (s *Scorer) score(p int) {
	panel, wanted := s.items.panel(p), &s.wanted[p%stretchPanels]
	next := s.items.panel(min(p+1, len(s.items.norms)-1))
	part := (len(next)/len(s.open) + lineFloats) &^ (lineFloats - 1)
	for _, t := range s.open {
		n := min(part, len(next))
		prefetch.Slice(next[:n]) // by the last tile all of the next panel is on its way
		next = next[n:]
		found := s.tile(s.vectors(t), panel, &s.thresholds[t], &wanted[t], &s.found)
		for ; found != 0; found &= found - 1 {
			s.keep(t, bits.TrailingZeros32(found), p)
		}
	}
}

// want tells what the first users of the block want of the stretch that begins with a panel: what they have not seen.
func (s *Scorer) want(count, first int) {
	var all [blockTiles][tileUsers]uint32
	for u := range count {
		all[u/tileUsers][u%tileUsers] = math.MaxUint32
	}
	for p := range s.wanted {
		s.wanted[p] = all
	}
	from, n := uint32(first*tileItems), uint32(len(s.wanted)*tileItems)
	places := s.items.places
	for u, items := range s.seen[:count] {
		t, lane := u/tileUsers, u%tileUsers
		for _, item := range items {
			if int64(item) >= int64(len(places)) {
				continue
			}
			if at := places[item] - from; at < n { // a place before the stretch wraps around
				s.wanted[at/tileItems][t][lane] &^= 1 << (at % tileItems)
			}
		}
	}
	if last := len(s.items.norms) - 1 - first; last < len(s.wanted) {
		for t := range blockTiles {
			for u := range tileUsers {
				s.wanted[last][t][u] &= s.items.valid(first + last)
			}
		}
	}
}

// done tells whether no item up to a norm can have a place in the lists of a tile's users. The sum of what is rounded
// away in f steps is less than f*2^-22 of the product of the norms, or than f*2^-148 if that is tiny.
func (s *Scorer) done(t int, norm float64) bool {
	f := float64(s.items.f)
	for u, threshold := range s.thresholds[t] {
		most := s.norms[t*tileUsers+u]*norm*(1+f*0x1p-22) + f*0x1p-148
		if most >= float64(min(threshold, math.MaxFloat32)) { // from there on sums can be infinite
			return false
		}
	}
	return true
}

// keep offers candidates of user u of tile t in a panel to the user's list.
func (s *Scorer) keep(t, u, p int) {
	user, order := t*tileUsers+u, s.items.order[p*tileItems:]
	l := s.list(user)
	for mask := s.found.masks[u]; mask != 0; mask &= mask - 1 {
		i := bits.TrailingZeros32(mask)
		if k := newKey(s.found.scores[u][i], order[i]); k > l[0] {
			s.offer(user, k, uint32(p*tileItems+i))
		}
	}
	s.thresholds[t][u] = l.threshold()
}
