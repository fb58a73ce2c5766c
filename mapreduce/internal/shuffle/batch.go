package shuffle

import (
	"encoding/binary"
	"io"
)

// batch holds records in memory: an index that is sorted, and an arena for what
// does not fit the index. A key with a fixed width of at most 16 bytes stands in
// the index alone, and so does a value of at most 8 beside a key of at most 8.
type batch struct {
	shape   shape
	inline  bool // values stand in the index too
	keyed   bool // keys stand in the index
	slim    bool // the index is narrow
	records int  // room in the index
	limit   int  // of the arena
	keep    int  // capacity of the arena but for a record that exceeds it
	arena   []byte
	narrow  []narrow
	wide    []wide
	temp    batchTemp
	cutter  *cutter
	sorted  int // records at the front of the index that are sorted and cut
	pos     int
	ticks   int
	touched byte
	scratch [16]byte
	beat    func()
}

// batchTemp is the second array of the radix sort, as long as the index.
type batchTemp struct {
	narrow []narrow
	wide   []wide
}

// newBatch returns a batch without room for more than one record.
func newBatch(s shape, beat func(), c *cutter) *batch {
	return &batch{shape: s, inline: s.inline(), keyed: s.keyed(), slim: s.narrow(), cutter: c, beat: beat}
}

// resize gives the batch room for that many records with that many framed bytes,
// and keeps its contents.
func (b *batch) resize(records, bytes int64) {
	b.records, b.limit = int(records), int(b.shape.held(records, bytes))
	if b.slim {
		b.temp.narrow = room(b.temp.narrow[:0], b.records)
		b.narrow = room(b.narrow, b.records)
	} else {
		b.temp.wide = room(b.temp.wide[:0], b.records)
		b.wide = room(b.wide, b.records)
	}
	if !b.inline {
		b.arena = room(b.arena, b.limit+slack)
	}
	b.keep = cap(b.arena)
}

// room returns s with a capacity of at least n.
func room[T any](s []T, n int) []T {
	if cap(s) >= n {
		return s
	}
	return append(huge(make([]T, 0, n)), s...)
}

// footprint returns the memory of a batch in bytes.
func footprint(s shape, records, bytes int64) int64 {
	return records*s.itemSize() + s.held(records, bytes)
}

// len returns the number of records.
func (b *batch) len() int { return len(b.narrow) + len(b.wide) }

// full reports whether there is no room for a record that takes n bytes of the
// arena. An empty batch has room for any record.
func (b *batch) full(n int) bool {
	have := b.len()
	return have > 0 && (have >= b.records || len(b.arena) > 0 && n > b.limit-len(b.arena))
}

// add appends a record and reports whether there was room.
func (b *batch) add(key, value []byte) bool {
	if b.full(b.shape.heldSize(len(key), len(value))) {
		return false
	}
	at := uint64(len(b.arena))
	switch {
	case b.inline:
		at = prefix(value)
	case b.keyed:
		b.arena = b.shape.appendValue(b.arena, value)
	default:
		b.arena = b.shape.append(b.arena, key, value)
	}
	switch {
	case b.slim:
		b.narrow = append(b.narrow, narrow{prefix(key), at})
	case b.keyed:
		b.wide = append(b.wide, wide{prefix(key), prefix(key[8:]), at})
	default:
		b.wide = append(b.wide, wide{0, 0, at}) // the sort fills in the words
	}
	return true
}

// reset empties the batch and keeps its memory, but not that of a record which
// exceeded it.
func (b *batch) reset() {
	if cap(b.arena) > b.keep {
		b.arena = make([]byte, 0, b.keep)
	}
	b.arena, b.narrow, b.wide, b.pos = b.arena[:0], b.narrow[:0], b.wide[:0], 0
	b.sorted = 0
}

// tick calls beat once for every beatRecords records.
func (b *batch) tick(records int) {
	if b.ticks += records; b.ticks >= beatRecords {
		b.ticks = 0
		b.beat()
	}
}

// key returns the key of a record that stands in the arena.
func (b *batch) key(ref uint64) []byte {
	key, _, _ := b.shape.split(b.arena[ref:])
	return key
}

// next returns the next record, valid until the following call, or io.EOF.
func (b *batch) next() (key, value []byte, err error) {
	if b.pos == b.len() {
		return nil, nil, io.EOF
	}
	if b.pos%ahead == 0 && !b.inline {
		b.touch()
	}
	b.pos++
	k := b.shape.key
	var ref uint64
	if b.slim {
		it := &b.narrow[b.pos-1]
		binary.BigEndian.PutUint64(b.scratch[:], it[0])
		ref = it[1]
	} else {
		it := &b.wide[b.pos-1]
		ref = it[2]
		if !b.keyed {
			key, value, _ = b.shape.split(b.arena[ref:])
			return key, value, nil
		}
		binary.BigEndian.PutUint64(b.scratch[:], it[0])
		binary.BigEndian.PutUint64(b.scratch[8:], it[1])
	}
	if b.inline {
		v := 8 + b.shape.value
		binary.BigEndian.PutUint64(b.scratch[8:], ref)
		return b.scratch[:k:k], b.scratch[8:v:v], nil
	}
	return b.scratch[:k:k], b.shape.firstValue(b.arena[ref:]), nil
}

// ahead is for how many records the arena is loaded at once.
const ahead = 16

// touch loads what the following records hold in the arena. In order of the keys
// they lie anywhere in it, and so the loads overlap, where those of one call of next
// after the other do not.
func (b *batch) touch() {
	end := min(b.pos+ahead, b.len())
	if b.slim {
		b.touched = touch(b.narrow[b.pos:end], b.arena)
	} else {
		b.touched = touch(b.wide[b.pos:end], b.arena)
	}
}

// touch returns a sum, so that the loads are not left out.
func touch[T item](items []T, arena []byte) (sum byte) {
	for i := range items {
		sum += arena[items[i][len(items[i])-1]]
	}
	return sum
}

// close implements source.
func (b *batch) close() error { return nil }

// Prefix is the first eight bytes of key as a big-endian number, a shorter key filled up with zeros.
func Prefix(key []byte) uint64 { return prefix(key) }

// prefix returns the first eight bytes of key as a big-endian number, a shorter
// key filled up with zeros. Short keys are put together from parts that overlap.
func prefix(key []byte) uint64 {
	n := len(key)
	switch {
	case n >= 8:
		return binary.BigEndian.Uint64(key)
	case n >= 4:
		low := uint64(binary.BigEndian.Uint32(key[n-4:]))
		return uint64(binary.BigEndian.Uint32(key))<<32 | low<<(64-8*n)
	case n > 0:
		mid, end := n/2, n-1
		return uint64(key[0])<<56 | uint64(key[mid])<<(56-8*mid) | uint64(key[end])<<(56-8*end)
	}
	return 0
}
