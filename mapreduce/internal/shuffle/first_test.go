package shuffle

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// scoredMaps returns n records of maps: 8 bytes of a group, 8 of an order and a
// value. A fifth of all are of one group.
func scoredMaps(n, maps, groups int, order func(i int, rng *rand.Rand) uint64) [][]record {
	rng := rand.New(rand.NewPCG(11, uint64(n)))
	out := make([][]record, maps)
	for i := range n {
		g := uint64(3)
		if i%5 > 0 {
			g = rng.Uint64N(uint64(groups))
		}
		key := binary.BigEndian.AppendUint64(nil, g)
		key = binary.BigEndian.AppendUint64(key, order(i, rng))
		m := i * maps / n
		out[m] = append(out[m], record{string(key), fmt.Sprint("v", i), 0})
	}
	return out
}

func eight([]byte) int { return 8 }

// The first of each group come out for every budget, one group having a fifth of all
// records, whatever the order in which they arrive.
func TestInputFirst(t *testing.T) {
	const n = 8000
	for name, order := range map[string]func(i int, rng *rand.Rand) uint64{
		"random":     func(_ int, rng *rand.Rand) uint64 { return rng.Uint64() },
		"ascending":  func(i int, _ *rand.Rand) uint64 { return uint64(i) },
		"descending": func(i int, _ *rand.Rand) uint64 { return ^uint64(i) },
		"equal":      func(int, *rand.Rand) uint64 { return 7 },
		"zero":       func(int, *rand.Rand) uint64 { return 0 },
	} {
		maps := scoredMaps(n, 4, 40, order)
		for _, s := range []Stream{{"s", 1, 16, 0}, {"s", 1, 0, 0}} {
			for _, first := range []int{1, 10, smallRun + 8} {
				want := firstRecords(oracle(maps, 0), eight, first)
				for _, budget := range []int64{1 << 30, 200_000, 40_000, 10_000} {
					in := testInput(t, Config{First: first, Group: eight, Budget: budget, MaxFan: 3}, s, maps)
					if _, got := drain(t, in); !slices.Equal(got, want) {
						t.Errorf("%s, %v, first %d, budget %d: wrong records", name, s, first, budget)
					}
					if in.Delivered() != int64(len(want)) || in.Cut() != n-int64(len(want)) {
						t.Errorf("delivered %d, cut %d", in.Delivered(), in.Cut())
					}
				}
			}
		}
	}
}

// A budget for the first of all groups and a little more is enough: nothing is
// spilled, however many records there are.
func TestInputFirstDoesNotSpill(t *testing.T) {
	maps := scoredMaps(100_000, 3, 200, func(i int, rng *rand.Rand) uint64 { return rng.Uint64() })
	for _, s := range []Stream{{"s", 1, 16, 0}, {"s", 1, 0, 0}} {
		// 2,000 records are kept, some 30 bytes each beside their entries of 48.
		in := testInput(t, Config{First: 10, Group: eight, Budget: 2 * 2000 * (30 + 48)}, s, maps)
		if in.Spilled() > 0 {
			t.Errorf("%v: %d bytes spilled", s, in.Spilled())
		}
		if groups, got := drain(t, in); len(groups) != 200 || len(got) != 2000 {
			t.Errorf("%v: %d groups with %d records", s, len(groups), len(got))
		}
	}
}

// Long keys with a long common prefix, and empty ones, are cut like others.
func TestInputFirstLongKeys(t *testing.T) {
	maps := manyRecords(600, 4, func(i int) string {
		if i%7 == 0 {
			return ""
		}
		return strings.Repeat("long", 2500) + fmt.Sprint(i*31%20) + strings.Repeat("x", i%3*1000)
	})
	for _, budget := range []int64{1 << 30, 500_000, 1} {
		in := testInput(t, Config{Budget: budget, MaxFan: 3, First: 3}, Stream{Name: "s", Partitions: 1}, maps)
		if _, got := drain(t, in); !slices.Equal(got, firstRecords(oracle(maps, 0), nil, 3)) {
			t.Errorf("budget %d: wrong records", budget)
		}
	}
}

