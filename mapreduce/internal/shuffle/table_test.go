package shuffle

import (
	"bytes"
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// A Table does what a map and a list of keys do.
func TestTableIsAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var table Table[int]
		model, order := map[string]int{}, []string(nil)
		keys := rapid.SliceOfN(tableKeys(), 0, 500).Draw(t, "keys")
		resetAt := rapid.IntRange(0, 600).Draw(t, "reset at")
		weak := rapid.Bool().Draw(t, "weak hash")
		hashOf := func(key []byte) uint64 {
			if weak {
				return Hash(key) & (3 << 32) // nearly all collide
			}
			return Hash(key)
		}
		seek := rapid.IntRange(1, 9).Draw(t, "seek")
		var places []uint32 // of the next keys
		for i, key := range keys {
			if i == resetAt {
				table.Reset()
				clear(model)
				order, places = nil, nil
			}
			hash := hashOf(key)
			v, existed := upsertSought(&table, &places, hash, keys[i:min(i+seek, len(keys))], hashOf)
			if _, want := model[string(key)]; existed != want {
				t.Fatalf("key %x: existed %v, want %v", key, existed, want)
			}
			if !existed {
				if *v != 0 {
					t.Fatalf("new key %x has value %d", key, *v)
				}
				order = append(order, string(key))
			}
			*v += i + 1
			model[string(key)] += i + 1
		}
		checkTable(t, &table, model, order)
	})
}

// tableKeys are short keys, and long ones that differ in length or behind what an entry holds.
func tableKeys() *rapid.Generator[[]byte] {
	return rapid.OneOf(rapid.SliceOfN(rapid.Byte(), 0, 3), rapid.Custom(func(t *rapid.T) []byte {
		n := rapid.SampledFrom([]int{7, 8, 9, 254, 255, 256, 511, 512}).Draw(t, "length")
		key := make([]byte, n)
		key[rapid.SampledFrom([]int{0, 6, n - 1}).Draw(t, "place")] = rapid.ByteRange(0, 1).Draw(t, "byte")
		return key
	}))
}

// upsertSought upserts the first of the keys at the place that is known, after it has sought the places of all where none is.
func upsertSought(table *Table[int], places *[]uint32, hash uint64, keys [][]byte, hashOf func([]byte) uint64) (*int, bool) {
	if table.Len() == 0 {
		return table.UpsertHash(hash, keys[0])
	}
	if len(*places) == 0 {
		var hashes []uint64
		for _, key := range keys {
			hashes = append(hashes, hashOf(key))
		}
		*places = table.seek(hashes, nil)
	}
	at := (*places)[0]
	*places = (*places)[1:]
	return table.UpsertAt(at, hash, keys[0])
}

func checkTable(t *rapid.T, table *Table[int], model map[string]int, order []string) {
	if table.Len() != len(order) {
		t.Fatalf("Len = %d, want %d", table.Len(), len(order))
	}
	n := 0
	for key, v := range table.All() {
		if string(key) != order[n] || *v != model[order[n]] {
			t.Fatalf("key %d is %x with %d, want %x with %d", n, key, *v, order[n], model[order[n]])
		}
		again, w := table.At(n)
		if !bytes.Equal(again, key) || w != v {
			t.Fatalf("At(%d) differs from All", n)
		}
		n++
	}
	if n != len(order) {
		t.Fatalf("All yields %d keys of %d", n, len(order))
	}
}

func TestTableAt(t *testing.T) {
	var table Table[struct{}]
	table.Upsert([]byte("a"))
	table.Upsert([]byte("bc"))
	for n, want := range []string{"a", "bc"} {
		if key, _ := table.At(n); string(key) != want {
			t.Errorf("At(%d) is %q", n, key)
		}
	}
	for key := range table.All() {
		if string(key) != "a" {
			t.Errorf("iteration goes on after break, to %s", key)
		}
		break
	}
}

// Bytes depends on the contents only, else the point of a flush, and so the
// output, would depend on history.
func TestTableBytesForgets(t *testing.T) {
	var fresh, used Table[[2]uint64]
	for i := range 10_000 {
		used.Upsert(fmt.Appendf(nil, "some other key %d", i))
	}
	used.Reset()
	if used.Len() != 0 || used.Bytes() != 0 {
		t.Fatalf("after Reset: %d keys, %d bytes", used.Len(), used.Bytes())
	}
	for i := range 1000 {
		key := fmt.Append(nil, i)
		fresh.Upsert(key)
		used.Upsert(key)
		used.Upsert(key)
		if fresh.Bytes() != used.Bytes() {
			t.Fatalf("key %d: %d and %d bytes", i, fresh.Bytes(), used.Bytes())
		}
	}
	if want := int64(10 + 90*2 + 900*3 + 1000*(16+16+32)); fresh.Bytes() != want {
		t.Errorf("%d bytes, want %d", fresh.Bytes(), want)
	}
	if got := 8 * len(fresh.slots); int64(got) > 1000*32 {
		t.Errorf("slots take %d bytes, more than Bytes counts", got)
	}
}

// Reset drops what values point to.
func TestTableResetClearsValues(t *testing.T) {
	var table Table[*int]
	v, _ := table.Upsert([]byte("k"))
	*v = new(int)
	table.Reset()
	if v, existed := table.Upsert([]byte("k")); existed || *v != nil {
		t.Errorf("existed %v, value %v", existed, *v)
	}
}

func TestTableDoesNotAllocate(t *testing.T) {
	words := zipfWords(10_000)
	var table Table[uint64]
	count := func() {
		for _, w := range words {
			v, _ := table.Upsert(w)
			*v++
		}
	}
	count()
	if n := testing.AllocsPerRun(10, count); n != 0 {
		t.Errorf("%v allocations for known keys", n)
	}
	table.Reset()
	count()
	if n := testing.AllocsPerRun(10, func() { table.Reset(); count() }); n != 0 {
		t.Errorf("%v allocations after Reset", n)
	}
}

// Seek changes nothing, finds what is there, and nothing in a small table.
func TestTableSeek(t *testing.T) {
	var table Table[int]
	var hashes []uint64
	for i := range 2 * minSeek {
		key := fmt.Append(nil, i)
		hashes = append(hashes, Hash(key))
		*upserted(table.Upsert(key)) = i
	}
	if got := table.Seek(nil, []uint32{1}); len(got) > 0 {
		t.Errorf("places %v of nothing", got)
	}
	places := table.Seek(append(hashes, 0, 1, ^uint64(0)), make([]uint32, 3))
	if want := len(hashes) + 3; len(places) != want {
		t.Fatalf("%d places, want %d", len(places), want)
	}
	for i, at := range places[:len(hashes)] {
		if at != uint32(i+1) {
			t.Fatalf("key %d is at place %d", i, at)
		}
	}
	var small Table[int]
	*upserted(small.Upsert([]byte("a"))) = 7
	if got := small.Seek([]uint64{Hash([]byte("a")), 1}, nil); len(got) != 2 || got[0] != 0 || got[1] != 0 {
		t.Errorf("places %v in a small table", got)
	}
	for i, hash := range hashes {
		if v, existed := table.UpsertHash(hash, fmt.Append(nil, i)); !existed || *v != i {
			t.Fatalf("key %d has value %d, existed %v", i, *v, existed)
		}
	}
	if table.Len() != len(hashes) {
		t.Errorf("%d keys, want %d", table.Len(), len(hashes))
	}
}

func upserted(v *int, _ bool) *int { return v }
