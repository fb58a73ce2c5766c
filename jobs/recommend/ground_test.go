package recommend

import (
	"errors"
	"path/filepath"
	"runtime/debug"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/jobs/internal/ease"
	"github.com/shardmill/shardmill/jobs/internal/matrix"
)

// drawRows draws a matrix in memory.
func drawRows(t *rapid.T, rows, width int, valued bool) *memoryRows {
	m := newMemoryRows(rows, width)
	for i := range rows {
		r := matrix.Row{Index: uint32(i)}
		for c := range width {
			if !rapid.Bool().Draw(t, "entry") {
				continue
			}
			if r.Columns = append(r.Columns, uint32(c)); valued {
				r.Values = append(r.Values, float32(1+i+c))
			}
		}
		m.put(r)
	}
	return m
}

// valueIn is the value of an entry, 0 if there is none.
func valueIn(m sparse, i, c int) float32 {
	columns, values := m.Row(i)
	at, ok := slices.BinarySearch(columns, uint32(c))
	switch {
	case !ok:
		return 0
	case values == nil:
		return 1
	}
	return values[at]
}

func sampled(t rapid.TB, g *ground, share float64) *ground {
	t.Helper()
	some, err := sampleOf(g, share, inHeap{})
	if err != nil {
		t.Fatal(err)
	}
	return some
}

// TestSample: both matrices have the same users, whose rows are whole; those of a smaller share are among those of a larger one.
func TestSample(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, items, valued := rapid.IntRange(1, 30).Draw(t, "users"), rapid.IntRange(1, 6).Draw(t, "items"), rapid.Bool().Draw(t, "valued")
		users := drawRows(t, n, items, valued)
		all := &ground{users: users, items: users.transpose(), known: withEntry(users)}
		share := rapid.Float64Range(.01, 1).Draw(t, "share")
		small, large := sampled(t, all, share/3), sampled(t, all, share)
		inSmall := 0
		for u := range n {
			of, _ := large.users.Row(u)
			whole, _ := users.Row(u)
			if len(of) > 0 && len(of) != len(whole) {
				t.Fatalf("user %d has %d of %d items", u, len(of), len(whole))
			}
			if few, _ := small.users.Row(u); len(few) > 0 {
				inSmall++
				if len(of) == 0 {
					t.Fatalf("user %d is in the smaller sample only", u)
				}
			}
			for i := range items {
				if a, b := valueIn(large.users, u, i), valueIn(large.items, i, u); a != b {
					t.Fatalf("user %d, item %d: %v by users, %v by items", u, i, a, b)
				}
			}
		}
		if small.known != inSmall || large.known < small.known || small.items.Rows() != items || small.items.Columns() != n {
			t.Fatalf("%d of %d users are known; %d in the larger sample", small.known, inSmall, large.known)
		}
	})
}

// TestSampleSize: about as many users as asked for, without values if the matrix has none.
func TestSampleSize(t *testing.T) {
	users := newMemoryRows(20_000, 2)
	for i := range users.Rows() {
		users.put(matrix.Row{Index: uint32(i), Columns: []uint32{0}})
	}
	g := sampled(t, &ground{users: users, items: users.transpose()}, .1)
	if g.known < 1800 || g.known > 2200 { // the standard deviation is 42
		t.Errorf("%d of 20,000 users are a tenth", g.known)
	}
	some, err := someColumns(users, []bool{true, false}, inHeap{})
	if err != nil {
		t.Fatal(err)
	}
	if columns, values := some.Row(7); len(columns) != 1 || values != nil {
		t.Errorf("columns %v, values %v", columns, values)
	}
}

// TestSampleInFiles: a sample that is too large for the heap is the same in a file, is made once, and is let go for another one.
func TestSampleInFiles(t *testing.T) {
	users := newMemoryRows(200, 9)
	for i := range users.Rows() {
		users.put(matrix.Row{Index: uint32(i), Columns: []uint32{uint32(i % 4), uint32(4 + i%5)}, Values: []float32{float32(i), 1}})
	}
	all, l := &ground{users: users, items: users.transpose()}, newLibrary()
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(1))
	var failed *scratchError
	if _, err := l.sample(all, .3, filepath.Join(t.TempDir(), "missing")); !errors.As(err, &failed) {
		t.Errorf("without a folder: %v", err)
	}
	var before *inFiles
	for _, share := range []float64{.3, .6} {
		g, err := l.sample(all, share, t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		if again, err := l.sample(all, share, "missing"); again != g || err != nil {
			t.Errorf("it is made twice: %v", err)
		}
		want := sampled(t, all, share)
		for i := range users.Rows() {
			for c := range users.Columns() {
				if a, b := valueIn(g.items, c, i), valueIn(want.items, c, i); a != b {
					t.Fatalf("share %v: user %d, item %d: %v, want %v", share, i, c, a, b)
				}
			}
		}
		if before != nil && len(before.open) > 0 {
			t.Error("the one before is still open")
		}
		var ok bool
		if before, ok = l.sampled.keep.(*inFiles); !ok || len(before.open) != 1 {
			t.Fatalf("it is in %+v", l.sampled.keep)
		}
	}
}

// TestSampleOfTooMuch: what cannot be trained on all users is not tried on some, where it would take the place of another one.
func TestSampleOfTooMuch(t *testing.T) {
	n := ease.Limit + 1
	users := newMemoryRows(n, n)
	for i := range n {
		users.put(matrix.Row{Index: uint32(i), Columns: []uint32{uint32(i)}})
	}
	all := &ground{users: users, items: users}
	g := sampled(t, all, .1)
	p := Params{Algorithm: EASE}
	if err := p.fits(g.users, g.items); err != nil {
		t.Fatalf("a tenth is too large as well: %v", err)
	}
	var large *ease.TooLargeError
	if err := g.fits(p); !errors.As(err, &large) || large.Users != n {
		t.Errorf("got %v", err)
	}
	if err := g.fits(Params{Algorithm: Popularity}); err != nil {
		t.Error(err)
	}
	e := newEvaluation(EvaluationDefaults())
	e.configurations[0].Params = p
	rows, err := e.try(t.Context(), 1, g, "")
	if err != nil || len(rows) != 1 || rows[0].reason != large.Error() {
		t.Errorf("%+v, %v", rows, err)
	}
}