// A group whose length varies where it must not is an error, not a wrong cut.
func TestInputFirstGroupVaries(t *testing.T) {
	maps := [][]record{{{"aaaa", "", 0}, {"bbbb", "", 0}}}
	vary := func(key []byte) int { return int(key[0]-'a') + 1 }
	in := testInput(t, Config{Budget: 1 << 20, First: 1, Group: vary}, Stream{Name: "s", Partitions: 1, KeyWidth: 4}, maps)
	for in.NextGroup() {
		in.Next()
	}
	if in.Err() == nil {
		t.Error("no error")
	}
}

// Skipped groups and groups left early are delivered all the same.
func TestInputFirstCounts(t *testing.T) {
	maps := manyRecords(1000, 2, func(i int) string { return fmt.Sprintf("%02d", i%10) })
	for _, budget := range []int64{1 << 20, 2000} {
		in := testInput(t, Config{Budget: budget, First: 7}, Stream{Name: "s", Partitions: 1}, maps)
		for n := 0; in.NextGroup(); n++ {
			for range n % 3 {
				in.Next()
			}
		}
		if in.Err() != nil || in.Delivered() != 70 || in.Cut() != 930 {
			t.Errorf("delivered %d, cut %d: %v", in.Delivered(), in.Cut(), in.Err())
		}
	}
}

// Memory is used again within the budget, and let go when a smaller one is asked.
func TestBuffers(t *testing.T) {
	maps := scoredMaps(20_000, 2, 100, func(_ int, rng *rand.Rand) uint64 { return rng.Uint64() })
	var m Buffers
	size := func() int64 {
		return 24*int64(cap(m.wide)+cap(m.temp.wide)) + 16*int64(cap(m.narrow)+cap(m.temp.narrow)) + int64(cap(m.arena))
	}
	s := Stream{"s", 1, 16, 0}
	run := func(s Stream, maps [][]record, budget int64) {
		t.Helper()
		cfg := Config{Group: eight, Budget: budget, Buffers: &m, KeyWidth: s.KeyWidth, ValueWidth: s.ValueWidth, TempDir: t.TempDir()}
		in, err := NewInput(cfg, each(writeMaps(t, t.TempDir(), s, maps)))
		if err != nil {
			t.Fatal(err)
		}
		if _, got := drain(t, in); !slices.Equal(got, oracle(maps, 0)) {
			t.Errorf("budget %d: wrong records", budget)
		}
		if err := in.Close(); err != nil {
			t.Fatal(err)
		}
		if size() > budget+slack {
			t.Errorf("%d bytes kept of a budget of %d", size(), budget)
		}
	}
	run(s, maps, 4<<20)
	had := &m.wide[:1][0]
	run(s, maps, 4<<20)
	if size() == 0 || had != &m.wide[:1][0] {
		t.Error("memory was not used again")
	}
	run(s, [][]record{maps[0][:3000]}, 300_000) // less budget
	run(Stream{"s", 1, 8, 2}, [][]record{{{"12345678", "90", 0}}}, 300_000)
	if m.wide != nil || m.narrow == nil {
		t.Error("an index of another kind is kept, or none")
	}
}

// Loading, cutting and reading allocate nothing for each record.
func TestLoadDoesNotAllocate(t *testing.T) {
	maps := scoredMaps(20_000, 1, 500, func(_ int, rng *rand.Rand) uint64 { return rng.Uint64() })
	for _, s := range []Stream{{"s", 1, 16, 0}, {"s", 1, 0, 0}} {
		path := writeMaps(t, t.TempDir(), s, maps)[0]
		c := newCutter(&Config{KeyWidth: s.KeyWidth, First: 10, Group: eight})
		b := newBatch(s.shape(), func() {}, &c)
		b.resize(20_000, 1<<20)
		segment, err := Open(path, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		allocs := testing.AllocsPerRun(5, func() {
			b.reset()
			segment.blockNo, segment.unread = 0, segment.entry
			for err = segment.nextBlock(); err == nil; err = segment.nextBlock() {
				if err := b.load(segment); err != nil {
					t.Fatal(err)
				}
			}
			b.sort()
			b.cut()
			for err = nil; err == nil; {
				_, _, err = b.next()
			}
		})
		if b.len() != 5000 || !errors.Is(err, io.EOF) || allocs > 100 {
			t.Errorf("%v: %v allocations, %d records left, %v", s, allocs, b.len(), err)
		}
		if err := segment.Close(); err != nil {
			t.Error(err)
		}
	}
}
