package top

import (
	"cmp"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestRowsAreTheFirstOfAll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := rapid.SliceOf(rapid.IntRange(-50, 50)).Draw(t, "rows")
		n := rapid.IntRange(1, 20).Draw(t, "n")
		rows := New(n, cmp.Compare[int])
		for _, v := range in {
			rows.Add(v)
			if len(rows.rows) > 2*n {
				t.Fatalf("%d rows are held for n = %d", len(rows.rows), n)
			}
		}
		want := slices.Clone(in)
		slices.Sort(want)
		want = want[:min(n, len(want))]
		if got := rows.Sorted(); !slices.Equal(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	})
}

func TestSortedMayBeAskedInBetween(t *testing.T) {
	rows := New(2, cmp.Compare[int])
	for _, v := range []int{5, 4, 9} {
		rows.Add(v)
	}
	if got := rows.Sorted(); !slices.Equal(got, []int{4, 5}) {
		t.Fatalf("got %v", got)
	}
	rows.Add(1)
	if got := rows.Sorted(); !slices.Equal(got, []int{1, 4}) {
		t.Fatalf("after another row: got %v", got)
	}
}

func TestNoRows(t *testing.T) {
	if got := New(3, cmp.Compare[int]).Sorted(); len(got) != 0 {
		t.Fatalf("got %v from nothing", got)
	}
}
