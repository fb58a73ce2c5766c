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
	slots  []uint64 // high word of the hash, then number of the key plus 1
	keys   []tableKey
	arena  []byte
	values []V
}

// tableKey is a key's hash and the end of its bytes in the arena; they begin at
// the end of the key before.
type tableKey struct {
	hash uint64
	end  int
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
	for i := hash & mask; ; i = (i + 1) & mask {
		slot := t.slots[i]
		if slot == 0 {
			return t.insert(i, hash, key), false
		}
		if slot>>32 == hash>>32 {
			if n := int(uint32(slot)) - 1; bytes.Equal(t.key(n), key) {
				return &t.values[n], true
			}
		}
	}
}

// insert adds a key that belongs in slot i.
func (t *Table[V]) insert(i, hash uint64, key []byte) *V {
	n := len(t.values)
	t.arena = append(t.arena, key...)
	t.keys = append(t.keys, tableKey{hash, len(t.arena)})
	var zero V
	t.values = append(t.values, zero)
	t.slots[i] = hash>>32<<32 | uint64(n+1)
	if 2*(n+1) > len(t.slots) {
		t.rehash(2 * len(t.slots))
	}
	return &t.values[n]
}

// rehash gives the table n slots, a power of two.
func (t *Table[V]) rehash(n int) {
	t.slots = make([]uint64, n)
	mask := uint64(n - 1)
	for number, k := range t.keys {
		i := k.hash & mask
		for t.slots[i] != 0 {
			i = (i + 1) & mask
		}
		t.slots[i] = k.hash>>32<<32 | uint64(number+1)
	}
}

func (t *Table[V]) key(n int) []byte {
	start := 0
	if n > 0 {
		start = t.keys[n-1].end
	}
	end := t.keys[n].end
	return t.arena[start:end:end]
}

// Len returns the number of keys.
func (t *Table[V]) Len() int { return len(t.values) }

// Bytes returns the memory that the contents need: key bytes, and for each key
// its value, 16 bytes and up to four slots of 8. It depends on the contents only,
// not on how the table grew, so that a flush at a fixed number of bytes comes at
// the same record in every run. What values point to is not counted. Slices that
// grew may hold up to twice that.
func (t *Table[V]) Bytes() int64 {
	var v V
	each := unsafe.Sizeof(v) + unsafe.Sizeof(tableKey{}) + 4*unsafe.Sizeof(uint64(0))
	return int64(len(t.arena)) + int64(len(t.values))*int64(each)
}

// At returns key number n in order of insertion, from 0 to Len()-1, its [Hash]
// and its value. The key must not be changed and is valid until Reset.
func (t *Table[V]) At(n int) (hash uint64, key []byte, value *V) {
	return t.keys[n].hash, t.key(n), &t.values[n]
}

// All iterates over keys and values in order of insertion. Values may be changed,
// keys not; nothing may be inserted meanwhile.
func (t *Table[V]) All() iter.Seq2[[]byte, *V] {
	return func(yield func([]byte, *V) bool) {
		for n := range t.values {
			if !yield(t.key(n), &t.values[n]) {
				return
			}
		}
	}
}

// Reset empties the table and keeps its memory.
func (t *Table[V]) Reset() {
	clear(t.slots)
	clear(t.values)
	t.arena, t.keys, t.values = t.arena[:0], t.keys[:0], t.values[:0]
}
