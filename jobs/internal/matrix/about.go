package matrix

// About is what there is to tell of a file.
type About struct {
	Version int
	Lo, Hi  int   // rows [Lo, Hi), gaps included; 0 and 0 without any
	Columns int64 // one more than the largest column, 0 without any
	Entries int64
	Written int64 // rows that are no gap
	Valued  int64 // rows with values
	Longest int   // entries of the longest row
}

// About looks at the pointers of all rows.
func (r *Reader) About() About {
	p := &r.part.Data
	a := About{Version: int(kind().Version), Lo: r.part.Lo, Hi: r.part.Hi, Columns: int64(p.columns), Entries: p.entries, Valued: p.valued}
	for i := range a.Hi - a.Lo {
		columns, _ := p.row(i)
		a.Longest = max(a.Longest, len(columns))
		if p.written(i) {
			a.Written++
		}
	}
	return a
}
