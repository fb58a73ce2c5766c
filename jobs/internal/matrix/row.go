package matrix

// keepEntries is how long a row may be for its memory to be kept.
const keepEntries = 1 << 20

// Row is a row of a matrix.
type Row struct {
	Index   uint32
	Columns []uint32  // ascending, each once
	Values  []float32 // of the columns; empty: all are 1

	lent bool // Columns and Values are memory of a Reader
}

// Reset empties the row. What it points to is used again, unless it came from a Reader.
func (r *Row) Reset() {
	if r.lent || cap(r.Columns) > keepEntries {
		*r = Row{}
	}
	*r = Row{Columns: r.Columns[:0], Values: r.Values[:0]}
}
