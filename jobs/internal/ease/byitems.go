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
	passed    int      // entries in panels before
	except    []uint32 // numbers of the items that the list shall not have
	skipped   int      // of except, in panels before
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
			s.out, s.last = s.list(u).appendTo(s.out[:0]), u
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
		columns, values := s.users.Row(lo + u)
		except, asked := s.except(lo+u, columns)
		if asked {
			r.index, r.values = s.renumbered.entries(columns, values)
			r.except = r.index
		}
		if asked && s.filter.Except != nil {
			r.except, _ = s.renumbered.entries(except, nil)
		}
		s.block = append(s.block, r)
	}
	s.clearLists(count)
}

// scoreItems scores the items of panel p for all users of the block.
func (s *Scorer) scoreItems(p int) {
	m, l := s.model, &s.lanes
	panel, valid, first := m.panel(p), m.valid(p), uint32(p*width)
	items := m.active[first:min(len(m.active), (p+1)*width)]
	for c, j := range items {
		l.scales[c] = m.scales[j]
		if !s.allowed(j) {
			valid &^= 1 << c
		}
	}
	if valid == 0 {
		return
	}
	for u := range s.block {
		r := &s.block[u]
		if len(r.index) == 0 {
			continue
		}
		wanted := valid &^ bitsFrom(r.except, &r.skipped, first)
		fill(&l.thresholds, r.threshold)
		mask := s.score(l, panel, r.index, r.values)
		if s.filter.Except != nil {
			mask = l.own(mask, r, first)
		}
		mask &= wanted
		for c := range each(mask) {
			r.threshold = s.offer(u, l.scores[c], items[c])
		}
	}
}

// bitsFrom is a bit for each number of the panel from first on. Panels come in order; passed counts the numbers before.
func bitsFrom(numbers []uint32, passed *int, first uint32) (mask uint32) {
	at := *passed
	for at < len(numbers) && numbers[at] < first { // of panels that were left out
		at++
	}
	for ; at < len(numbers) && numbers[at]-first < width; at++ {
		mask |= 1 << (numbers[at] - first)
	}
	*passed = at
	return mask
}

// own adds to the scores of the items of the panel that the user has what the diagonal of B takes off: their values. It returns the
// mask with the bits of their thresholds.
func (l *lanes) own(mask uint32, r *userRow, first uint32) uint32 {
	for r.passed < len(r.index) && r.index[r.passed] < first {
		r.passed++
	}
	for ; r.passed < len(r.index) && r.index[r.passed]-first < width; r.passed++ {
		mask = l.add(mask, r.index[r.passed]-first, valueAt(r.values, r.passed))
	}
	return mask
}

func valueAt(values []float32, at int) float32 {
	if values == nil {
		return 1
	}
	return values[at]
}

// add adds a value to the score of lane c, and returns the mask with its bit.
func (l *lanes) add(mask, c uint32, value float32) uint32 {
	l.scores[c] += value
	if l.scores[c] >= l.thresholds[c] {
		return mask | 1<<c
	}
	return mask &^ (1 << c)
}
