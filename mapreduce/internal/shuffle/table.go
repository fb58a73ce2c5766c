package shuffle

import (
	"bytes"
	"iter"
	"unsafe"
)

// Table maps byte keys to values for a combiner: open addressing with linear
// probing, where a slot holds the value and all of a short key. So what exceeds the
// caches costs one miss for a record. The zero Table is empty and ready. It is not
// safe for concurrent use.
type Table[V any] struct {
	// Shift is of hashes before their low bits make a place, below 64; it is for before the first key. A table that is
	// filled from others in their order needs another shift than they have: it would fill up around one place, again and
	// again as it grows.
	Shift   uint
	slots   []tableEntry[V]
	n       int
	arena   []byte // keys longer than wordLen; those of longKey and more have their length, a u32, before them
	touched uint64
}

// tableEntry is a key and its value, or zero. The word is that of wordOf. Place is the start of a long key in
// the arena, then in the last byte the code of its length. With a value of 16 bytes an
// entry is half a cache line.
type tableEntry[V any] struct {
	word  [wordLen]byte
	place uint64
	value V
}

// longKey is the length of the shortest key whose code does not tell its length.
const longKey = 0xfe

// codeOf is the length of a key and one, or of longKey and one for any that is not shorter.
func codeOf(key []byte) uint8 { return uint8(min(len(key), longKey) + 1) }

// wordOf is a short key, filled up with zeros, or the hash of a longer one.
func wordOf(hash uint64, key []byte) uint64 {
	n := len(key)
	switch {
	case n == wordLen:
		return le.Uint64(key)
	case n > wordLen:
		return hash
	case n >= 4:
		return uint64(le.Uint32(key)) | uint64(le.Uint32(key[n-4:]))<<(8*(n-4))
	case n > 0:
		return uint64(key[0]) | uint64(key[n/2])<<(8*(n/2)) | uint64(key[n-1])<<(8*(n-1))
	}
	return 0
}

func (e *tableEntry[V]) code() uint8 { return uint8(e.place) }

// Upsert returns the value of key, inserting a zero one if there is none, and
// whether it existed. The pointer is valid until the next insertion or Reset.
func (t *Table[V]) Upsert(key []byte) (value *V, existed bool) {
	return t.UpsertHash(Hash(key), key)
}

// UpsertHash is Upsert for a key whose [Hash] is known.
func (t *Table[V]) UpsertHash(hash uint64, key []byte) (value *V, existed bool) {
	if t.full() {
		t.grow()
	}
	word, code := wordOf(hash, key), codeOf(key)
	mask := uint64(len(t.slots) - 1)
	for i := hash >> (t.Shift & 63) & mask; ; i = (i + 1) & mask {
		e := &t.slots[i]
		if e.code() == 0 {
			t.insert(e, word, key)
			return &e.value, false
		}
		if le.Uint64(e.word[:]) == word && e.code() == code && (len(key) <= wordLen || bytes.Equal(t.key(e), key)) {
			return &e.value, true
		}
	}
}

// Seek loads what [Table.UpsertHash] of keys with these hashes will need. In a table that
// exceeds the caches this is worth it: the loads overlap, where those of one upsert
// after another hardly do. A few hundred hashes at a time serve best.
func (t *Table[V]) Seek(hashes []uint64) {
	if len(t.slots)*int(unsafe.Sizeof(tableEntry[V]{})) < minSeek {
		return
	}
	slots, mask, shift := t.slots, uint64(len(t.slots)-1), t.Shift&63
	sum := uint64(0)
	for _, h := range hashes {
		sum += slots[h>>shift&mask].place
	}
	t.touched = sum // so that the loads are not left out
}

// minSeek is how many bytes make a table larger than a cache.
const minSeek = 512 << 10

// insert makes e the entry of a new key.
func (t *Table[V]) insert(e *tableEntry[V], word uint64, key []byte) {
	t.n++
	le.PutUint64(e.word[:], word)
	if e.place = uint64(codeOf(key)); len(key) <= wordLen {
		return
	}
	if len(key) >= longKey {
		t.arena = le.AppendUint32(t.arena, uint32(len(key)))
	}
	e.place |= uint64(len(t.arena)) << 8
	t.arena = append(t.arena, key...)
}

// full reports whether a key more needs more slots: with more than three quarters of them taken, there are long ways.
func (t *Table[V]) full() bool { return 4*(t.n+1) > 3*len(t.slots) }

// grow doubles the slots.
func (t *Table[V]) grow() {
	old := t.slots
	t.slots = huge(make([]tableEntry[V], max(64, 2*len(old))))
	mask := uint64(len(t.slots) - 1)
	for n := range old {
		e := &old[n]
		if e.code() == 0 {
			continue
		}
		i := t.hash(e) >> (t.Shift & 63) & mask
		for t.slots[i].code() != 0 {
			i = (i + 1) & mask
		}
		t.slots[i] = *e
	}
}

// hash is that of the key of an entry.
func (t *Table[V]) hash(e *tableEntry[V]) uint64 {
	if e.code() > wordLen+1 {
		return le.Uint64(e.word[:])
	}
	return Hash(t.key(e))
}

func (t *Table[V]) key(e *tableEntry[V]) []byte {
	n, start := int(e.code())-1, e.place>>8
	switch {
	case n <= wordLen:
		return e.word[:n:n]
	case n == longKey:
		n = int(le.Uint32(t.arena[start-4:]))
	}
	return t.arena[start:][:n:n]
}

// Len returns the number of keys.
func (t *Table[V]) Len() int { return t.n }

// Bytes returns the memory that the contents need: the bytes of keys of more than 8, and for each key
// two slots of 16 bytes and a value. It depends on the contents only,
// not on how the table grew, so that a flush at a fixed number of bytes comes at
// the same record in every run. What values point to is not counted. Slices that
// grew hold up to a third more, and while they grow twice that.
func (t *Table[V]) Bytes() int64 {
	return int64(len(t.arena)) + int64(t.n)*2*int64(unsafe.Sizeof(tableEntry[V]{}))
}

// Places iterates over the places of all keys, in an order that depends on the keys and on how far the table
// has ever grown. Nothing may be inserted meanwhile.
func (t *Table[V]) Places() iter.Seq[int] {
	return func(yield func(int) bool) {
		for n := range t.slots {
			if t.slots[n].code() != 0 && !yield(n) {
				return
			}
		}
	}
}

// At returns the key at a place and its value, which may be changed. The key must not be changed and is valid until
// the next insertion or Reset.
func (t *Table[V]) At(place int) (key []byte, value *V) {
	e := &t.slots[place]
	return t.key(e), &e.value
}

// Reset empties the table. It keeps its memory but for one that is much too large for what it held: a pass over the slots for
// each of many small tasks, behind a large one, would take longer than they do.
func (t *Table[V]) Reset() {
	if len(t.slots) > keptSlots && 16*t.n < len(t.slots) {
		t.slots = nil
	}
	clear(t.slots)
	t.n, t.arena = 0, t.arena[:0]
}

// keptSlots is how many slots any table may keep.
const keptSlots = 1 << 14
