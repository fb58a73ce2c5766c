package recommend

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestParseCutting(t *testing.T) {
	for text, want := range map[string]cutting{
		"hash:0.2": {kind: byHash, share: .2}, "hash:1e-3": {kind: byHash, share: .001}, "last": {kind: byLast},
		"time:2020-01-02": {kind: byTime, from: 1577923200}, "time:1577923200": {kind: byTime, from: 1577923200},
		"time:2020-01-02 00:00:07": {kind: byTime, from: 1577923207},
	} {
		if got, err := parseCutting(text); err != nil || got != want {
			t.Errorf("%q: %+v, %v; expected %+v", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", "hash", "hash:", "hash:0", "hash:1", "hash:-1", "hash:2", "hash:NaN", "hash:x", "hash:0.2:3", "last:", "last:1", "time", "time:",
		"time:tomorrow", "Last", "random:0.2",
	} {
		if got, err := parseCutting(text); err == nil {
			t.Errorf("%q is %+v", text, got)
		}
	}
}

// userPairs are those of user "u" with the items 0, 1, 2 and so on, of which the ids are "i0", "i1", and with these times.
func userPairs(times ...int64) *pairs {
	p := &pairs{user: []byte("u"), time: func(i int) int64 { return times[i] }}
	for i := range times {
		p.items = append(p.items, uint32(i))
	}
	p.itemID = func(dst []byte, item uint32) []byte { return strconv.AppendUint(append(dst, 'i'), uint64(item), 10) }
	return p
}

// letters writes subsets as F, V and T.
func letters(list []subset) string {
	var b strings.Builder
	for _, s := range list {
		b.WriteByte("FVT"[s])
	}
	return b.String()
}

func TestCut(t *testing.T) {
	last, none := cutting{kind: byLast}, cutting{}
	from := func(second int64) cutting { return cutting{kind: byTime, from: second} }
	for i, c := range []struct {
		test, valid cutting
		times       []int64
		want        string
	}{
		{last, last, nil, ""},
		{last, last, []int64{1}, "F"},
		{last, last, []int64{1, 2}, "FF"},
		{last, last, []int64{1, 2, 3}, "FVT"},
		{last, last, []int64{3, 1, 2}, "TFV"},
		{last, last, []int64{5, 5, 5, 5}, "FFVT"},     // of equal times the higher item is newer
		{last, last, []int64{9, 1, 9, 1}, "VFTF"},     // also between test and validation
		{last, last, []int64{-3, -1, -2, -9}, "FTVF"}, // before 1970
		{none, last, []int64{4, 7}, "FV"},             // a test file
		{none, last, []int64{4}, "F"},                 // nothing would be left
		{last, from(6), []int64{4, 7, 8}, "FVT"},      // of different kinds
		{last, from(6), []int64{7, 8}, "VT"},          // a part by time may be all that is left
		{last, from(6), []int64{8}, "V"},              // one pair is not the last of several
		{from(6), last, []int64{4, 5, 6, 7}, "FVTT"},  // the last of what is left
		{from(6), last, []int64{5, 6, 7}, "FTT"},      // one that is left stays
		{from(6), from(4), []int64{3, 4, 5, 6}, "FVVT"},
		{from(6), from(4), []int64{6, 5, 3}, "TVF"},
		{from(100), from(0), []int64{1, 2}, "VV"},
	} {
		cut := &cutter{test: c.test, valid: c.valid}
		if got := letters(cut.cut(userPairs(c.times...))); got != c.want {
			t.Errorf("case %d: %s, expected %s", i, got, c.want)
		}
	}
}

// TestBefore: validation takes as long a time as the test does, which ends with the newest interaction.
func TestBefore(t *testing.T) {
	test := cutting{kind: byTime, from: 100}
	for newest, want := range map[int64]int64{100: 99, 101: 98, 149: 50, 300: -101} {
		if got := test.before(newest); got.kind != byTime || got.from != want {
			t.Errorf("newest %d: %+v, expected %d", newest, got, want)
		}
		if long, short := newest-test.from+1, test.from-test.before(newest).from; long != short {
			t.Errorf("newest %d: %d seconds of test, %d of validation", newest, long, short)
		}
	}
}

// TestHashes: which part a pair is in follows from these bytes and seeds for ever.
func TestHashes(t *testing.T) {
	cut := &cutter{test: cutting{kind: byHash, share: .4}, valid: cutting{kind: byHash, share: .4}}
	const want = "VFTFFVVTFFFVTTFTFVFTTTFVFVVTFTTTFFFVTFFF"
	if got := letters(cut.cut(userPairs(make([]int64, 40)...))); got != want {
		t.Errorf("%s, expected %s", got, want)
	}
}

// TestShare: shares of many pairs are within three standard deviations, and validation is a share of what is not in the test part.
func TestShare(t *testing.T) {
	const n = 100_000
	for _, c := range []struct{ test, valid float64 }{{.2, .2}, {.5, .1}, {.01, .9}} {
		cut := &cutter{test: cutting{kind: byHash, share: c.test}, valid: cutting{kind: byHash, share: c.valid}}
		var got [3]float64
		p := userPairs(make([]int64, n/100)...)
		for u := range 100 {
			p.user = fmt.Appendf(p.user[:0], "user %d", u)
			for _, s := range cut.cut(p) {
				got[s]++
			}
		}
		within := func(what string, count, of, share float64) {
			if d := math.Abs(count - share*of); d > 3*math.Sqrt(of*share*(1-share)) {
				t.Errorf("%+v: %v of %v pairs are in %s", c, count, of, what)
			}
		}
		within("the test part", got[inTest], n, c.test)
		within("the validation part", got[inValid], n-got[inTest], c.valid)
	}
}

// drawCutting draws one that is like those of flags.
func drawCutting(r *rapid.T, name string) cutting {
	switch rapid.IntRange(0, 2).Draw(r, name) {
	case 0:
		return cutting{kind: byHash, share: rapid.Float64Range(.01, .99).Draw(r, name+" share")}
	case 1:
		return cutting{kind: byLast}
	}
	return cutting{kind: byTime, from: rapid.Int64Range(-20, 20).Draw(r, name+" from")}
}

// TestCutProperties: whatever the cut, it is one of the sets that the flags describe.
func TestCutProperties(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		c := &cutter{test: drawCutting(r, "test"), valid: drawCutting(r, "valid")}
		times := rapid.SliceOfN(rapid.Int64Range(-20, 20), 0, 12).Draw(r, "times")
		p := userPairs(times...)
		got := slices.Clone(c.cut(p))
		if len(got) != len(times) {
			r.Fatalf("%d parts of %d pairs", len(got), len(times))
		}
		if again := c.cut(p); !slices.Equal(got, again) {
			r.Fatalf("%s, then %s", letters(got), letters(again))
		}
		count := func(of subset) (n int) {
			for _, s := range got {
				if s == of {
					n++
				}
			}
			return n
		}
		for i, s := range got {
			for j, o := range got {
				older := times[j] < times[i] || times[j] == times[i] && j < i
				if c.test.kind == byLast && s == inTest && o != inTest && !older {
					r.Fatalf("%s of %v: pair %d is not the newest", letters(got), times, i)
				}
				if c.valid.kind == byLast && s == inValid && o == inFit && !older {
					r.Fatalf("%s of %v: pair %d is not the newest of the rest", letters(got), times, i)
				}
			}
			if c.test.kind == byTime && (s == inTest) != (times[i] >= c.test.from) {
				r.Fatalf("%s of %v by %+v", letters(got), times, c.test)
			}
			if c.valid.kind == byTime && (s == inFit && times[i] >= c.valid.from || s == inValid && times[i] < c.valid.from) {
				r.Fatalf("%s of %v by %+v and %+v", letters(got), times, c.test, c.valid)
			}
		}
		if c.test.kind == byLast && (count(inTest) > 1 || count(inTest) == 1 && len(got) < 2) || c.valid.kind == byLast && (count(inValid) > 1 || count(inValid) == 1 && count(inFit) == 0) {
			r.Fatalf("%s of %v", letters(got), times)
		}
		if c.test.kind == byLast && c.valid.kind == byLast && len(got) >= 3 != (count(inTest)+count(inValid) == 2) {
			r.Fatalf("%s: users with three pairs have one in each part, and others stay whole", letters(got))
		}
	})
}

