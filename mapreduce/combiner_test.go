package mapreduce

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/mapreduce/internal/shuffle"
)

// inOrder tells in what order values were merged.
func inOrder(into *uint64, v uint64) { *into = *into*31 + v }

// model merges as a combiner does, with a map.
type model struct {
	order  []string // of the first of each key
	values map[string]uint64
}

func (m *model) add(key string, v uint64) {
	if m.values == nil {
		m.values = map[string]uint64{}
	}
	if at, ok := m.values[key]; ok {
		inOrder(&at, v)
		v = at
	} else {
		m.order = append(m.order, key)
	}
	m.values[key] = v
}

func (m *model) check(tb rapid.TB, c *combiner[uint64]) {
	if c.table.Len() != len(m.order) {
		tb.Fatalf("%d keys, expected %d", c.table.Len(), len(m.order))
	}
	for n := range c.table.Places() {
		key, v := c.table.At(n)
		if want, ok := m.values[string(key)]; !ok || *v != want {
			tb.Fatalf("key %q with %d, expected %d, %v", key, *v, want, ok)
		}
	}
}

// A combiner merges the values of each key in their order, whatever the batches, and leaves out what is gone.
func TestCombinerIsAFold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, want := &combiner[uint64]{table: &shuffle.Table[uint64]{}, merge: inOrder}, model{}
		kinds := uint64(rapid.SampledFrom([]int{1, 3, 700}).Draw(t, "keys"))
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		for range rapid.IntRange(1, 3).Draw(t, "batches") {
			var p shuffle.Pairs
			var values []uint64
			for i := range rapid.SampledFrom([]int{0, 1, hashAhead - 1, hashAhead, hashAhead + 1, 3*hashAhead + 7}).Draw(t, "pairs") {
				n := r.Uint64N(kinds)
				key := strings.Repeat("k", int(n%13)) + fmt.Sprint(n)
				v := r.Uint64()
				p.Append(i, []byte(key), nil)
				if values = append(values, v); r.Uint64N(4) == 0 {
					p.List[i].Row = shuffle.Gone
				} else {
					want.add(key, v)
				}
			}
			c.add(&p, values)
		}
		want.check(t, c)
	})
}

// A table that exceeds the caches, where places are sought ahead, does the same while it grows.
func TestCombinerOfManyKeys(t *testing.T) {
	const keys, pairs, batch = 50_000, 200_000, 1000
	c, want := &combiner[uint64]{table: &shuffle.Table[uint64]{}, merge: inOrder}, model{}
	r := rand.New(rand.NewPCG(1, 2))
	var p shuffle.Pairs
	var values []uint64
	for n := range pairs {
		key, v := Uint64{}.Append(nil, r.Uint64N(keys)), r.Uint64()
		if n%3 == 0 {
			key = append(key, "and more"...)
		}
		want.add(string(key), v)
		p.Append(n, key, nil)
		if values = append(values, v); len(values) == batch {
			c.add(&p, values)
			p.Clear()
			values = values[:0]
		}
	}
	c.add(&p, values)
	if len(want.order) < keys {
		t.Fatalf("%d keys", len(want.order))
	}
	want.check(t, c)
}

// mergeRun is a stream with that merge, and a run file of it in which nothing is combined.
func mergeRun(t *testing.T, keys []string) (*Stream[string, uint64], string) {
	t.Helper()
	s := &Stream[string, uint64]{Name: "s", Key: String{}, Value: Uint64{}}
	path := emitFile(t, s, func(o *Out) {
		for n, key := range keys {
			s.Emit(o, 0, key, uint64(n))
		}
	})
	s.Merge = inOrder
	return s, path
}

func oneRun(path string) func() (string, bool) {
	given := false
	return func() (string, bool) {
		was := given
		given = true
		return path, !was
	}
}

// A partition that is combined has each key once, in the order of keys, with all its values merged in their order;
// where there is no room for the keys, it says so.
func TestCombinedPartition(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var keys []string
	var want model
	for n := range 60_000 {
		key := fmt.Sprint(r.Uint64N(20_000))
		if n%100 == 0 {
			key = strings.Repeat("long", int(r.Uint64N(100))) + key
		}
		keys = append(keys, key)
		want.add(key, uint64(n))
	}
	s, path := mergeRun(t, keys)
	for _, budget := range []int64{0, 1, 1 << 10, 1 << 20, 64 << 20} {
		g, err := s.combine(shuffle.Config{Budget: budget, ValueWidth: 8}, oneRun(path))
		if budget < 64<<20 {
			if !errors.Is(err, errNoRoom) {
				t.Errorf("budget %d: %v", budget, err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		checkCombined(t, s, g, &want, int64(len(keys)))
	}
}

func checkCombined(t *testing.T, s *Stream[string, uint64], g groups, want *model, records int64) {
	t.Helper()
	slices.SortFunc(want.order, cmp.Compare[string])
	stands := int64(0)
	for _, expected := range want.order {
		if !g.NextGroup() {
			t.Fatal("too few groups")
		}
		key, value, ok := g.Next()
		v, err := s.Value.Decode(value)
		if !ok || err != nil || string(key) != expected || v != want.values[expected] {
			t.Fatalf("key %q with %d, %v; expected %q with %d", key, v, err, expected, want.values[expected])
		}
		stands += g.Stands()
		if _, _, more := g.Next(); more {
			t.Fatalf("key %q has two values", key)
		}
	}
	if g.NextGroup() || stands != records || g.Records() != records {
		t.Errorf("%d and %d records, expected %d, or a group too many", stands, g.Records(), records)
	}
}

// Groups that are taken from memory show that work goes on.
func TestCombinedBeats(t *testing.T) {
	var keys []string
	for n := range 3*beatEvery + 5 {
		keys = append(keys, fmt.Sprint(n))
	}
	s, path := mergeRun(t, keys)
	beats := 0
	g, err := s.combine(shuffle.Config{Budget: 1 << 30, ValueWidth: 8, Beat: func() { beats++ }}, oneRun(path))
	if err != nil {
		t.Fatal(err)
	}
	for beats = 0; g.NextGroup(); {
		if _, _, ok := g.Next(); !ok {
			t.Fatal("a group without a record")
		}
	}
	if beats != 3 {
		t.Errorf("%d beats in %d groups", beats, len(keys))
	}
	if err := errors.Join(g.Err(), g.Close()); err != nil {
		t.Error(err)
	}
}
