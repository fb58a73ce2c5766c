package recommend

// took is how many candidates a limit took from a list: that of the limits which took most.
type took struct {
	limit int
	n     int
}

// or is the one that took more.
func (t took) or(o took) took {
	if o.n > t.n {
		return o
	}
	return t
}

// limiter is a scorer that tells what limits took from the list that it passes on.
type limiter interface{ took() took }

// limits take no more items of one value into a list than there may be. Each scorer has its own.
type limits struct {
	rules   *ruling
	counts  []int32 // items that were taken, by 1 + the number of their group; that of 0 does not count
	touched []uint32
	skipped []int // by limit
}

// newLimits is nil without limits.
func newLimits(r *ruling) *limits {
	if r == nil || r.groups == nil {
		return nil
	}
	return &limits{rules: r, counts: make([]int32, r.n+1), skipped: make([]int, len(r.most))}
}

// begin begins a list.
func (l *limits) begin() {
	for _, g := range l.touched {
		l.counts[g] = 0
	}
	l.touched = l.touched[:0]
	clear(l.skipped)
}

// take tells whether an item is within all limits, and counts it if so.
func (l *limits) take(item uint32) bool {
	n := len(l.rules.most)
	groups := l.rules.groups[int(item)*n:][:n]
	for q, g := range groups {
		if g > 0 && l.counts[g] >= l.rules.most[q] {
			l.skipped[q]++
			return false
		}
	}
	for _, g := range groups {
		if g > 0 {
			l.counts[g]++
			l.touched = append(l.touched, g)
		}
	}
	return true
}

// took is the limit which has skipped most items.
func (l *limits) took() (most took) {
	for q, n := range l.skipped {
		most = most.or(took{q, n})
	}
	return most
}

// takeWithin keeps of a list, in place, the first top items that are within the limits.
func takeWithin[T any](l *limits, list []T, top int, item func(*T) uint32) ([]T, took) {
	l.begin()
	kept := list[:0]
	for i := range list {
		if len(kept) == top {
			break
		}
		if l.take(item(&list[i])) {
			kept = append(kept, list[i])
		}
	}
	return kept, l.took()
}
