package ease

import "sort"

// scoreByUsers scores by M: the sum of rows is of the users that have an item, and a panel's columns are users.
func (s *Scorer) scoreByUsers(lo, hi int, emit func(int, []Scored) error) error {
	active := s.model.active
	a := sort.Search(len(active), func(a int) bool { return int(active[a]) >= lo })
	loaded := -1
	for user := lo; user < hi; user++ {
		s.out = s.out[:0]
		if a < len(active) && int(active[a]) == user {
			if p := a / width; p != loaded {
				s.scoreUsers(p)
				loaded = p
			}
			s.out = s.list(a % width).appendTo(s.out)
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
	clear(s.keys)
	fill(&l.thresholds, lowest())
	for c, u := range users {
		columns, _ := s.users.Row(int(u))
		for _, j := range columns {
			s.seen[j] |= 1 << c
		}
	}
	for j := range m.items {
		index, values := s.items.Row(j)
		wanted := valid &^ s.seen[j]
		s.seen[j] = 0
		if len(index) == 0 || wanted == 0 {
			continue
		}
		s.renumbered.reset()
		index, values = s.renumbered.entries(index, values)
		fill(&l.scales, m.scales[j])
		mask := s.score(l, panel, index, values) & wanted
		for c := range each(mask) {
			l.thresholds[c] = s.list(c).offer(newKey(l.scores[c], uint32(j)))
		}
	}
}
