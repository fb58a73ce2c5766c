package ease

// blockUsers is the most users that each panel of P is scored for, before the next one comes; blockKeys is the most places of
// their lists, 16 MiB of them.
const (
	blockUsers = 4096
	blockKeys  = 2 << 20
)

// userRow is what is known of a user of a block.
type userRow struct {
	index     []uint32 // numbers of the user's items
	values    []float32
	passed    int // entries in panels before
	threshold float32
}

// scoreByItems scores by P: the sum of rows is of the items that the user has, and a panel's columns are items.
func (s *Scorer) scoreByItems(lo, hi int, emit func(int, []Scored) error) error {
	most := min(blockUsers, max(1, blockKeys/s.top))
	for ; lo < hi; lo += most {
		s.load(lo, min(most, hi-lo))
		for p := range s.model.count() {
			s.scoreItems(p)
		}
		for u := range s.block {
			s.out = s.list(u).appendTo(s.out[:0])
			if err := emit(lo+u, s.out); err != nil {
				return err
			}
		}
	}
	return nil
}

// load begins a block of users.
func (s *Scorer) load(lo, count int) {
	s.block = s.block[:0]
	s.renumbered.reset()
	for u := range count {
		r := userRow{threshold: lowest()}
		r.index, r.values = s.renumbered.entries(s.users.Row(lo + u))
		s.block = append(s.block, r)
	}
	if n := count * s.top; cap(s.keys) < n {
		s.keys = make([]key, n)
	}
	s.keys = s.keys[:count*s.top]
	clear(s.keys)
}

// scoreItems scores the items of panel p for all users of the block.
func (s *Scorer) scoreItems(p int) {
	m, l := s.model, &s.lanes
	panel, valid, first := m.panel(p), m.valid(p), uint32(p*width)
	items := m.active[first:min(len(m.active), (p+1)*width)]
	for c, j := range items {
		l.scales[c] = m.scales[j]
	}
	for u := range s.block {
		r := &s.block[u]
		if len(r.index) == 0 {
			continue
		}
		wanted := valid &^ r.has(first)
		fill(&l.thresholds, r.threshold)
		mask := s.score(l, panel, r.index, r.values) & wanted
		for c := range each(mask) {
			r.threshold = s.list(u).offer(newKey(l.scores[c], items[c]))
		}
	}
}

// has is a bit for each item of the panel from first on that the user has. Panels come in order.
func (r *userRow) has(first uint32) (mask uint32) {
	for ; r.passed < len(r.index) && r.index[r.passed]-first < width; r.passed++ {
		mask |= 1 << (r.index[r.passed] - first)
	}
	return mask
}
