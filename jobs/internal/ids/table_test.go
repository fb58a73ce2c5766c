package ids

import (
	"bytes"
	"math"
	"slices"
	"strconv"
	"testing"

	"github.com/zeebo/xxh3"
)

// numbers returns entries of numbers in the order of their bytes.
func numbers(v ...int64) []Entry {
	var all []Entry
	for _, v := range v {
		all = append(all, entry(strconv.FormatInt(v, 10)))
	}
	slices.SortFunc(all, func(a, b Entry) int { return bytes.Compare(a.ID, b.ID) })
	return all
}

// TestKindOfTable: a table is direct where it is not larger than a hashed one.
func TestKindOfTable(t *testing.T) {
	for _, tt := range []struct {
		name   string
		ids    []int64
		direct int // numbers; 0: hashed
	}{
		{"none", nil, 0},
		{"one", []int64{-5}, 1},
		{"close", []int64{-1, 0, 5}, 7},
		{"just close", []int64{10, 21}, 12},
		{"just not", []int64{10, 22}, 0},
		{"both ends", []int64{math.MinInt64, math.MaxInt64}, 0},
		{"lower end", []int64{math.MinInt64, math.MinInt64 + 3}, 4},
		{"upper end", []int64{math.MaxInt64 - 3, math.MaxInt64}, 4},
	} {
		all := numbers(tt.ids...)
		d := dictionary(t, Options{}, all...)
		if len(d.table.direct) != tt.direct || tt.direct > 0 && len(d.table.slots) > 0 {
			t.Errorf("%s: a direct table of %d numbers, want %d", tt.name, len(d.table.direct), tt.direct)
		}
		sorted, _ := inOrder(all, Auto)
		checkIDs(t, d, sorted, true)
		for _, v := range []int64{math.MinInt64, math.MinInt64 + 1, -2, 9, 23, math.MaxInt64 - 1, math.MaxInt64} {
			absent(t, d, all, strconv.AppendInt(nil, v, 10))
		}
	}
}

// TestManyIDs has tables in which lines run over, each kind with ids that are not there.
func TestManyIDs(t *testing.T) {
	for _, k := range benchIDs {
		ids := sortedIDs(20_000, k.id)
		var all, there []Entry
		for i, id := range ids {
			all = append(all, Entry{ID: id})
			if i%2 == 0 {
				there = append(there, Entry{ID: id, Rows: int64(i), Newest: int64(-i)})
			}
		}
		d := dictionary(t, Options{}, there...)
		sorted, numeric := inOrder(there, Auto)
		for i, e := range sorted {
			if got, ok := d.Find(e.ID); !ok || got != uint32(i) || d.Rows(i) != e.Rows || string(d.Text(i)) != string(e.ID) {
				t.Fatalf("%s: %s has index %d, %v, and %d rows, want %d and %d", k.name, e.ID, got, ok, d.Rows(i), i, e.Rows)
			}
		}
		for i := 1; i < len(all); i += 2 {
			if got, ok := d.Find(all[i].ID); ok {
				t.Fatalf("%s: %s is found at %d, and is not there", k.name, all[i].ID, got)
			}
		}
		if k.name != "dense" {
			checkTable(t, k.name, d, numeric)
		}
		if n := testing.AllocsPerRun(100, func() { d.Find(ids[4]) }); n != 0 {
			t.Errorf("%s: %v allocations to find an id", k.name, n)
		}
	}
}

// checkTable compares a hashed table with the package comment.
func checkTable(t *testing.T, name string, d *IDs, numeric bool) {
	lines, n, over := int(d.table.lines), 0, 0
	if lines != (3*d.Len()+7)/8 {
		t.Errorf("%s: %d lines for %d ids", name, lines, d.Len())
	}
	last := uint64(0)
	for s := 0; s < len(d.table.slots); s += 2 {
		key, value := d.table.slots[s], d.table.slots[s+1]
		if value == 0 {
			if key != 0 {
				t.Fatalf("%s: slot %d is free and has a key", name, s/2)
			}
			continue
		}
		hash := hashInt(int64(key))
		if !numeric {
			hash = xxh3.Hash(at(d.text, key))
			if uint32(value>>32) != uint32(hash) {
				t.Fatalf("%s: slot %d has another hash than its text", name, s/2)
			}
		}
		if hash < last {
			t.Fatalf("%s: slot %d is not in the order of hashes", name, s/2)
		}
		if at := line(hash, d.table.lines); at > uint64(s) {
			t.Fatalf("%s: slot %d is before its line", name, s/2)
		} else if at+lineWords <= uint64(s) {
			over++
		}
		last = hash
		n++
	}
	if n != d.Len() || over == 0 || over > n/5 {
		t.Errorf("%s: %d slots for %d ids, of which %d are not in their line", name, n, d.Len(), over)
	}
}

// TestSameTag has an id in whose slot are the hash of another one, which is behind it.
func TestSameTag(t *testing.T) {
	hash := xxh3.HashString("right")
	slots := make([]uint64, 2*lineWords)
	for i := range 5 { // a full line, and one slot of the next
		slots[2*i], slots[2*i+1] = 5, hash<<32|uint64(i)+1
	}
	slots[8] = 5<<lengthBits | 5
	tab := table{text: []byte("wrongright"), slots: slots, lines: 1}
	if i, ok := tab.find([]byte("right")); !ok || i != 4 {
		t.Errorf("got %d, %v", i, ok)
	}
	slots[8] = 5
	if i, ok := tab.find([]byte("right")); ok {
		t.Errorf("got %d", i)
	}
	for i := range slots {
		slots[i] |= 1 << 40 // no slot is free: the table ends
	}
	if i, ok := tab.find([]byte("none")); ok {
		t.Errorf("got %d", i)
	}
}

// TestFullIntTable: a table without a free slot ends.
func TestFullIntTable(t *testing.T) {
	slots := make([]uint64, 2*lineWords)
	for i := 0; i < len(slots); i += 2 {
		slots[i], slots[i+1] = uint64(i), uint64(i)+1
	}
	tab := table{numeric: true, slots: slots, lines: 1}
	for v := range int64(20) {
		i, ok := tab.find(strconv.AppendInt(nil, v, 10))
		if want := v < 16 && v%2 == 0; ok != want || ok && int64(i) != v {
			t.Errorf("%d: got %d, %v", v, i, ok)
		}
	}
}

// TestHashInt pins the hash of the format, and that zero, whose key looks like a free slot, is found.
func TestHashInt(t *testing.T) {
	for v, want := range map[int64]uint64{0: 0, 1: hashByWords(1), -1: hashByWords(-1), 1 << 40: hashByWords(1 << 40)} {
		if got := hashInt(v); got != want {
			t.Errorf("the hash of %d is %#x, want %#x", v, got, want)
		}
	}
	d := dictionary(t, Options{}, numbers(0, 1000)...)
	if i, ok := d.Find([]byte("0")); !ok || i != 0 {
		t.Errorf("got %d, %v", i, ok)
	}
	d = dictionary(t, Options{}, numbers(5, 1000)...)
	if i, ok := d.Find([]byte("0")); ok {
		t.Errorf("got %d", i)
	}
}

// hashByWords computes the hash with 32-bit factors.
func hashByWords(v int64) uint64 {
	x := uint64(v)
	x ^= x >> 32
	x = x*0x7F4A7C15 + x*0x9E3779B9<<32
	x ^= x >> 29
	return x*0x1CE4E5B9 + x*0xBF58476D<<32
}
