package dense

import (
	"math/bits"

	"github.com/shardmill/shardmill/jobs/internal/prefetch"
)

// scoreCoarse finds the candidates in a panel by sums of whole numbers.
func (s *Scorer) scoreCoarse(p int) {
	c, wanted := s.coarse, &s.wanted[p%stretchPanels]
	panel, next := c.items.panel(p), c.items.panel(min(p+1, len(s.items.norms)-1))
	part := (len(next)/len(s.open) + lineFloats) &^ (lineFloats - 1)
	perUnit, slack := float32(1/c.items.units[p]), c.items.slack[p]
	for _, t := range s.open {
		n := min(part, len(next))
		prefetch.Slice(next[:n])
		next = next[n:]
		found := c.tile(c.vectors(t), panel, &c.limits[t], perUnit, slack, &wanted[t], &c.found)
		for ; found != 0; found &= found - 1 {
			s.keepCoarse(t, bits.TrailingZeros32(found), p)
		}
	}
}

// keepCoarse keeps candidates of user u of tile t in a panel. The user's list has scores that are no greater than those of as many
// items.
func (s *Scorer) keepCoarse(t, u, p int) {
	c, user := s.coarse, t*tileUsers+u
	limits, l, survivors := &c.limits[t], s.list(user), c.survivors[user]
	unit := c.units[user] * c.items.units[p]
	slack := unit * (float64(limits.slack[u]) + float64(c.items.slack[p]))
	for mask := c.found.masks[u]; mask != 0; mask &= mask - 1 {
		i := bits.TrailingZeros32(mask)
		sum, place := unit*float64(c.found.sums[u][i]), uint32(p*tileItems+i)
		most, floor := float32(sum+slack), key(0)
		if k := newKey(float32(sum-slack), place); k > l[0] {
			floor = s.offer(user, k, place)
		}
		if floor == 0 || most >= floor.score() {
			survivors = append(survivors, survivor{place, most})
		}
	}
	c.survivors[user] = survivors
	if len(survivors) >= mostSurvivors+4*s.top {
		s.condense(user)
	}
	least := l.threshold()
	s.thresholds[t][u] = least
	if least := float32(float64(least) / c.units[user]); least > limits.least[u] { // than what it began with
		limits.least[u] = least
	}
}

// mostSurvivors is about how many survivors a user has besides some for each item of a list.
const mostSurvivors = 4096

// condense leaves a user the survivors with the best scores, of which the list then has the scores themselves. Few users ever have
// that many: those to whom most items are equal, as to one without factors.
func (s *Scorer) condense(user int) {
	c := s.coarse
	s.choose(user)
	s.rescore(user)
	survivors := c.survivors[user][:0]
	for _, k := range s.list(user) {
		if k == 0 { // quotas leave lists shorter than what survives
			continue
		}
		v := k.scored()
		survivors = append(survivors, survivor{s.items.places[v.Item], v.Score})
	}
	c.survivors[user] = survivors
}

// choose finds what of the survivors of a user is to be scored, and asks for its memory.
func (s *Scorer) choose(user int) {
	c, f, least := s.coarse, s.items.f, s.list(user).threshold()
	places, full := c.places[user%2][:0], s.full(user)
	for _, v := range c.survivors[user] {
		if v.most >= least && s.within(user, full, v.place, v.most) {
			places = append(places, v.place)
			prefetch.Slice(s.items.rows[int(v.place)*f : (int(v.place)+1)*f])
		}
	}
	c.places[user%2] = places
}

// settle makes the list of a user, one of count for whom choose is called: by settle itself but for the first.
func (s *Scorer) settle(user, count int) {
	if user+1 < count {
		s.choose(user + 1)
	}
	s.rescore(user)
}

// rescore makes the list of a user of the scores of what is chosen.
func (s *Scorer) rescore(user int) {
	s.clearList(user)
	for places := s.coarse.places[user%2]; len(places) > 0; places = places[min(settled, len(places)):] {
		s.settleSome(user, places[:min(settled, len(places))])
	}
}

// settleSome offers the scores of items, as many as a dotsFunc takes or less, to the list of a user.
func (s *Scorer) settleSome(user int, places []uint32) {
	c, l, f := s.coarse, s.list(user), s.items.f
	for i, place := range places {
		c.at[i] = int(place) * f
	}
	c.dots(c.rows[user*f:(user+1)*f], s.items.rows, &c.at, &c.scores)
	for i, place := range places {
		if k := newKey(c.scores[i], s.items.order[place]); k > l[0] {
			s.offer(user, k, place)
		}
	}
}
