package factors

// Row is a vector.
type Row struct {
	Index  uint32
	Values []float32 // k factors

	lent bool // Values are memory of a Reader
}

// Reset empties the row. What it points to is used again, unless it came from a Reader.
func (r *Row) Reset() {
	if r.lent {
		*r = Row{}
	}
	*r = Row{Values: r.Values[:0]}
}
