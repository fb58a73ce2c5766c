package shuffle

import (
	"cmp"
	"encoding/binary"
	"io"
	"slices"
)

// topReader is where the records of tops are read.
type topReader struct {
	next    int      // group
	group   uint64   // of the run
	run     []narrow // what is left of it
	scratch [24]byte
	touched uint64
}

// sort implements store.
func (t *tops) sort() {
	t.order, t.temp = room(t.order[:0], t.groups), room(t.temp[:0], t.groups)
	for i := range t.slots {
		s := &t.slots[i]
		if s.size == 0 {
			continue
		}
		if int(s.size) < t.first {
			sortRun(t.items[s.at:][:s.size])
		}
		t.order = append(t.order, narrow{s.group, uint64(s.at)<<16 | uint64(s.size)})
	}
	sortNarrow(t.order, t.temp[:len(t.order)], t.beat)
	t.reader = topReader{}
}

// sortRun sorts a run by order, and leaves what is equal as it came.
func sortRun(run []narrow) {
	if len(run) > smallRun {
		slices.SortStableFunc(run, func(x, y narrow) int { return cmp.Compare(x[0], y[0]) })
		return
	}
	for i := 1; i < len(run); i++ {
		it, j := run[i], i
		for ; j > 0 && run[j-1][0] > it[0]; j-- {
			run[j] = run[j-1]
		}
		run[j] = it
	}
}

// next implements source.
func (t *tops) next() (key, value []byte, err error) {
	r := &t.reader
	if len(r.run) == 0 && !t.nextRun() {
		return nil, nil, io.EOF
	}
	it := &r.run[0]
	r.run = r.run[1:]
	k, v, width := t.shape.key, t.shape.value, 8*t.width
	binary.BigEndian.PutUint64(r.scratch[:], r.group|it[0]>>width)
	binary.BigEndian.PutUint64(r.scratch[8:], it[0]<<(64-width))
	if t.isLong(it) {
		return r.scratch[:k:k], t.shape.firstValue(t.arena[it[1]>>8:]), nil
	}
	if v == 0 {
		v = int(it[1] & 0xff)
	}
	binary.BigEndian.PutUint64(r.scratch[16:], it[1])
	return r.scratch[:k:k], r.scratch[16 : 16+v : 16+v], nil
}

// nextRun moves to the next group. What the next groups, and the records of this one, have elsewhere is loaded at once, so
// that the loads overlap.
func (t *tops) nextRun() bool {
	r := &t.reader
	if r.next == len(t.order) {
		return false
	}
	sum := uint64(0)
	if r.next%ahead == 0 {
		for _, g := range t.order[r.next:min(r.next+ahead, len(t.order))] {
			sum += t.items[g[1]>>16][0] + t.items[g[1]>>16+g[1]&0xffff/2][0]
		}
	}
	g := t.order[r.next]
	r.next++
	r.group, r.run = g[0], t.items[g[1]>>16:][:g[1]&0xffff]
	for i := range r.run {
		if it := &r.run[i]; t.isLong(it) {
			sum += uint64(t.arena[it[1]>>8])
		}
	}
	r.touched = sum // so that the loads are not left out
	return true
}

// close implements source.
func (t *tops) close() error { return nil }
