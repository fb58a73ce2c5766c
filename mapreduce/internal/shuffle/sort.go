package shuffle

import (
	"bytes"
	"cmp"
	"math/bits"
	"slices"
)

const (
	digitBits  = 11  // two arrays of 2,048 counters fit the first-level cache
	smallRadix = 384 // below, comparing is faster than counting digits
	smallKeys  = 64  // below, comparing keys is faster than new prefixes
	maxLevel   = 64  // new prefixes for one key; bounds the recursion
)

// sort orders the batch by full key, equal keys as they were loaded.
func (b *batch) sort() {
	if w := b.shape.key; w > 0 && w <= 8 {
		b.radix(b.items, b.temp[:len(b.items)])
		return
	}
	b.sortKeys(b.items, b.temp[:len(b.items)], 0, 0)
}

// radix sorts items by prefix, stably: least significant digit first, over the
// bits that differ. The result is in items; temp has the same length.
func (b *batch) radix(items, temp []item) {
	if len(items) < smallRadix {
		slices.SortStableFunc(items, func(x, y item) int { return cmp.Compare(x.prefix, y.prefix) })
		return
	}
	varying := varyingBits(items)
	from, to := items, temp
	for shift := 0; varying>>shift != 0; shift += digitBits {
		shift += bits.TrailingZeros64(varying >> shift)
		scatter(from, to, shift)
		from, to = to, from
		b.beat()
	}
	if &from[0] != &items[0] {
		copy(items, from)
	}
}

// varyingBits returns the bits in which prefixes differ.
func varyingBits(items []item) uint64 {
	or, and := uint64(0), ^uint64(0)
	for i := range items {
		or |= items[i].prefix
		and &= items[i].prefix
	}
	return or &^ and
}

// scatter distributes from over to by the digit at shift, stably.
func scatter(from, to []item, shift int) {
	const mask = 1<<digitBits - 1
	var at [mask + 1]int
	for i := range from {
		at[from[i].prefix>>(shift&63)&mask]++
	}
	sum := 0
	for d, n := range at {
		at[d] = sum
		sum += n
	}
	for _, it := range from {
		d := it.prefix >> (shift & 63) & mask
		to[at[d]] = it
		at[d]++
	}
}

// sortKeys sorts items whose keys share their first depth bytes: strip what else
// they share, radix-sort by the eight bytes behind, then sort each run of equal
// prefixes in the same way.
func (b *batch) sortKeys(items, temp []item, depth, level int) {
	if len(items) < smallKeys || level == maxLevel {
		b.compareSort(items, depth)
		return
	}
	depth += b.common(items, depth)
	for i := range items {
		items[i].prefix = prefix(b.key(items[i].ref)[depth:])
	}
	b.radix(items, temp)
	for i := 0; i < len(items); {
		j := i + 1
		for j < len(items) && items[j].prefix == items[i].prefix {
			j++
		}
		if j-i > 1 {
			b.sortRun(items[i:j], temp[i:j], depth, level)
		}
		b.tick(j - i)
		i = j
	}
}

// sortRun sorts items whose keys have equal prefixes at depth. A prefix filled up
// with zeros equals one that ends with zero bytes, so lengths matter.
func (b *batch) sortRun(items, temp []item, depth, level int) {
	if len(items) < smallKeys {
		b.compareSort(items, depth)
		return
	}
	shortest, longest := b.keyLengths(items)
	switch {
	case longest <= depth+8 && shortest == longest: // equal keys
	case shortest >= depth+8:
		b.sortKeys(items, temp, depth+8, level+1)
	default:
		b.compareSort(items, depth)
	}
}

// compareSort sorts items whose keys share their first depth bytes. Refs break
// ties, so it need not be stable.
func (b *batch) compareSort(items []item, depth int) {
	slices.SortFunc(items, func(x, y item) int {
		if c := bytes.Compare(b.key(x.ref)[depth:], b.key(y.ref)[depth:]); c != 0 {
			return c
		}
		return cmp.Compare(x.ref, y.ref)
	})
}

func (b *batch) keyLengths(items []item) (shortest, longest int) {
	if w := b.shape.key; w > 0 {
		return w, w
	}
	shortest = maxRecord
	for i := range items {
		n := len(b.key(items[i].ref))
		shortest, longest = min(shortest, n), max(longest, n)
	}
	return shortest, longest
}

// common returns how many bytes behind depth all keys share.
func (b *batch) common(items []item, depth int) int {
	first := b.key(items[0].ref)[depth:]
	for i := 1; i < len(items) && len(first) > 0; i++ {
		first = first[:commonPrefix(first, b.key(items[i].ref)[depth:])]
	}
	return len(first)
}

// commonPrefix returns the length of the longest common prefix of x and y.
func commonPrefix(x, y []byte) int {
	n := min(len(x), len(y))
	i := 0
	for i+8 <= n {
		if d := le.Uint64(x[i:]) ^ le.Uint64(y[i:]); d != 0 {
			return i + bits.TrailingZeros64(d)/8
		}
		i += 8
	}
	for i < n && x[i] == y[i] {
		i++
	}
	return i
}
