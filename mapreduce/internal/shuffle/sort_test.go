package shuffle

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// sorted returns records as a batch sorts them.
func sorted(t *testing.T, s shape, records []record) (got []record) {
	t.Helper()
	total := 0
	for _, r := range records {
		total += s.size(len(r.key), len(r.value))
	}
	b := roomyBatch(s, len(records), total)
	for _, r := range records {
		if !b.add([]byte(r.key), []byte(r.value)) {
			t.Fatalf("no room for record %d of %d", b.len(), len(records))
		}
	}
	b.sort()
	for {
		key, value, err := b.next()
		if errors.Is(err, io.EOF) {
			return got
		}
		got = append(got, record{string(key), string(value), 0})
	}
}

// Key distributions that each need another part of the sort.
func TestSortKeys(t *testing.T) {
	const n = 5000
	rng := rand.New(rand.NewPCG(1, 1))
	var stairs [n]string
	for i := range stairs {
		stairs[i] = strings.Repeat("a", rng.IntN(800)*8)
	}
	for name, key := range map[string]func(i int) string{
		"equal":             func(int) string { return "the same key in every record" },
		"empty":             func(int) string { return "" },
		"few":               func(int) string { return fmt.Sprint(rng.IntN(3)) },
		"short":             func(int) string { return fmt.Sprint(rng.IntN(n)) },
		"common prefix":     func(int) string { return fmt.Sprint("https://example.org/photos/", rng.IntN(n)) },
		"two long prefixes": func(int) string { return strings.Repeat(fmt.Sprint(rng.IntN(2)), 100) + fmt.Sprint(rng.IntN(n)) },
		"label, score, id": func(int) string {
			return fmt.Sprintf("label number %02d|%04x|%d", rng.IntN(5), rng.IntN(1<<16), rng.IntN(n))
		},
		"zeros":              func(int) string { return strings.Repeat("\x00", rng.IntN(20)) },
		"few zeros":          func(int) string { return strings.Repeat("\x00", rng.IntN(8)) },
		"zeros behind":       func(int) string { return fmt.Sprint(rng.IntN(9)) + strings.Repeat("\x00", rng.IntN(20)) },
		"zeros within":       func(int) string { return strings.Repeat("\x00", rng.IntN(20)) + fmt.Sprint(rng.IntN(9)) },
		"all bytes":          func(int) string { return string(noise(rng.Uint64N(n), rng.IntN(12))) },
		"prefix of another":  func(int) string { return "abcdefghijklmnopqrstuvwxyz"[:rng.IntN(27)] },
		"stairs":             func(i int) string { return stairs[i] },
		"high bits":          func(int) string { return string(bytes.Repeat([]byte{0xff}, rng.IntN(12))) },
		"ascending":          func(i int) string { return fmt.Sprintf("%09d", i) },
		"descending":         func(i int) string { return fmt.Sprintf("%09d", n-i) },
		"one differs":        func(i int) string { return strings.Repeat("x", 30) + fmt.Sprint(i/(n-1)) },
		"nine bytes, random": func(int) string { return string(noise(rng.Uint64(), 9)) },
	} {
		t.Run(name, func(t *testing.T) {
			for _, size := range []int{0, 1, 2, smallKeys - 1, smallKeys, smallRadix, n} {
				records := make([]record, size)
				for i := range records {
					records[i] = record{key(i), fmt.Sprint(i), 0}
				}
				if got, want := sorted(t, shape{}, records), oracle([][]record{records}, 0); !slices.Equal(got, want) {
					t.Fatalf("%d records are not in order", size)
				}
			}
		})
	}
}

// Fixed widths, in the index (both at most 8) and in the arena.
func TestSortFixed(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	for _, width := range []int{1, 2, 3, 4, 7, 8, 9, 16, 17} {
		for _, value := range []int{0, 1, 5, 8, 9} {
			for _, n := range []int{1, smallRadix - 1, 3000} {
				records := make([]record, n)
				for i := range records {
					key := noise(rng.Uint64N(uint64(n)), width)
					clear(key[:min(width/2, rng.IntN(width+1))])
					records[i] = record{string(key), string(noise(uint64(i), max(value, 1))), 0}
				}
				if got, want := sorted(t, shape{width, value}, records), oracle([][]record{records}, 0); !slices.Equal(got, want) {
					t.Fatalf("widths %d and %d, %d records: not in order", width, value, n)
				}
			}
		}
	}
}

func TestCommonPrefix(t *testing.T) {
	x := noise(1, 40)
	for n := range len(x) {
		y := bytes.Clone(x)
		y[n] ^= 0x10
		if got := commonPrefix(x, y); got != n {
			t.Errorf("differ at %d, common %d", n, got)
		}
		if got := commonPrefix(x[:n], x); got != n {
			t.Errorf("prefix of %d, common %d", n, got)
		}
	}
}

func TestPrefix(t *testing.T) {
	key := noise(3, 12)
	for n := range key {
		var padded [8]byte
		copy(padded[:], key[:n])
		if got, want := prefix(key[:n]), binary.BigEndian.Uint64(padded[:]); got != want {
			t.Errorf("prefix of %d bytes is %#x, want %#x", n, got, want)
		}
	}
}

// A batch takes no more than its budget.
func TestBatchKeepsToBudget(t *testing.T) {
	b := roomyBatch(shape{}, 10, 100)
	if !b.add(make([]byte, 1000), nil) {
		t.Fatal("an empty batch refuses a large record")
	}
	if b.add(nil, nil) {
		t.Error("the arena grows with a second record")
	}
	b.reset()
	if cap(b.arena) != 100+slack {
		t.Errorf("an arena of %d bytes is kept, want 100 and the slack", cap(b.arena))
	}
	n := 0
	for b.add([]byte("k"), nil) {
		n++
	}
	if n != 10 {
		t.Errorf("%d records, want 10", n)
	}
	b.reset()
	for n = 0; b.add(make([]byte, 18), nil); n++ {
		if len(b.arena) > 100 {
			t.Fatal("arena exceeded")
		}
	}
	if n != 5 {
		t.Errorf("%d records of 20 bytes, want 5", n)
	}
}
