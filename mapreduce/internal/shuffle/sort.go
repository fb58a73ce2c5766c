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
	smallKeys  = 64  // below, comparing keys is faster than new words
	maxLevel   = 64  // new words for one key; bounds the recursion
	window     = 15  // bytes of a key that two words hold, beside its length
	smallRun   = 32  // up to here, a run of tops is sorted by insertion
)

// narrow is the index entry of a record with a key of at most eight bytes: the
// key, as a big-endian number, and the value in the same way, or where it begins
// in the arena.
type narrow [2]uint64

// wide is the index entry of any other record: two words whose order is that of
// the keys as far as they reach, and where the record, or the value of a key that
// the words hold, begins in the arena. The arena grows in order of loading, so
// this ends all ties.
type wide [3]uint64

// item is an index entry. The last word locates the value.
type item interface{ narrow | wide }

// sort implements store.
func (b *batch) sort() {
	b.order()
	b.cut()
}

// order orders the batch by full key, equal keys as they were loaded.
func (b *batch) order() {
	n := b.sorted
	switch {
	case n == b.len():
	case b.slim:
		sortNarrow(b.narrow[n:], b.temp.narrow[:len(b.narrow)-n], b.beat)
		b.narrow = mergeTail(b.narrow, n, b.temp.narrow, b.cutter)
	case b.keyed:
		b.sortWords(b.wide[n:], b.temp.wide[:len(b.wide)-n], 0)
		b.wide = mergeTail(b.wide, n, b.temp.wide, b.cutter)
	default:
		b.sortKeys(b.wide, b.temp.wide[:len(b.wide)], 0, 0)
	}
}

// mergeTail merges the first n items, which are cut, with the others, which are
// sorted. It returns all that is left.
func mergeTail[T item](items []T, n int, temp []T, c *cutter) []T {
	if n == 0 {
		return items
	}
	end := n + cutItems(items[n:], c)
	c.removed += int64(len(items) - end)
	items = items[:end]
	tail := temp[:copy(temp[:end-n], items[n:])]
	for j := len(tail); j > 0; end-- {
		if n > 0 && exceeds(&items[n-1], &tail[j-1]) {
			n--
			items[end-1] = items[n]
		} else {
			j--
			items[end-1] = tail[j]
		}
	}
	return items
}

// exceeds reports whether the key of x is greater than that of y, both standing in
// the index.
func exceeds[T item](x, y *T) bool {
	return (*x)[0] > (*y)[0] || (*x)[0] == (*y)[0] && keyWord(x, 1) > keyWord(y, 1)
}

// keyWord returns a word of an item, or zero if it is not of the key but the last.
func keyWord[T item](it *T, word int) uint64 {
	if word == len(*it)-1 {
		return 0
	}
	return (*it)[word]
}

// sortNarrow sorts items by key, stably. The result is in items; temp has the same
// length.
func sortNarrow(items, temp []narrow, beat func()) {
	if len(items) < smallRadix {
		slices.SortStableFunc(items, func(x, y narrow) int { return cmp.Compare(x[0], y[0]) })
		return
	}
	radix(items, temp, 0, 0, varyingBits(items, 0), beat)
}

// sortWords sorts items by both words and the ref, from word on, and expects them
// in order of the refs where the words before it are equal: by the leading bits
// that differ, then each run of items that are equal in these.
func (b *batch) sortWords(items, temp []wide, word int) {
	if len(items) < 2 {
		return
	}
	varying := varyingBits(items, word)
	if varying == 0 {
		b.sortEqual(items, temp, word)
		return
	}
	if len(items) < smallRadix {
		quickSort(items)
		return
	}
	low := max(bits.Len64(varying)-2*digitBits, 0)
	radix(items, temp, word, low, varying, func() { b.tick(len(items)) })
	for i := 0; i < len(items); {
		j, lead := i+1, items[i][word]>>low
		for j < len(items) && items[j][word]>>low == lead {
			j++
		}
		b.sortWords(items[i:j], temp[i:j], word)
		i = j
	}
}

// sortEqual sorts items that are equal up to word.
func (b *batch) sortEqual(items, temp []wide, word int) {
	if word == 0 {
		b.sortWords(items, temp, 1)
	}
}

// radix sorts items by the bits of a word from low on, stably, least significant
// digit first, over the varying bits. The result is in items; temp has the same
// length.
func radix[T item](items, temp []T, word, low int, varying uint64, beat func()) {
	from, to := items, temp
	for shift := low; shift < 64 && varying>>shift != 0; shift += digitBits {
		shift += bits.TrailingZeros64(varying >> shift)
		scatter(from, to, word, shift)
		from, to = to, from
		beat()
	}
	if &from[0] != &items[0] {
		copy(items, from)
	}
}

// varyingBits returns the bits in which a word differs between items.
func varyingBits[T item](items []T, word int) uint64 {
	or, and := uint64(0), ^uint64(0)
	for i := range items {
		w := items[i][word]
		or |= w
		and &= w
	}
	return or &^ and
}

