package recommend

import (
	"math/bits"
	"slices"
)

const (
	columnShift = 32 // of the column in an element
	mostDigit   = 11 // bits: 2,048 counters
	fewElements = 48 // for which comparing is quicker
)

// columnSorter sorts elements by their upper half, the column, those of one column staying in their order, which is that of
// the lower half: by digits of as many bits as their number is worth.
type columnSorter struct {
	temp  []uint64
	count [1 << mostDigit]uint32
}

// sort returns the sorted elements, and keeps the other slice for the next ones.
func (s *columnSorter) sort(order []uint64) []uint64 {
	if len(order) < fewElements {
		slices.Sort(order)
		return order
	}
	varying := uint64(0)
	for _, o := range order {
		varying |= o ^ order[0]
	}
	width := bits.Len64(varying >> columnShift)
	digit := min(bits.Len(uint(len(order))), mostDigit)
	passes := max(1, (width+digit-1)/digit)
	digit = (width + passes - 1) / passes
	s.temp = slices.Grow(s.temp[:0], len(order))[:len(order)]
	for shift := columnShift; shift < columnShift+width; shift += digit {
		s.pass(s.temp, order, shift, digit)
		order, s.temp = s.temp, order
	}
	return order
}

// pass puts the elements of from into to by some bits.
func (s *columnSorter) pass(to, from []uint64, shift, digit int) {
	next := s.count[:1<<digit]
	clear(next)
	mask := uint64(len(next) - 1)
	for _, o := range from {
		next[o>>(shift&63)&mask]++
	}
	at := uint32(0)
	for i, n := range next {
		next[i] = at
		at += n
	}
	for _, o := range from {
		d := o >> (shift & 63) & mask
		to[next[d]] = o
		next[d]++
	}
}
