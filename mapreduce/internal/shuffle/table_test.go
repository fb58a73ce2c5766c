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
		keys := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 3), 0, 500).Draw(t, "keys")
		resetAt := rapid.IntRange(0, 600).Draw(t, "reset at")
		weak := rapid.Bool().Draw(t, "weak hash")
		for i, key := range keys {
			if i == resetAt {
				table.Reset()
				clear(model)
				order = nil
			}
			hash := Hash(key)
			if weak {
				hash &= 3 << 32 // nearly all collide
			}
			table.Touch([]uint64{hash, hash + 1})
			v, existed := table.UpsertHash(hash, key)
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

// Touch changes nothing, also where it does something.
func TestTableTouch(t *testing.T) {
	var table Table[int]
	var hashes []uint64
	for i := range 2 * minTouch {
		key := fmt.Append(nil, i)
		hashes = append(hashes, Hash(key))
		*upserted(table.Upsert(key)) = i
	}
	table.Touch(nil)
	table.Touch(append(hashes, 0, 1, ^uint64(0)))
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
