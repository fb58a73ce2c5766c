package neighbours

import (
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/jobs/internal/datasets"
)

// TestRowsDoNotDependOnOthers: whatever rows a kernel has made before, a row has the same bits.
func TestRowsDoNotDependOnOthers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		users, m := drawMatrix(t, rapid.Bool().Draw(t, "binary")), drawMethod(t)
		items := users.Transpose()
		used, err := NewKernel(m, users, items)
		if err != nil {
			t.Fatal(err)
		}
		for range 10 {
			i := rapid.IntRange(0, users.Columns()-1).Draw(t, "item")
			fresh, err := NewKernel(m, users, items)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := used.Row(i, nil), fresh.Row(i, nil); !slices.Equal(got, want) {
				t.Fatalf("item %d: %v, and by a new kernel %v", i, got, want)
			}
		}
	})
}

// TestRowsBeginLongerRows: what is passed over below the K best is never one of them, with many users too.
func TestRowsBeginLongerRows(t *testing.T) {
	users := datasets.Generate(600, 150, 25)
	for _, a := range Algorithms() {
		for _, n := range []int{1, 5, 40} {
			some, all := Defaults(a), Defaults(a)
			some.K, all.K = n, maxK
			short, long := kernel(t, some, users), kernel(t, all, users)
			for i := range users.Columns() {
				want := long.Row(i, nil)
				if got := short.Row(i, nil); !slices.Equal(got, want[:min(n, len(want))]) {
					t.Fatalf("%s, K %d, item %d: %v, want the first of %v", a, n, i, got, want)
				}
			}
		}
	}
}

// TestEqualCosinesAreEqual: x/sqrt(a b) and x s/sqrt(a b s^2) are the same number, and come out so.
func TestEqualCosinesAreEqual(t *testing.T) {
	for x := 1.0; x < 20; x++ {
		for s := 2.0; s < 20; s++ {
			for n := x; n < 60; n++ {
				m := measure{exact: true, count: []float64{1000, n, n * s * s}}
				if a, b := m.similarity(0, 1, x), m.similarity(0, 2, x*s); a != b {
					t.Fatalf("%v of %v users: %v, %v of %v: %v", x, n, a, x*s, n*s*s, b)
				}
			}
		}
	}
}

// TestRowIsAppended: what dst holds stays.
func TestRowIsAppended(t *testing.T) {
	users := datasets.Compress(1, 2, datasets.Entries{{0, 0}: 1, {0, 1}: 1}, true)
	k := kernel(t, Defaults(Cosine), users)
	row := k.Row(0, []Neighbour{{7, 7}})
	if !slices.Equal(row, []Neighbour{{7, 7}, {1, 1}}) {
		t.Errorf("got %v", row)
	}
}

// TestManyUsers: counts above 65535 are exact too.
func TestManyUsers(t *testing.T) {
	const n = 70_000
	entries := datasets.Entries{}
	for u := range uint32(n) {
		entries[[2]uint32{u, 0}], entries[[2]uint32{u, 1}] = 1, 1
		if u < 30_000 {
			entries[[2]uint32{u, 2}] = 1
		}
	}
	k := kernel(t, Method{Algorithm: Jaccard, K: 5}, datasets.Compress(n, 4, entries, true))
	for item, want := range [][]Neighbour{{{1, 1}, {2, 3. / 7}}, {{0, 1}, {2, 3. / 7}}, {{0, 3. / 7}, {1, 3. / 7}}, nil} {
		if got := k.Row(item, nil); !slices.Equal(got, want) {
			t.Errorf("item %d: %v, want %v", item, got, want)
		}
	}
	if k.counts == nil || k.wide == nil {
		t.Error("both accumulators were to be used")
	}
}

// TestLogLikelihoodRatio: examples of Mahout's own tests.
func TestLogLikelihoodRatio(t *testing.T) {
	for _, c := range []struct{ both, first, second, neither, want float64 }{
		{1, 0, 0, 1, 2.772588722239781},
		{10, 0, 0, 10, 27.72588722239781},
		{5, 1995, 0, 100000, 39.3305217},
		{1000, 1995, 1000, 100000, 4730.737},
		{1000, 1000, 1000, 100000, 5734.343},
		{1000, 1000, 1000, 99000, 5714.932},
	} {
		m := measure{
			algorithm: LLR, users: c.both + c.first + c.second + c.neither,
			count: []float64{c.both + c.first, c.both + c.second},
		}
		for _, table := range []int{1, 500, 200_000} {
			m.xlogx = newXlogx(table)
			g := 1/(1-m.similarity(0, 1, c.both)) - 1
			if !near(g, c.want, 1e-6) {
				t.Errorf("%v with a table of %d: %v", c, table, g)
			}
		}
	}
}

