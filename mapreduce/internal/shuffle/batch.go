package shuffle

import (
	"encoding/binary"
	"io"
)

// itemSize is the memory of an index entry and of its place in the second array
// of the radix sort, in bytes.
const itemSize = 32

// item is the index entry of a record. Prefix is the key, or eight bytes of it,
// as a big-endian number. Ref is the record's offset in the arena, which grows
// in order of loading, or the value itself.
type item struct{ prefix, ref uint64 }

// batch holds records in memory: in an arena, or in the index alone if key and
// value fit a word each.
type batch struct {
	shape   shape
	inline  bool
	limit   int // of the arena
	arena   []byte
	items   []item
	temp    []item
	pos     int
	ticks   int
	scratch [16]byte
	beat    func()
}

// newBatch returns a batch for that many records with that many framed bytes.
func newBatch(s shape, records, bytes int64, beat func()) *batch {
	b := &batch{shape: s, inline: s.inline(), beat: beat}
	b.items, b.temp = make([]item, 0, records), make([]item, records)
	if !b.inline {
		b.limit, b.arena = int(bytes), make([]byte, 0, bytes)
	}
	return b
}

// footprint returns the memory of a batch in bytes.
func footprint(s shape, records, bytes int64) int64 {
	if s.inline() {
		return records * itemSize
	}
	return records*itemSize + bytes
}

// add appends a record and reports whether there was room. An empty batch has
// room for any record.
func (b *batch) add(key, value []byte) bool {
	if len(b.items) > 0 && len(b.items) == cap(b.items) {
		return false
	}
	if b.inline {
		b.items = append(b.items, item{prefix(key), prefix(value)})
		return true
	}
	at := len(b.arena)
	if at > 0 && b.shape.size(len(key), len(value)) > b.limit-at {
		return false
	}
	b.arena = b.shape.append(b.arena, key, value)
	var p uint64
	if w := b.shape.key; w > 0 && w <= 8 {
		p = prefix(key)
	}
	b.items = append(b.items, item{p, uint64(at)})
	return true
}

// reset empties the batch and keeps its memory, but not that of a record which
// exceeded it.
func (b *batch) reset() {
	if cap(b.arena) > b.limit {
		b.arena = make([]byte, 0, b.limit)
	}
	b.arena, b.items, b.pos = b.arena[:0], b.items[:0], 0
}

// tick calls beat once for every beatRecords records.
func (b *batch) tick(records int) {
	if b.ticks += records; b.ticks >= beatRecords {
		b.ticks = 0
		b.beat()
	}
}

// key returns the key of a record in the arena.
func (b *batch) key(ref uint64) []byte {
	key, _, _ := b.shape.split(b.arena[ref:])
	return key
}

// next returns the next record, valid until the following call, or io.EOF.
func (b *batch) next() (key, value []byte, err error) {
	if b.pos == len(b.items) {
		return nil, nil, io.EOF
	}
	it := b.items[b.pos]
	b.pos++
	if b.inline {
		k, v := b.shape.key, 8+b.shape.value
		binary.BigEndian.PutUint64(b.scratch[:], it.prefix)
		binary.BigEndian.PutUint64(b.scratch[8:], it.ref)
		return b.scratch[:k:k], b.scratch[8:v:v], nil
	}
	key, value, _ = b.shape.split(b.arena[it.ref:])
	return key, value, nil
}

// close implements source.
func (b *batch) close() error { return nil }

// prefix returns the first eight bytes of key as a big-endian number, a shorter
// key filled up with zeros.
func prefix(key []byte) uint64 {
	if len(key) >= 8 {
		return binary.BigEndian.Uint64(key)
	}
	var p uint64
	for i, c := range key {
		p |= uint64(c) << (56 - 8*i)
	}
	return p
}
