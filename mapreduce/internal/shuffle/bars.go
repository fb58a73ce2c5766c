package shuffle

import "math/bits"

// bars hold, for groups that have all the records they may have, the key of the
// last: whatever comes later and is not less is cut before it is loaded. They are
// a hash table with linear probing of the words of these keys, an empty slot being
// zero. The group is a prefix of the first word.
type bars struct {
	slots [][2]uint64
	mask  uint64 // of the group
	shift int
}

// set reports whether there are bars.
func (t *bars) set() bool { return len(t.slots) > 0 }

// drops reports whether a record with this key is at or above its group's bar.
func (t *bars) drops(first, second uint64) bool {
	for i := t.slot(first); ; i = (i + 1) & (len(t.slots) - 1) {
		bar := &t.slots[i]
		if (bar[0]^first)&t.mask == 0 {
			// In an empty slot, which is no bar, this may be the group zero.
			return (first > bar[0] || first == bar[0] && second >= bar[1]) && bar[0]|bar[1] != 0
		}
		if bar[0]|bar[1] == 0 {
			return false
		}
	}
}

func (t *bars) slot(first uint64) int {
	const golden = 0x9e3779b97f4a7c15 // 2^64 divided by the golden ratio: Fibonacci hashing
	return int((first & t.mask) * golden >> (t.shift & 63))
}

// add sets a bar. A group that could not be told from an empty slot gets none.
func (t *bars) add(first, second uint64) {
	if first|second == 0 {
		return
	}
	i := t.slot(first)
	for t.slots[i] != [2]uint64{} {
		i = (i + 1) & (len(t.slots) - 1)
	}
	t.slots[i] = [2]uint64{first, second}
}

// reset makes room for n bars in at most limit bytes, or else for none.
func (t *bars) reset(n int, limit int64, mask uint64) {
	size := 1 << bits.Len(uint(2*n))
	if n == 0 || 16*int64(size) > limit {
		t.slots = nil
		return
	}
	if size != len(t.slots) {
		t.slots = make([][2]uint64, size)
	}
	clear(t.slots)
	t.mask, t.shift = mask, 64-bits.TrailingZeros(uint(size))
}

// setBars sets the bars of a batch that was cut and is still sorted, if they take
// at most an eighth of its memory.
func (b *batch) setBars() {
	limit := footprint(b.shape, int64(b.records), int64(b.limit)) / 8
	switch {
	case !b.cutter.barring():
	case b.slim:
		setBars(b.narrow, b.cutter, limit)
	default:
		setBars(b.wide, b.cutter, limit)
	}
}

func setBars[T item](items []T, c *cutter, limit int64) {
	n := 0
	eachFull(items, c, func(*T) { n++ })
	c.bars.reset(n, limit, c.mask[0])
	if c.bars.set() {
		eachFull(items, c, func(last *T) { c.bars.add((*last)[0], keyWord(last, 1)) })
	}
}

// eachFull calls do with the last item of each group that has as many as it may.
func eachFull[T item](items []T, c *cutter, do func(last *T)) {
	for i := 0; i < len(items); {
		j := i + 1
		for j < len(items) && (items[j][0]^items[i][0])&c.mask[0] == 0 {
			j++
		}
		if j-i >= c.first {
			do(&items[j-1])
		}
		i = j
	}
}

// keyWord returns a word of an item, or zero if it is not of the key but the last.
func keyWord[T item](it *T, word int) uint64 {
	if word == len(*it)-1 {
		return 0
	}
	return (*it)[word]
}
