package recommend

import (
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/jobs/internal/ease"
)

// drawRows draws a matrix in memory.
func drawRows(t *rapid.T, rows, width int, valued bool) *memoryRows {
	m := newMemoryRows(rows, width)
	for i := range rows {
		for c := range width {
			switch {
			case !rapid.Bool().Draw(t, "entry"):
			case valued:
				m.add(uint32(c), float32(1+i+c))
			default:
				m.addOne(uint32(c))
			}
		}
		m.end(i)
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

// TestSample: both matrices have the same users, whose rows are whole; those of a smaller share are among those of a larger one.
func TestSample(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, items, valued := rapid.IntRange(1, 30).Draw(t, "users"), rapid.IntRange(1, 6).Draw(t, "items"), rapid.Bool().Draw(t, "valued")
		users := drawRows(t, n, items, valued)
		all := &ground{users: users, items: users.transpose(), known: withEntry(users)}
		share := rapid.Float64Range(.01, 1).Draw(t, "share")
		small, large := sampleOf(all, share/3), sampleOf(all, share)
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
		users.addOne(0)
		users.end(i)
	}
	g := sampleOf(&ground{users: users, items: someColumns(users.transpose(), slices.Repeat([]bool{true}, 20_000))}, .1)
	if g.known < 1800 || g.known > 2200 { // the standard deviation is 42
		t.Errorf("%d of 20,000 users are a tenth", g.known)
	}
	if columns, values := someColumns(users, []bool{true, false}).Row(7); len(columns) != 1 || values != nil {
		t.Errorf("columns %v, values %v", columns, values)
	}
}

// TestSampleOfTooMuch: what cannot be trained on all users is not tried on some, where it would take the place of another one.
func TestSampleOfTooMuch(t *testing.T) {
	n := ease.Limit + 1
	users := newMemoryRows(n, n)
	for i := range n {
		users.addOne(uint32(i))
		users.end(i)
	}
	all := &ground{users: users, items: users}
	g := sampleOf(all, .1)
	p := Params{Algorithm: EASE}
	if err := p.fits(g.users, g.items, memoryLimit()); err != nil {
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
	rows, err := e.try(t.Context(), 1, g)
	if err != nil || len(rows) != 1 || rows[0].reason != large.Error() {
		t.Errorf("%+v, %v", rows, err)
	}
}
