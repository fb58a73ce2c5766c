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

// tableEntry is a key and its value. The bytes of the key begin in the arena at
// start and end where the next one begins; word is the first eight of them. So a
// short key is compared without the arena and without the entry beside, which may be
// in another cache line. With a value of 16 bytes an entry is half a line.
type tableEntry[V any] struct {
	word  uint64
	place uint64 // start of the key, then in the last byte its length or, of long ones, longKey
	value V
}

// longKey stands for the length of any key that is not shorter.
const longKey = 0xff

func (e *tableEntry[V]) start() int { return int(e.place >> 8) }

// has reports whether the length is that of a key of n bytes, as far as the entry tells.
func (e *tableEntry[V]) has(n int) bool { return uint8(e.place) == uint8(min(n, longKey)) }

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
	e := &t.entries[n]
	switch {
	case e.word != prefix(key) || !e.has(len(key)):
		return false
	case len(key) <= 8:
		return true
	case len(key) < longKey:
		at := e.start()
		return string(t.arena[at+8:at+len(key)]) == string(key[8:])
	}
	return bytes.Equal(t.key(n), key)
}

// Seek finds where keys with these hashes are, and loads what [Table.UpsertAt] will
// need. In a table that exceeds the caches this is worth it: the loads overlap, where
// those of one upsert wait for each other. A few hundred hashes at a time serve best.
// The places replace what is in at, and stay valid until Reset.
func (t *Table[V]) Seek(hashes []uint64, at []uint32) []uint32 {
	if len(t.entries) < minSeek {
		return append(at[:0], make([]uint32, len(hashes))...) // UpsertAt finds them as fast
	}
	return t.seek(hashes, at[:0])
}

func (t *Table[V]) seek(hashes []uint64, at []uint32) []uint32 {
	slots, mask := t.slots, uint64(len(t.slots)-1)
	sum := uint64(0)
	for _, h := range hashes {
		sum += slots[h>>32&mask]
	}
	for _, h := range hashes {
		i := h >> 32 & mask
		for slots[i] != 0 && slots[i]>>32 != h>>32 {
			i = (i + 1) & mask
		}
		at = append(at, uint32(slots[i]))
	}
	for _, n := range at {
		if n > 0 {
			sum += t.entries[n-1].word
		}
	}
	t.touched = sum // so that the loads are not left out
	return at
}

// UpsertAt is [Table.UpsertHash] with the place that [Table.Seek] found.
func (t *Table[V]) UpsertAt(at uint32, hash uint64, key []byte) (value *V, existed bool) {
	if at > 0 && t.is(int(at-1), key) {
		return &t.entries[at-1].value, true
	}
	return t.UpsertHash(hash, key)
}

// minSeek is how many keys make a table larger than a cache.
const minSeek = 16 << 10

// insert adds a key that belongs in slot i.
func (t *Table[V]) insert(i, hash uint64, key []byte) *V {
	n := len(t.entries)
	e := tableEntry[V]{word: prefix(key), place: uint64(len(t.arena))<<8 | uint64(min(len(key), longKey))}
	t.arena = append(t.arena, key...)
	if n == cap(t.entries) {
		t.entries = append(huge(make([]tableEntry[V], 0, max(2*n, 32))), t.entries...)
	}
	t.entries = append(t.entries, e)
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

func (t *Table[V]) key(n int) []byte {
	end := len(t.arena)
	if n+1 < len(t.entries) {
		end = t.entries[n+1].start()
	}
	return t.arena[t.entries[n].start():end:end]
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
