package datasets

import (
	"testing"

	"pgregory.net/rapid"
)

// TestMatrix: a matrix and its transpose have the entries, in order.
func TestMatrix(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows, columns := rapid.IntRange(1, 9).Draw(t, "rows"), rapid.IntRange(1, 9).Draw(t, "columns")
		at := rapid.Custom(func(t *rapid.T) [2]uint32 {
			return [2]uint32{rapid.Uint32Range(0, uint32(rows-1)).Draw(t, "row"), rapid.Uint32Range(0, uint32(columns-1)).Draw(t, "column")}
		})
		entries := Entries(rapid.MapOf(at, rapid.Float32()).Draw(t, "entries"))
		for _, binary := range []bool{false, true} {
			m := Compress(rows, columns, entries, binary)
			check(t, m, rows, columns, binary, len(entries), func(i, c uint32) (float32, bool) { v, some := entries[[2]uint32{i, c}]; return v, some })
			check(t, m.Transpose(), columns, rows, binary, len(entries), func(i, c uint32) (float32, bool) { v, some := entries[[2]uint32{c, i}]; return v, some })
		}
	})
}

func check(t *rapid.T, m *Matrix, rows, columns int, binary bool, entries int, want func(i, c uint32) (float32, bool)) {
	t.Helper()
	if m.Rows() != rows || m.Columns() != columns || len(m.Index) != entries {
		t.Fatalf("%d x %d with %d entries, want %d x %d with %d", m.Rows(), m.Columns(), len(m.Index), rows, columns, entries)
	}
	for i := range rows {
		columns, values := m.Row(i)
		if len(values) != len(columns) && (!binary || values != nil) {
			t.Fatalf("row %d: %d values of %d columns", i, len(values), len(columns))
		}
		for q, c := range columns {
			v, some := want(uint32(i), c)
			if q > 0 && c <= columns[q-1] || !some || !binary && values[q] != v {
				t.Fatalf("row %d: %v %v", i, columns, values)
			}
		}
	}
}

// TestGenerate: it is the same each time, about as large as asked for, and a row has no item twice.
func TestGenerate(t *testing.T) {
	m, again := Generate(300, 200, 20), Generate(300, 200, 20)
	if m.Rows() != 300 || m.Columns() != 200 || len(m.Index) < 300*10 || len(m.Index) > 300*30 {
		t.Errorf("%d x %d with %d entries", m.Rows(), m.Columns(), len(m.Index))
	}
	for u := range m.Rows() {
		row, _ := m.Row(u)
		other, _ := again.Row(u)
		if len(row) != len(other) {
			t.Fatalf("row %d: %v, then %v", u, row, other)
		}
		for q, item := range row {
			if q > 0 && item <= row[q-1] || item != other[q] {
				t.Fatalf("row %d: %v, then %v", u, row, other)
			}
		}
	}
}
