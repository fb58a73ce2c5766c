package neighbours

import (
	"testing"

	"pgregory.net/rapid"
)

// counting is a Matrix of rows that hold their number.
type counting struct{ rows int }

func (m counting) Rows() int    { return m.rows }
func (m counting) Columns() int { return m.rows }
func (counting) Row(i int) (columns []uint32, values []float32) {
	return []uint32{uint32(i)}, []float32{-float32(i)}
}

func TestRowsAhead(t *testing.T) {
	var a rowsAhead // used again
	rapid.Check(t, func(t *rapid.T) {
		of := rapid.SliceOfN(rapid.Uint32Range(0, 99), 0, 3*ahead).Draw(t, "of")
		a.begin(counting{100}, of)
		for q, i := range of {
			columns, values := a.read()
			if columns[0] != i || values[0] != -float32(i) {
				t.Fatalf("row %d of %v is %v, %v", q, of, columns, values)
			}
		}
	})
}
