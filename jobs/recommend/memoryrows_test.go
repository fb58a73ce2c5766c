package recommend

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/jobs/internal/matrix"
)

// TestMemoryRows compares a matrix in memory, and its transpose, with maps.
func TestMemoryRows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows, width := rapid.IntRange(1, 9).Draw(t, "rows"), rapid.IntRange(1, 9).Draw(t, "columns")
		m, want := newMemoryRows(rows, width), map[[2]int]float32{}
		for i := range rows {
			if rapid.Bool().Draw(t, "left out") {
				continue
			}
			r := matrix.Row{Index: uint32(i)}
			for c := range width {
				if rapid.Bool().Draw(t, "entry") {
					want[[2]int{i, c}] = float32(10*i + c)
					r.Columns, r.Values = append(r.Columns, uint32(c)), append(r.Values, float32(10*i+c))
				}
			}
			m.put(r)
		}
		check := func(m *memoryRows, byColumns bool) {
			seen := 0
			for i := range m.Rows() {
				columns, values := m.Row(i)
				if !slices.IsSorted(columns) || len(values) != len(columns) {
					t.Fatalf("row %d: columns %v, values %v", i, columns, values)
				}
				for q, c := range columns {
					at := [2]int{i, int(c)}
					if byColumns {
						at = [2]int{int(c), i}
					}
					if v, ok := want[at]; !ok || v != values[q] {
						t.Fatalf("%v is %v, want %v", at, values[q], v)
					}
					seen++
				}
			}
			if seen != len(want) {
				t.Fatalf("%d entries, want %d", seen, len(want))
			}
		}
		check(m, false)
		columns := m.transpose()
		if columns.Rows() != width || columns.Columns() != rows {
			t.Fatalf("the transpose is %d x %d", columns.Rows(), columns.Columns())
		}
		check(columns, true)
	})
}
