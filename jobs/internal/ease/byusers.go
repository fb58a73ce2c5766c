package ease

import (
	"slices"
	"sort"
)

// scoreByUsers scores by M: the sum of rows is of the users that have an item, and a panel's columns are users.
func (s *Scorer) scoreByUsers(lo, hi int, emit func(int, []Scored) error) error {
	active := s.model.active
	a := sort.Search(len(active), func(a int) bool { return int(active[a]) >= lo })
	loaded := -1
	for user := lo; user < hi; user++ {
		s.out, s.last = s.out[:0], -1
		if a < len(active) && int(active[a]) == user {
			if p := a / width; p != loaded && s.asked(user) {
				s.scoreUsers(p)
				loaded = p
			}
			if s.asked(user) {
				s.last = a % width
				s.out = s.list(s.last).appendTo(s.out)
			}
			a++
		}
		if err := emit(user, s.out); err != nil {
			return err
		}
	}
	return nil
}

// scoreUsers scores all items for the users of panel p.
func (s *Scorer) scoreUsers(p int) {
	m, l := s.model, &s.lanes
	panel, valid, users := m.panel(p), m.valid(p), m.active[p*width:min(len(m.active), (p+1)*width)]
	s.clearLists(width)
	fill(&l.thresholds, lowest())
	for c, u := range users {
		columns, _ := s.users.Row(int(u))
		except, asked := s.except(int(u), columns)
		if !asked {
			valid &^= 1 << c
		}
		for _, j := range except {
			s.seen[j] |= 1 << c
		}
	}
	for j := range m.items {
		index, values := s.items.Row(j)
		wanted := valid &^ s.seen[j]
		s.seen[j] = 0
		if len(index) == 0 || wanted == 0 || !s.allowed(uint32(j)) {
			continue
		}
		s.renumbered.reset()
		index, values = s.renumbered.entries(index, values)
		fill(&l.scales, m.scales[j])
		mask := s.score(l, panel, index, values)
		if s.filter.Except != nil {
			mask = l.ownOf(mask, index, values, uint32(p*width))
		}
		mask &= wanted
		for c := range each(mask) {
			l.thresholds[c] = s.offer(c, l.scores[c], uint32(j))
		}
	}
}

// asked tells whether the list of a user is asked for.
func (s *Scorer) asked(user int) bool {
	if s.filter.Except == nil {
		return true
	}
	_, asked := s.filter.Except(user)
	return asked
}

// ownOf is lanes.own for an item: index has the numbers of its users, and the panel begins with user first.
func (l *lanes) ownOf(mask uint32, index []uint32, values []float32, first uint32) uint32 {
	at, _ := slices.BinarySearch(index, first)
	for ; at < len(index) && index[at]-first < width; at++ {
		mask = l.add(mask, index[at]-first, valueAt(values, at))
	}
	return mask
}
