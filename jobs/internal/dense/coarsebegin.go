package dense

import "math"

const (
	// beginPanels is how many panels a group has, at most.
	beginPanels = 8
	// beginShare is the part of all panels that are scored twice, at most.
	beginShare = 16
	// beginLanes is how many lanes there are for each item of a list: with less, what they tell is far below the list's last score.
	beginLanes = 3
)

// beginGroups is how many groups of how many panels begin a block with lists of so many items, and how many of these are of a group.
func beginGroups(top, panels int) (groups, each, of int) {
	groups = (beginLanes*top + tileItems - 1) / tileItems
	return groups, min(beginPanels, min(panels/beginShare, stretchPanels)/groups), (top + groups - 1) / groups
}

// begin finds limits for the users of the block before any list is made, which then sees few items that do not stay in it. The first
// panels are scored in groups. In each of the 32 lanes of a group, the best item has a score that is certain at least. These items are
// not the same, so that a list cannot end below the least of as many of them as it has items. Under quotas it can: they may leave no place
// for some.
func (s *Scorer) begin() {
	groups, each, of := beginGroups(s.top, len(s.items.norms))
	if each == 0 || s.classes != nil {
		return
	}
	c := s.coarse
	for _, t := range s.open {
		var least [16]float32
		for u := range least {
			least[u] = float32(math.Inf(1)) // as limits of nobody stay
		}
		for g := range groups {
			s.beginGroup(t, g*each, (g+1)*each)
			c.place(&c.lanes, of, &least)
		}
		for u, now := range &c.limits[t].least {
			if now < 0 { // of somebody
				c.limits[t].least[u] = least[u]
			}
		}
	}
}

// beginGroup finds what the best item of each lane of some panels is at least for the users of a tile, in units of the user.
func (s *Scorer) beginGroup(t, from, to int) {
	c := s.coarse
	for u := range c.lanes {
		for i := range c.lanes[u] {
			c.lanes[u][i] = float32(math.Inf(-1))
		}
	}
	for p := from; p < to; p++ {
		unit, slack := c.items.units[p], c.items.slack[p]
		c.tile(c.vectors(t), c.items.panel(p), &c.limits[t], float32(1/unit), slack, &s.wanted[p][t], &c.found)
		c.most(&c.found, &c.limits[t], float32(unit), slack, &c.lanes)
	}
}
