package shuffle

import (
	"bytes"
	"iter"
	"unsafe"
)

// Table maps byte keys to values for a combiner: open addressing with linear
// probing, keys in one arena, iteration in order of insertion. The zero Table is
// empty and ready. It holds at most 2^32-2 keys and is not safe for concurrent
// use.
type Table[V any] struct {
	slots   []uint64 // high word of the hash, which is the place too, then number of the key plus 1
	entries []tableEntry[V]
	arena   []byte // keys
	touched uint64
}

// tableEntry is a key and its value. The bytes of the key end in the arena at end
// and begin at the end of the key before; word is the first eight of them, so a
// short key is compared without the arena. With a value of 16 bytes an entry is
// half a cache line.
type tableEntry[V any] struct {
	word  uint64
	end   int
	value V
}

// Upsert returns the value of key, inserting a zero one if there is none, and
// whether it existed. The pointer is valid until the next insertion or Reset.
func (t *Table[V]) Upsert(key []byte) (value *V, existed bool) {
	return t.UpsertHash(Hash(key), key)
}

// UpsertHash is Upsert for a key whose [Hash] is known.
func (t *Table[V]) UpsertHash(hash uint64, key []byte) (value *V, existed bool) {
	if len(t.slots) == 0 {
		t.rehash(64)
	}
	mask := uint64(len(t.slots) - 1)
	for i := hash >> 32 & mask; ; i = (i + 1) & mask {
		slot := t.slots[i]
		if slot == 0 {
			return t.insert(i, hash, key), false
		}
		if slot>>32 == hash>>32 {
			if n := int(uint32(slot)) - 1; t.is(n, key) {
				return &t.entries[n].value, true
			}
		}
	}
}

// is reports whether key number n is key.
func (t *Table[V]) is(n int, key []byte) bool {
	e, start := &t.entries[n], t.start(n)
	return e.end-start == len(key) && e.word == prefix(key) &&
		(len(key) <= 8 || bytes.Equal(t.arena[start+8:e.end], key[8:]))
}

// Touch loads what [Table.UpsertHash] will need for these hashes. In a table that
// exceeds the caches this is worth it: the loads overlap, where those of one upsert
// wait for each other. A few hundred hashes at a time serve best.
func (t *Table[V]) Touch(hashes []uint64) {
	if len(t.entries) < minTouch {
		return
	}
	mask := uint64(len(t.slots) - 1)
	sum := uint64(0)
	for _, h := range hashes {
		sum += t.slots[h>>32&mask]
	}
	for _, h := range hashes {
		if n := uint32(t.slots[h>>32&mask]); n > 0 {
			sum += t.entries[n-1].word
		}
	}
	t.touched = sum // so that the loads are not left out
}

// minTouch is how many keys make a table larger than a cache.
const minTouch = 16 << 10

// insert adds a key that belongs in slot i.
func (t *Table[V]) insert(i, hash uint64, key []byte) *V {
	n := len(t.entries)
	t.arena = append(t.arena, key...)
	if n == cap(t.entries) {
		t.entries = append(huge(make([]tableEntry[V], 0, max(2*n, 32))), t.entries...)
	}
	t.entries = append(t.entries, tableEntry[V]{word: prefix(key), end: len(t.arena)})
	t.slots[i] = hash>>32<<32 | uint64(n+1)
	if 2*(n+1) > len(t.slots) {
		t.rehash(2 * len(t.slots))
	}
	return &t.entries[n].value
}

// rehash gives the table n slots, a power of two and more than there were.
func (t *Table[V]) rehash(n int) {
	old := t.slots
	t.slots = huge(make([]uint64, n))
	mask := uint64(n - 1)
	for _, slot := range old {
		if slot == 0 {
			continue
		}
		i := slot >> 32 & mask
		for t.slots[i] != 0 {
			i = (i + 1) & mask
		}
		t.slots[i] = slot
	}
}

// start returns where key number n begins in the arena.
func (t *Table[V]) start(n int) int {
	if n == 0 {
		return 0
	}
	return t.entries[n-1].end
}

func (t *Table[V]) key(n int) []byte {
	end := t.entries[n].end
	return t.arena[t.start(n):end:end]
}

// Len returns the number of keys.
func (t *Table[V]) Len() int { return len(t.entries) }

// Bytes returns the memory that the contents need: key bytes, and for each key
// its value, 16 bytes and up to four slots of 8. It depends on the contents only,
// not on how the table grew, so that a flush at a fixed number of bytes comes at
// the same record in every run. What values point to is not counted. Slices that
// grew may hold up to twice that.
func (t *Table[V]) Bytes() int64 {
	each := unsafe.Sizeof(tableEntry[V]{}) + 4*unsafe.Sizeof(uint64(0))
	return int64(len(t.arena)) + int64(len(t.entries))*int64(each)
}

// At returns key number n in order of insertion, from 0 to Len()-1, and its
// value. The key must not be changed and is valid until Reset.
func (t *Table[V]) At(n int) (key []byte, value *V) { return t.key(n), &t.entries[n].value }

// All iterates over keys and values in order of insertion. Values may be changed,
// keys not; nothing may be inserted meanwhile.
func (t *Table[V]) All() iter.Seq2[[]byte, *V] {
	return func(yield func([]byte, *V) bool) {
		for n := range t.entries {
			if !yield(t.key(n), &t.entries[n].value) {
				return
			}
		}
	}
}

// Reset empties the table and keeps its memory.
func (t *Table[V]) Reset() {
	clear(t.slots)
	clear(t.entries)
	t.arena, t.entries = t.arena[:0], t.entries[:0]
}
