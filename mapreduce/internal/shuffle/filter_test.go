package shuffle

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// firstOf returns the first n keys of each group in order, equal keys told apart by
// when they came.
func firstOf(keys []string, kept []bool, group, n int) map[string][]string {
	type arrival struct {
		key string
		at  int
	}
	groups := map[string][]arrival{}
	for i, key := range keys {
		if kept == nil || kept[i] {
			groups[key[:group]] = append(groups[key[:group]], arrival{key, i})
		}
	}
	out := map[string][]string{}
	for g, all := range groups {
		slices.SortStableFunc(all, func(a, b arrival) int { return strings.Compare(a.key, b.key) })
		for _, a := range all[:min(n, len(all))] {
			out[g] = append(out[g], fmt.Sprint(a.key, a.at))
		}
	}
	return out
}

// Whatever a filter drops is not among the first of its group, whatever the keys,
// their order, and even if all groups share a few hashes.
func TestFilterKeepsTheFirst(t *testing.T) {
	dropped := 0
	rapid.Check(t, func(t *rapid.T) {
		first, group := rapid.IntRange(1, 12).Draw(t, "first"), rapid.IntRange(0, 3).Draw(t, "group")
		width := rapid.SampledFrom([]int{-1, 0, 1, 8, 9, 12}).Draw(t, "width") // of what follows; -1 varies
		letters := rapid.SampledFrom([]string{"a", "\x00a", "\x00\xff"}).Draw(t, "letters")
		weak := rapid.SampledFrom([]uint64{0, 1, 7, ^uint64(0)}).Draw(t, "weak")
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		f := NewFilter(first)
		var keys []string
		var kept []bool
		batch, seen := rapid.IntRange(1, 100).Draw(t, "batch"), 0
		for range rapid.IntRange(0, 2000).Draw(t, "records") {
			n := width
			if n < 0 {
				n = rng.IntN(12)
			}
			b := make([]byte, group+n)
			for i := range b {
				b[i] = letters[rng.IntN(len(letters))]
			}
			keys = append(keys, string(b))
			kept = append(kept, f.Keep(Hash(b[:group])&weak, b, group))
			dropped += boolInt(!kept[len(kept)-1])
			if len(kept) >= seen+batch && f.Displaced() > 0 {
				for i := seen; i < len(kept); i++ {
					key := []byte(keys[i])
					kept[i] = kept[i] && !f.Worse(Hash(key[:group])&weak, key, group)
				}
				seen = len(kept)
			}
		}
		want, got := firstOf(keys, nil, group, first), firstOf(keys, kept, group, first)
		for g := range want {
			if !slices.Equal(got[g], want[g]) {
				t.Fatalf("group %q: the first are %q, want %q", g, got[g], want[g])
			}
		}
	})
	if dropped == 0 {
		t.Error("nothing was ever dropped")
	}
}

// A group with a fifth of all records shrinks to little more than its first, in
// any order, and none of the others does.
func TestFilterDropsHeavyHitters(t *testing.T) {
	const n, first = 200_000, 10
	for name, order := range map[string]func(i int, rng *rand.Rand) uint64{
		"random":    func(_ int, rng *rand.Rand) uint64 { return rng.Uint64() },
		"ascending": func(i int, _ *rand.Rand) uint64 { return uint64(i) },
		"equal":     func(int, *rand.Rand) uint64 { return 0 },
	} {
		rng := rand.New(rand.NewPCG(1, 2))
		f := NewFilter(first)
		hot, others := 0, 0
		for i := range n {
			user := uint64(0)
			if i%5 > 0 {
				user = 1 + rng.Uint64N(50_000)
			}
			key := binary.BigEndian.AppendUint64(nil, user)
			key = binary.BigEndian.AppendUint64(key, order(i, rng))
			switch keep := f.Keep(Hash(key[:8]), key, 8); {
			case keep && user == 0:
				hot++
			case !keep && user != 0:
				others++
			}
		}
		if hot > 300 {
			t.Errorf("%s: %d of %d records of the hot group kept", name, hot, n/5)
		}
		if others > n/100 {
			t.Errorf("%s: %d records of other groups dropped", name, others)
		}
	}
}

// A filter stays within its memory for long groups and for a large first.
func TestFilterIsBounded(t *testing.T) {
	f := NewFilter(3)
	group := make([]byte, 100_000)
	for g := range 200 {
		binary.BigEndian.PutUint32(group, uint32(g))
		for range 20 {
			f.Keep(Hash(group), group, len(group))
		}
	}
	if f.bytes > filterBytes {
		t.Errorf("%d bytes of group prefixes", f.bytes)
	}
	if f.Keep(Hash(group), group, len(group)) != true {
		t.Error("a group that is not held is dropped")
	}
	for _, first := range []int{-1, 0, filterBytes, 1 << 40} {
		f := NewFilter(first)
		if len(f.slots) > 1 {
			t.Errorf("first %d: %d slots", first, len(f.slots))
		}
		for range 100 {
			if !f.Keep(1, []byte("key"), 3) {
				t.Errorf("first %d: a record is dropped", first)
			}
		}
	}
}