// scatter distributes from over to by the digit of a word at shift, stably.
func scatter[T item](from, to []T, word, shift int) {
	const mask = 1<<digitBits - 1
	var at [mask + 1]uint32
	for i := range from {
		at[from[i][word]>>(shift&63)&mask]++
	}
	sum := uint32(0)
	for d, n := range at {
		at[d] = sum
		sum += n
	}
	for i := range from {
		d := from[i][word] >> (shift & 63) & mask
		to[at[d]] = from[i]
		at[d]++
	}
}

// less orders items by their words and refs.
func less(x, y *wide) bool {
	if x[0] != y[0] {
		return x[0] < y[0]
	}
	return x[1] < y[1] || x[1] == y[1] && x[2] < y[2]
}

// quickSort sorts a few items (Hoare 1961, the pivot being the median of three).
func quickSort(x []wide) {
	for len(x) > 16 {
		i, j := partition(x, median(&x[0], &x[len(x)/2], &x[len(x)-1]))
		if j+1 < len(x)-i {
			quickSort(x[:j+1])
			x = x[i:]
		} else {
			quickSort(x[i:])
			x = x[:j+1]
		}
	}
	insertionSort(x)
}

// partition moves what is less than the pivot to x[:j+1] and what is greater to
// x[i:]. All items differ, in their refs at least.
func partition(x []wide, pivot wide) (i, j int) {
	first, second, ref := pivot[0], pivot[1], pivot[2]
	j = len(x) - 1
	for i <= j {
		for y := &x[i]; y[0] < first || y[0] == first && (y[1] < second || y[1] == second && y[2] < ref); y = &x[i] {
			i++
		}
		for y := &x[j]; y[0] > first || y[0] == first && (y[1] > second || y[1] == second && y[2] > ref); y = &x[j] {
			j--
		}
		if i <= j {
			x[i], x[j] = x[j], x[i]
			i++
			j--
		}
	}
	return i, j
}

func median(x, y, z *wide) wide {
	if less(y, x) {
		x, y = y, x
	}
	switch {
	case !less(z, y):
		return *y
	case less(z, x):
		return *x
	}
	return *z
}

func insertionSort(x []wide) {
	for i := 1; i < len(x); i++ {
		insert(x[:i+1], x[i])
	}
}

// insert puts it where it belongs in x, whose last place is free.
func insert(x []wide, it wide) {
	first, second, ref := it[0], it[1], it[2] // in registers, where an array is not
	i := len(x) - 1
	for i > 0 {
		y := &x[i-1]
		if y[0] < first || y[0] == first && (y[1] < second || y[1] == second && y[2] < ref) {
			break
		}
		x[i] = *y
		i--
	}
	x[i] = wide{first, second, ref}
}

// sortKeys sorts items whose keys stand in the arena and share their first depth
// bytes: strip what else they share, sort by the window behind, then sort each run
// that is equal there in the same way.
func (b *batch) sortKeys(items, temp []wide, depth, level int) {
	if level > 0 && len(items) < smallKeys || level == maxLevel {
		b.compareSort(items, depth)
		return
	}
	depth += b.common(items, depth)
	for i := range items {
		items[i][0], items[i][1] = words(b.key(items[i][2])[depth:])
	}
	b.sortWords(items, temp, 0)
	for i := 0; i < len(items); {
		j := i + 1
		for j < len(items) && items[j][0] == items[i][0] && items[j][1] == items[i][1] {
			j++
		}
		if j-i > 1 && items[i][1]&0xff > window {
			b.sortKeys(items[i:j], temp[i:j], depth+window, level+1)
		}
		b.tick(j - i)
		i = j
	}
}

// words returns the first 15 bytes of key, filled up with zeros, and its length
// or 16, whichever is less. If the length is not 16, keys with equal words are
// equal.
func words(key []byte) (first, second uint64) {
	if len(key) > window {
		return prefix(key), prefix(key[8:])&^0xff | (window + 1)
	}
	if len(key) > 8 {
		second = prefix(key[8:])
	}
	return prefix(key), second | uint64(len(key))
}

// compareSort sorts items whose keys share their first depth bytes. Refs break
// ties, so it need not be stable.
func (b *batch) compareSort(items []wide, depth int) {
	slices.SortFunc(items, func(x, y wide) int {
		if c := bytes.Compare(b.key(x[2])[depth:], b.key(y[2])[depth:]); c != 0 {
			return c
		}
		return cmp.Compare(x[2], y[2])
	})
}

// common returns how many bytes behind depth all keys share.
func (b *batch) common(items []wide, depth int) int {
	if len(items) == 0 {
		return 0
	}
	first := b.key(items[0][2])[depth:]
	for i := 1; i < len(items) && len(first) > 0; i++ {
		first = first[:commonPrefix(first, b.key(items[i][2])[depth:])]
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
