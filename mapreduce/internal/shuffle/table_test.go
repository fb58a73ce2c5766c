package shuffle

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// A Table does what a map does, whatever its shift, and whether keys are sought or not.
func TestTableIsAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// High bits of the hashes leave few places, so that ways are long and go around the end.
		table := Table[int]{Shift: rapid.SampledFrom([]uint{0, 32, 62, 63}).Draw(t, "shift")}
		model := map[string]int{}
		n := rapid.IntRange(0, 500).Draw(t, "n")
		keys := rapid.SliceOfN(tableKeys(), n, n).Draw(t, "keys")
		resetAt := rapid.IntRange(0, 600).Draw(t, "reset at")
		for i, key := range keys {
			if i == resetAt {
				table.Reset()
				clear(model)
			}
			v, existed := table.Upsert(key)
			if _, want := model[string(key)]; existed != want {
				t.Fatalf("key %x: existed %v, want %v", key, existed, want)
			}
			if !existed && *v != 0 {
				t.Fatalf("new key %x has value %d", key, *v)
			}
			*v += i + 1
			model[string(key)] += i + 1
		}
		checkTable(t, &table, model)
	})
}

// tableKeys are short keys, and long ones that differ in length or behind what an entry holds.
func tableKeys() *rapid.Generator[[]byte] {
	return rapid.OneOf(rapid.SliceOfN(rapid.Byte(), 0, 3), rapid.Custom(func(t *rapid.T) []byte {
		n := rapid.SampledFrom([]int{4, 5, 7, 8, 9, 253, 254, 255, 256, 511, 512}).Draw(t, "length")
		key := make([]byte, n)
		key[rapid.SampledFrom([]int{0, n / 2, min(6, n-1), n - 1}).Draw(t, "place")] = rapid.ByteRange(0, 1).Draw(t, "byte")
		return key
	}))
}

// checkTable checks that a table has what the model has.
func checkTable(tb rapid.TB, table *Table[int], model map[string]int) {
	if table.Len() != len(model) {
		tb.Fatalf("Len = %d, want %d", table.Len(), len(model))
	}
	seen := map[string]bool{}
	for n := range table.Places() {
		key, v := table.At(n)
		if want, ok := model[string(key)]; !ok || *v != want || seen[string(key)] {
			tb.Fatalf("key %x with %d, want %d; in the model %v, seen before %v", key, *v, want, ok, seen[string(key)])
		}
		seen[string(key)] = true
	}
	if len(seen) != len(model) {
		tb.Fatalf("%d places of %d keys", len(seen), len(model))
	}
}

// A key that is longer than what an entry holds is told apart from others with the same hash.
func TestTableSameHash(t *testing.T) {
	var table Table[int]
	keys := []string{"a longer key", "another one.", "one that is longer", strings.Repeat("x", longKey), strings.Repeat("y", longKey)}
	for n, key := range keys {
		if v, existed := table.UpsertHash(7, []byte(key)); existed {
			t.Errorf("%q was there, with %d", key, *v)
		} else {
			*v = n
		}
	}
	for n, key := range keys {
		if v, existed := table.UpsertHash(7, []byte(key)); !existed || *v != n {
			t.Errorf("%q: existed %v, value %d, want %d", key, existed, *v, n)
		}
	}
}

func TestTablePlaces(t *testing.T) {
	var table Table[struct{}]
	for range table.Places() {
		t.Error("a place in an empty table")
	}
	table.Upsert([]byte("a"))
	table.Upsert([]byte("bc"))
	var got []string
	for n := range table.Places() {
		key, _ := table.At(n)
		got = append(got, string(key))
	}
	if slices.Sort(got); !slices.Equal(got, []string{"a", "bc"}) {
		t.Errorf("keys %q", got)
	}
	n := 0
	for range table.Places() {
		n++
		break
	}
	if n != 1 {
		t.Errorf("iteration goes on after break: %d places", n)
	}
}

// A table that is filled from another in the order of its places has no long ways while it grows, if their shifts differ.
func TestTableFromTable(t *testing.T) {
	const keys = 150_000
	var from Table[int]
	other, same := Table[int]{Shift: 32}, Table[int]{}
	var key [8]byte
	for i := range keys {
		le.PutUint64(key[:], uint64(i))
		from.Upsert(key[:])
	}
	longest := func(to *Table[int]) (longest int) {
		for n := range from.Places() {
			key, _ := from.At(n)
			if to.full() {
				longest = max(longest, longestWay(to))
			}
			to.Upsert(key)
		}
		return longest
	}
	if l := longest(&other); l > 500 {
		t.Errorf("a way of %d slots", l)
	}
	if l := longest(&same); l < 1000 {
		t.Errorf("with the same shift, the longest way is %d: this test does not test anything", l)
	}
}

// longestWay is how many slots in a row are taken at most.
func longestWay(t *Table[int]) (longest int) {
	way := 0
	for i := range t.slots {
		if way++; t.slots[i].code() == 0 {
			way = 0
		}
		longest = max(longest, way)
	}
	return longest
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
		key := fmt.Appendf(nil, "key %06d", i) // 10 bytes
		fresh.Upsert(key)
		used.Upsert(key)
		used.Upsert(fmt.Append(nil, i))
		fresh.Upsert(fmt.Append(nil, i))
		if fresh.Bytes() != used.Bytes() {
			t.Fatalf("key %d: %d and %d bytes", i, fresh.Bytes(), used.Bytes())
		}
	}
	if want := int64(1000*10 + 2000*2*(16+16)); fresh.Bytes() != want {
		t.Errorf("%d bytes, want %d", fresh.Bytes(), want)
	}
	if got := 32 * len(fresh.slots); int64(got) > 2000*2*32*4/3 {
		t.Errorf("slots take %d bytes, more than Bytes tells", got)
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

// A table that once was large is small again behind few keys, and has them all.
func TestTableResetShrinks(t *testing.T) {
	var table Table[uint64]
	fill := func(n uint64) {
		for i := range n {
			v, _ := table.Upsert(le.AppendUint64(nil, i))
			*v = i
		}
	}
	fill(8 * keptSlots)
	large := len(table.slots)
	table.Reset()
	if len(table.slots) != large {
		t.Errorf("%d slots of %d are kept for as many keys", len(table.slots), large)
	}
	fill(5)
	table.Reset()
	fill(1000)
	if len(table.slots) > 4*1000 || table.Len() != 1000 {
		t.Errorf("%d slots for %d keys", len(table.slots), table.Len())
	}
	for n := range table.Places() {
		if key, v := table.At(n); le.Uint64(key) != *v {
			t.Fatalf("key %d has %d", le.Uint64(key), *v)
		}
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

// Seek changes nothing, whether the table exceeds the caches or not.
func TestTableSeek(t *testing.T) {
	for _, keys := range []int{0, 1, minSeek / 24} {
		var table Table[int]
		model := map[string]int{}
		var hashes []uint64
		table.Seek([]uint64{0, ^uint64(0)})
		for i := range keys {
			key := fmt.Append(nil, i)
			hashes = append(hashes, Hash(key))
			v, _ := table.Upsert(key)
			*v, model[string(key)] = i, i
		}
		table.Seek(append(hashes, 0, 1, ^uint64(0)))
		table.Seek(nil)
		checkTable(t, &table, model)
	}
}