// TestLessThanByChanceIsNotSimilar: where chance would put items together as often, or more.
func TestLessThanByChanceIsNotSimilar(t *testing.T) {
	users := datasets.Compress(4, 3, datasets.Entries{{0, 0}: 1, {1, 0}: 1, {0, 1}: 1, {2, 1}: 1, {0, 2}: 1, {1, 2}: 1}, true)
	k := kernel(t, Defaults(LLR), users)
	row := k.Row(0, nil)
	if len(row) != 1 || row[0].Index != 2 {
		t.Errorf("item 1 shares one of two users of four with item 0: %v", row)
	}
}

func TestRowsAllocateNothing(t *testing.T) {
	users := datasets.Generate(300, 200, 20)
	for _, a := range Algorithms() {
		k := kernel(t, Defaults(a), users)
		row := k.Row(0, nil)
		allocations := testing.AllocsPerRun(5, func() {
			for i := range 200 {
				row = k.Row(i, row[:0])
			}
		})
		if allocations > 0 {
			t.Errorf("%s: %v allocations", a, allocations)
		}
	}
}

func TestMatricesThatDoNotBelongTogether(t *testing.T) {
	users := datasets.Compress(2, 3, datasets.Entries{{0, 0}: 1}, true)
	for name, items := range map[string]*datasets.Matrix{
		"as they are": users, "other users": datasets.Compress(3, 3, nil, true), "other items": datasets.Compress(2, 2, nil, true),
	} {
		if _, err := NewKernel(Defaults(Cosine), users, items); err == nil || !strings.Contains(err.Error(), "transpose") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEmptyMatrices(t *testing.T) {
	for _, a := range Algorithms() {
		for _, size := range [][2]int{{0, 0}, {0, 3}, {3, 0}, {2, 3}} {
			k := kernel(t, Defaults(a), datasets.Compress(size[0], size[1], nil, true))
			for i := range size[1] {
				if row := k.Row(i, nil); len(row) != 0 {
					t.Errorf("%s, %v: %v", a, size, row)
				}
			}
		}
	}
}

// TestValuesThatDoNotFit: each names the user and the item.
func TestValuesThatDoNotFit(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	power := Defaults(RP3beta)
	power.Alpha = 4
	for _, c := range []struct {
		method Method
		value  float32
		bad    bool
	}{
		{Defaults(Cosine), nan, true},
		{Defaults(Cosine), inf, true},
		{Defaults(Cosine), -3, false},
		{Defaults(TFIDF), -3, true},
		{Defaults(BM25), 0, true},
		{Defaults(RP3beta), -1, true},
		{Defaults(RP3beta), 1e30, false},
		{power, 1e30, true},
		{Defaults(Jaccard), nan, false},
		{Defaults(LLR), -3, false},
	} {
		users := datasets.Compress(2, 3, datasets.Entries{{0, 0}: 1, {1, 1}: 1, {1, 2}: c.value}, false)
		_, err := NewKernel(c.method, users, users.Transpose())
		switch {
		case (err != nil) != c.bad:
			t.Errorf("%s, %v: %v", c.method.Algorithm, c.value, err)
		case c.bad && !strings.Contains(err.Error(), "user 1 and item 2"):
			t.Errorf("%s, %v: the message is %q", c.method.Algorithm, c.value, err)
		}
	}
}

// TestNegativeValues: a cosine below 0 is not among the neighbours.
func TestNegativeValues(t *testing.T) {
	users := datasets.Compress(2, 3, datasets.Entries{{0, 0}: 2, {0, 1}: -1, {0, 2}: 1, {1, 2}: 1}, false)
	row := kernel(t, Defaults(Cosine), users).Row(0, nil)
	if len(row) != 1 || row[0].Index != 2 || !near(row[0].Similarity, math.Sqrt(0.5), 1e-12) {
		t.Errorf("got %v", row)
	}
}

// TestOnesAreBinary: values that are all 1 give what no values give, but for rounding.
func TestOnesAreBinary(t *testing.T) {
	binary := datasets.Generate(60, 30, 8)
	ones := *binary
	ones.Values = slices.Repeat([]float32{1}, len(binary.Index))
	for _, a := range Algorithms() {
		x, y := kernel(t, Defaults(a), binary), kernel(t, Defaults(a), &ones)
		for i := range 30 {
			same := slices.EqualFunc(x.Row(i, nil), y.Row(i, nil), func(a, b Neighbour) bool {
				return near(a.Similarity, b.Similarity, 1e-6)
			})
			if !same {
				t.Errorf("%s, item %d: %v, with ones %v", a, i, x.Row(i, nil), y.Row(i, nil))
			}
		}
	}
}
