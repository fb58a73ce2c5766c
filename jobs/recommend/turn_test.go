package recommend

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/jobs/internal/matrix"
)

// TestTurn: each column that has entries comes as a row, however many entries are held at once.
func TestTurn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := drawRows(t, rapid.IntRange(1, 12).Draw(t, "rows"), rapid.IntRange(1, 12).Draw(t, "columns"), rapid.Bool().Draw(t, "valued"))
		next, entries := 0, 0
		err := turn(t.Context(), m, rapid.IntRange(1, 40).Draw(t, "at once"), func(r matrix.Row) error {
			if int(r.Index) < next || len(r.Columns) == 0 || len(r.Values) != len(r.Columns) || !slices.IsSorted(r.Columns) {
				t.Fatalf("column %d, of %v and %v, comes before column %d", r.Index, r.Columns, r.Values, next)
			}
			next = int(r.Index) + 1
			for q, i := range r.Columns {
				if v := valueIn(m, int(i), int(r.Index)); v != r.Values[q] {
					t.Fatalf("row %d of column %d is %v, want %v", i, r.Index, r.Values[q], v)
				}
				entries++
			}
			return nil
		})
		if all := entriesOf(m); err != nil || entries != all {
			t.Fatalf("%d of %d entries, %v", entries, all, err)
		}
	})
}
