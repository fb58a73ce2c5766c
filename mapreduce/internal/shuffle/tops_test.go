package shuffle

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// shapedMaps returns n records of 40 groups, which are the first four bytes of keys
// of k bytes, with values of v bytes or, if that is 0, of up to 300. Few keys differ
// behind the group, so that many are equal, and one group is zero.
func shapedMaps(n, maps, k, v int) [][]record {
	rng := rand.New(rand.NewPCG(3, uint64(k*100+v)))
	out := make([][]record, maps)
	for i := range n {
		key := binary.BigEndian.AppendUint32(nil, rng.Uint32N(40))
		for len(key) < k {
			key = append(key, byte(rng.IntN(8)*rng.IntN(2)))
		}
		value := fmt.Appendf(nil, "%0*d", max(v, 6), i)
		if v > 0 {
			value = value[len(value)-v:]
		} else if i%9 == 0 {
			value = append(value, bytes.Repeat([]byte{'v'}, i%300)...)
		}
		out[i*maps/n] = append(out[i*maps/n], record{string(key), string(value), 0})
	}
	return out
}

// The first of each group come out for every kind of record that tops are for, and
// for others.
func TestInputFirstShapes(t *testing.T) {
	four := func([]byte) int { return 4 }
	for _, shape := range []shape{{16, 0}, {16, 4}, {16, 20}, {11, 0}, {8, 0}, {8, 8}, {7, 5}, {8, 20}} {
		maps := shapedMaps(20_000, 3, shape.key, shape.value)
		s := Stream{"s", 1, shape.key, shape.value}
		for _, first := range []int{1, 10, smallRun, smallRun + 8} {
			want := firstRecords(oracle(maps, 0), four, first)
			for _, budget := range []int64{1 << 30, 500_000, 100_000, 10_000} {
				in := testInput(t, Config{First: first, Group: four, Budget: budget}, s, maps)
				cut := in.cutter.removed
				if _, got := drain(t, in); !slices.Equal(got, want) {
					t.Errorf("%v, first %d, budget %d: wrong records", shape, first, budget)
				}
				if in.Delivered() != int64(len(want)) || in.Cut() != 20_000-int64(len(want)) {
					t.Errorf("delivered %d, cut %d", in.Delivered(), in.Cut())
				}
				if budget == 1<<30 && (in.Spilled() > 0 || cut != 20_000-int64(len(want))) {
					t.Errorf("%v, first %d: %d spilled, %d cut", shape, first, in.Spilled(), cut)
				}
			}
		}
	}
}

// However many records there are, tops do not grow.
func TestInputFirstStaysSmall(t *testing.T) {
	for _, descends := range []bool{false, true} { // the worst order: all take the place of others
		maps := scoredMaps(200_000, 3, 200, func(i int, rng *rand.Rand) uint64 {
			if descends {
				return ^uint64(i)
			}
			return rng.Uint64()
		})
		in := testInput(t, Config{First: 10, Group: eight, Budget: 1 << 30}, Stream{"s", 1, 16, 0}, maps)
		b, ok := in.source.(*tops)
		if !ok {
			t.Fatal("records were spilled")
		}
		if b.held != 2000 || b.bytes() > 200_000 || in.Spilled() > 0 {
			t.Errorf("%d records in %d bytes, %d bytes spilled", b.held, b.bytes(), in.Spilled())
		}
		if _, got := drain(t, in); !slices.Equal(got, firstRecords(oracle(maps, 0), eight, 10)) {
			t.Error("wrong records")
		}
	}
}

// Values too long for an item take the place of others where they can, and gaps are closed: however many records lose
// their places, the arena does not grow.
func TestTopsCloseGaps(t *testing.T) {
	maps := scoredMaps(50_000, 3, 100, func(i int, _ *rand.Rand) uint64 { return ^uint64(i) }) // each is better than all before
	for _, records := range maps {
		for i := range records {
			records[i].value += strings.Repeat("x", i*7%200)
		}
	}
	for _, budget := range []int64{1 << 30, 600_000, 100_000} {
		in := testInput(t, Config{First: 10, Group: eight, Budget: budget}, Stream{"s", 1, 16, 0}, maps)
		if top, ok := in.source.(*tops); budget > 500_000 && (!ok || top.bytes() > 500_000 || top.live > cap(top.arena)) {
			t.Errorf("budget %d: not in memory, or in too much", budget)
		}
		if _, got := drain(t, in); !slices.Equal(got, firstRecords(oracle(maps, 0), eight, 10)) {
			t.Errorf("budget %d: wrong records", budget)
		}
	}
}

// Tops use the memory of those before, if the budget allows.
func TestTopsUseBuffers(t *testing.T) {
	maps := scoredMaps(20_000, 2, 1000, func(_ int, rng *rand.Rand) uint64 { return rng.Uint64() })
	s := Stream{"s", 1, 16, 0}
	paths := writeMaps(t, t.TempDir(), s, maps)
	var m Buffers
	run := func(budget int64) {
		t.Helper()
		in, err := NewInput(Config{First: 10, Group: eight, Budget: budget, Buffers: &m, KeyWidth: 16, TempDir: t.TempDir()}, each(paths))
		if err != nil {
			t.Fatal(err)
		}
		if _, got := drain(t, in); !slices.Equal(got, firstRecords(oracle(maps, 0), eight, 10)) {
			t.Errorf("budget %d: wrong records", budget)
		}
		if err := in.Close(); err != nil || m.tops.bytes() > budget {
			t.Errorf("%d bytes kept of a budget of %d, %v", m.tops.bytes(), budget, err)
		}
	}
	run(4 << 20)
	had := &m.tops.items[0]
	run(4 << 20)
	if had != &m.tops.items[0] {
		t.Error("memory was not used again")
	}
	run(100_000)
}

