package shuffle

import "math/bits"

// minBars is how many bytes bars may always take.
const minBars = 4 << 10

// bars hold, for groups that have all the records they may have, the key of the
// last: whatever comes later and is not less is cut before it is loaded. They are
// a hash table with linear probing of the words of these keys, an empty slot being
// zero. The group is a prefix of the first word. As long as it is known where the last
// records stand, what is less takes their place, and the bars sink.
type bars struct {
	slots [][2]uint64
	ends  []uint32 // by slot: behind the last record of the group in the index; nil: not known
	mask  uint64   // of the group
	shift int
}

// set reports whether there are bars.
func (t *bars) set() bool { return len(t.slots) > 0 }

func (t *bars) slot(first uint64) int {
	const golden = 0x9e3779b97f4a7c15 // 2^64 divided by the golden ratio: Fibonacci hashing
	return int((first & t.mask) * golden >> (t.shift & 63))
}

// add sets the bar of a group whose last record stands before end in the index.
func (t *bars) add(first, second uint64, end int) {
	i := t.slot(first)
	for t.slots[i] != [2]uint64{} {
		i = (i + 1) & (len(t.slots) - 1)
	}
	t.put(i, first, second)
	if t.ends != nil {
		t.ends[i] = uint32(end)
	}
}

// put sets the bar in a slot, higher by one if it could not be told from an empty slot.
func (t *bars) put(i int, first, second uint64) {
	if first|second == 0 {
		second = 1
	}
	t.slots[i] = [2]uint64{first, second}
}

// reset makes room for n bars in at most limit bytes, or else for none.
func (t *bars) reset(n int, limit int64, mask uint64) {
	size := 1 << bits.Len(uint(2*n))
	if n == 0 || 20*int64(size) > limit {
		t.slots, t.ends = nil, nil
		return
	}
	if size != len(t.slots) {
		t.slots = huge(make([][2]uint64, size))
	}
	clear(t.slots)
	t.ends = make([]uint32, size)
	t.mask, t.shift = mask, 64-bits.TrailingZeros(uint(size))
}

// setBars sets the bars of a batch that was cut and is still sorted, if they take
// at most an eighth of its memory, or little.
func (b *batch) setBars() {
	limit := max(footprint(b.shape, int64(b.records), int64(b.limit))/8, minBars)
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
	eachFull(items, c, func(int) { n++ })
	c.bars.reset(n, limit, c.mask[0])
	if !c.bars.set() {
		return
	}
	if c.first > smallFirst {
		c.bars.ends = nil // to move so many would cost more than to sort them later
	}
	eachFull(items, c, func(end int) { c.bars.add(items[end-1][0], keyWord(&items[end-1], 1), end) })
}

// eachFull calls do with the end of each group that has as many items as it may.
func eachFull[T item](items []T, c *cutter, do func(end int)) {
	for i := 0; i < len(items); {
		j := i + 1
		for j < len(items) && (items[j][0]^items[i][0])&c.mask[0] == 0 {
			j++
		}
		if j-i >= c.first {
			do(j)
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