func BenchmarkFilter(b *testing.B) {
	records := random16(1<<16, 50_000)
	hashes := make([]uint64, 1<<16)
	for i := range hashes {
		hashes[i] = Hash(records[16*i:][:8])
	}
	f := NewFilter(10)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		n := i % (1 << 16)
		f.Keep(hashes[n], records[16*n:][:16], 8)
	}
}

// Of records that come in ascending order of a descending rank, each is better than all before it: looking at each
// batch again leaves the first of it.
func TestFilterOfOrderedInput(t *testing.T) {
	const records, batch, first = 20000, 500, 10
	f, left := NewFilter(first), 0
	for lo := 0; lo < records; lo += batch {
		var kept [][]byte
		for i := lo; i < lo+batch; i++ {
			key := binary.BigEndian.AppendUint64([]byte("g"), uint64(records-i))
			if f.Keep(Hash(key[:1]), key, 1) {
				kept = append(kept, key)
			}
		}
		if f.Displaced() == 0 {
			t.Fatalf("batch at %d: nothing is displaced", lo)
		}
		for _, key := range kept {
			left += boolInt(!f.Worse(Hash(key[:1]), key, 1))
		}
	}
	if most := records / batch * (first + warmScore); left < records/batch*first || left > most {
		t.Errorf("%d records are left, at most %d expected", left, most)
	}
}

// So many first records that there is no memory to watch groups: nothing is left out.
func TestSenderOfManyFirst(t *testing.T) {
	for _, first := range []int{filterBytes / wordLen, filterBytes/wordLen + 1, 1 << 31} {
		w, err := NewWriter(io.Discard, []Stream{{"s", 2, 16, 0}})
		if err != nil {
			t.Fatal(err)
		}
		s := NewSender(w, 0, func([]byte) int { return 8 }, first)
		var p Pairs
		for i := range 100 {
			p.Append(i, make([]byte, 16), []byte("v"))
		}
		if n, err := s.Send(&p); n != 100 || err != nil {
			t.Errorf("first %d: %d records sent, %v", first, n, err)
		}
	}
}

// Keys that are too long for an index entry may have groups of any length.
func TestSenderOfLongKeys(t *testing.T) {
	w, err := NewWriter(io.Discard, []Stream{{"s", 4, 24, 0}})
	if err != nil {
		t.Fatal(err)
	}
	s := NewSender(w, 0, func(key []byte) int { return 1 + int(key[0]) }, 3)
	var p Pairs
	for i := range 64 {
		key := make([]byte, 24)
		key[0], key[20] = 9, byte(i)
		p.Append(i, key, nil)
	}
	if _, err := s.Send(&p); err != nil {
		t.Fatal(err)
	}
	stats, err := w.Close()
	if err != nil {
		t.Fatal(err)
	}
	used := 0
	for _, part := range stats.Partitions[0] {
		used += boolInt(part.Records > 0)
	}
	if used != 1 {
		t.Errorf("one group is in %d partitions", used)
	}
}

// A Sender watches many groups as long as that leaves out many records, and the hot ones in any case: what is left of
// a group with a fifth of all records is next to nothing.
func TestFilterSettles(t *testing.T) {
	const records, batch, first = 2 * settleAfter, 512, 10
	for _, c := range []struct {
		name   string
		groups uint64
		slots  int
		most   float64 // of the records are sent
	}{
		{"few thousand groups", 2000, filterSlots, 0.4},
		{"many groups", 200_000, fewSlots, 0.81},
	} {
		t.Run(c.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(5, 6))
			var file bytes.Buffer
			w, err := NewWriter(&file, []Stream{{"s", 1, 16, 0}})
			if err != nil {
				t.Fatal(err)
			}
			s := NewSender(w, 0, func([]byte) int { return 8 }, first)
			var p Pairs
			var keys []string
			var kept []bool
			sent := 0
			for range records / batch {
				p.Clear()
				for i := range batch {
					group := 1 + rng.Uint64N(c.groups)
					if rng.IntN(5) == 0 {
						group = 0
					}
					key := binary.BigEndian.AppendUint64(nil, group)
					key = binary.BigEndian.AppendUint64(key, rng.Uint64())
					keys = append(keys, string(key))
					p.Append(i, key, nil)
				}
				n, err := s.Send(&p)
				if err != nil {
					t.Fatal(err)
				}
				sent += int(n)
				for _, r := range p.List {
					kept = append(kept, r.Row != Gone)
				}
			}
			if len(s.filter.slots) != c.slots || float64(sent) > c.most*records {
				t.Errorf("%d groups are watched, want %d; %.2f of the records were sent, want at most %.2f",
					len(s.filter.slots), c.slots, float64(sent)/records, c.most)
			}
			if got, want := firstOf(keys, kept, 8, first), firstOf(keys, nil, 8, first); !maps.EqualFunc(got, want, slices.Equal) {
				t.Errorf("%d groups with other first records than %d", len(got), len(want))
			}
		})
	}
}