// Where groups have few records, these are sorted instead, also where the batch has no room for what tops held.
func TestTopsSortInstead(t *testing.T) {
	for _, values := range []string{"", "a value that is long"} {
		maps := manyRecords(60_000, 3, func(i int) string {
			key := binary.BigEndian.AppendUint64(nil, uint64(i*7919%60_000/2)) // two equal keys each
			return string(binary.BigEndian.AppendUint64(key, 5))
		})
		for m := range maps {
			for i := range maps[m] {
				maps[m][i].value += values
			}
		}
		want := firstRecords(oracle(maps, 0), eight, 1)
		for _, budget := range []int64{1 << 30, 2 << 20, 100_000} {
			in := testInput(t, Config{First: 1, Group: eight, Budget: budget}, Stream{"s", 1, 16, 0}, maps)
			if b, ok := in.source.(*batch); budget == 1<<30 && (!ok || b.len() != 30_000) {
				t.Errorf("the source is a %T", in.source)
			}
			if _, got := drain(t, in); !slices.Equal(got, want) {
				t.Errorf("budget %d: wrong records", budget)
			}
			if in.Delivered() != 30_000 || in.Cut() != 30_000 {
				t.Errorf("budget %d: delivered %d, cut %d", budget, in.Delivered(), in.Cut())
			}
		}
	}
}

// The first of many come out in order, equal ones as they came.
func TestSortRun(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		run := make([]narrow, rapid.IntRange(0, 3*smallRun).Draw(t, "n"))
		for i := range run {
			run[i] = narrow{rapid.Uint64Range(0, 9).Draw(t, "order"), uint64(i)}
		}
		want := slices.Clone(run)
		slices.SortFunc(want, func(x, y narrow) int { return slices.Compare(x[:], y[:]) })
		if sortRun(run); !slices.Equal(run, want) {
			t.Fatalf("got %v, want %v", run, want)
		}
	})
}

// A lot finds the records that split finds, or reports what is no record.
func FuzzLot(f *testing.F) {
	f.Add([]byte("\x03keyword-keyword-val"), uint8(16), uint8(0))
	f.Add(append([]byte{0xac, 2}, make([]byte, 316)...), uint8(16), uint8(0))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}, uint8(3), uint8(0))
	f.Add([]byte("\x09too short"), uint8(8), uint8(0))
	f.Add(bytes.Repeat([]byte("fixed"), 40), uint8(8), uint8(12))
	f.Fuzz(func(t *testing.T, raw []byte, key, value uint8) {
		s := shape{1 + int(key)%16, int(value) % 30}
		var want []int // where records begin
		at := 0
		for len(want) < lotSize {
			_, _, n := s.split(raw[at:])
			if n == 0 {
				break
			}
			want = append(want, at)
			at += n
		}
		var l lot
		tp := tops{shape: s, width: min(s.key, 8), mask: ^(^uint64(0) >> min(8*s.key, 64))}
		if len(want) < lotSize && l.decode(raw, len(want)+1, &tp) {
			t.Fatalf("more than %d records", len(want))
		}
		if !l.decode(raw, len(want), &tp) {
			t.Fatalf("fewer than %d records", len(want))
		}
		for i, at := range want {
			k, v, n := s.split(raw[at:])
			first, second := keyWords(k)
			if s.key <= 8 {
				second = 0
			}
			if l.at[i] != at || l.at[i+1] != at+n || l.key[i] != at+n-len(k)-len(v) || l.group[i] != first || l.order[i] != second {
				t.Fatalf("record %d differs", i)
			}
		}
	})
}

// drawWides draws items with few keys, so that many are equal; refs ascend from one on.
func drawWides(t *rapid.T, from, most int) []wide {
	items := make([]wide, rapid.IntRange(0, most).Draw(t, "items"))
	for i := range items {
		items[i] = wide{rapid.Uint64Range(0, 3).Draw(t, "first"), rapid.Uint64Range(0, 5).Draw(t, "second"), uint64(from + i)}
	}
	return items
}

func compareWides(x, y wide) int {
	return cmp.Or(cmp.Compare(x[0], y[0]), cmp.Compare(x[1], y[1]))
}

// A sorted tail is merged as if all had been sorted, but for what is cut of it.
func TestMergeTail(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		head := drawWides(t, 0, 30)
		tail := drawWides(t, len(head), 30)
		slices.SortStableFunc(head, compareWides)
		slices.SortStableFunc(tail, compareWides)
		c := cutter{first: rapid.IntRange(1, 8).Draw(t, "first"), mask: [2]uint64{^uint64(0), 0}}
		head = head[:cutItems(head, &c)]
		items := append(slices.Clone(head), tail...)
		got := mergeTail(slices.Clone(items), len(head), make([]wide, len(items)), &c)
		if c.removed != int64(len(items)-len(got)) {
			t.Fatalf("%d removed of %d, %d left", c.removed, len(items), len(got))
		}
		if !slices.IsSortedFunc(got, func(x, y wide) int { return cmp.Or(compareWides(x, y), cmp.Compare(x[2], y[2])) }) {
			t.Fatalf("not sorted: %v", got)
		}
		got = got[:cutItems(got, &c)]
		slices.SortStableFunc(items, compareWides)
		if want := items[:cutItems(items, &c)]; !slices.Equal(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	})
}