// TestHashOfOnePair: by hash, the part of a pair does not depend on the others of the user.
func TestHashOfOnePair(t *testing.T) {
	c := &cutter{test: cutting{kind: byHash, share: .3}, valid: cutting{kind: byHash, share: .3}}
	all := userPairs(make([]int64, 200)...)
	want := slices.Clone(c.cut(all))
	if !slices.Contains(want, inFit) || !slices.Contains(want, inValid) || !slices.Contains(want, inTest) {
		t.Fatal(letters(want))
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		some := *all
		some.items = nil
		for _, item := range all.items {
			if random.IntN(3) == 0 {
				some.items = append(some.items, item)
			}
		}
		for i, s := range c.cut(&some) {
			if s != want[some.items[i]] {
				t.Fatalf("item %d is in %c, and was in %c", some.items[i], "FVT"[s], "FVT"[want[some.items[i]]])
			}
		}
	}
	// Nor is an id with its end in the other one the same pair.
	a, b := &pairs{user: []byte("ab"), items: all.items, itemID: all.itemID}, &pairs{user: []byte("a"), items: all.items, itemID: func(dst []byte, item uint32) []byte {
		return all.itemID(append(dst, 'b'), item)
	}}
	if slices.Equal(slices.Clone(c.cut(a)), c.cut(b)) {
		t.Error("the ids run into each other")
	}
}
