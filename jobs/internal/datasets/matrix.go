package datasets

import (
	"cmp"
	"maps"
	"slices"
)

// Matrix is a matrix in memory, by rows: row i is Index[Starts[i]:Starts[i+1]], ascending, and so of Values, which are nil if all
// are 1.
type Matrix struct {
	Width  int
	Starts []int
	Index  []uint32
	Values []float32
}

// Rows is the number of rows.
func (m *Matrix) Rows() int { return len(m.Starts) - 1 }

// Columns is the number of columns.
func (m *Matrix) Columns() int { return m.Width }

// Row returns row i: its columns, ascending, and their values, nil if all are 1.
func (m *Matrix) Row(i int) (columns []uint32, values []float32) {
	a, b := m.Starts[i], m.Starts[i+1]
	if m.Values != nil {
		values = m.Values[a:b]
	}
	return m.Index[a:b], values
}

// Entries are the values of a matrix by row and column.
type Entries map[[2]uint32]float32

// Compress makes a matrix of entries. One that is binary leaves their values out.
func Compress(rows, columns int, entries Entries, binary bool) *Matrix {
	m := &Matrix{Width: columns, Starts: make([]int, rows+1)}
	for _, at := range slices.SortedFunc(maps.Keys(entries), func(a, b [2]uint32) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) }) {
		m.Starts[at[0]+1]++
		m.Index = append(m.Index, at[1])
		if !binary {
			m.Values = append(m.Values, entries[at])
		}
	}
	for i := range rows {
		m.Starts[i+1] += m.Starts[i]
	}
	return m
}

// Transpose makes the matrix with rows for columns.
func (m *Matrix) Transpose() *Matrix {
	t := &Matrix{Width: m.Rows(), Starts: make([]int, m.Width+1), Index: make([]uint32, len(m.Index))}
	for _, c := range m.Index {
		t.Starts[c+1]++
	}
	for c := range m.Width {
		t.Starts[c+1] += t.Starts[c]
	}
	if m.Values != nil {
		t.Values = make([]float32, len(m.Values))
	}
	next := slices.Clone(t.Starts)
	for i := range m.Rows() {
		columns, values := m.Row(i)
		for q, c := range columns {
			t.Index[next[c]] = uint32(i)
			if values != nil {
				t.Values[next[c]] = values[q]
			}
			next[c]++
		}
	}
	return t
}
