package recommend

import "github.com/shardmill/shardmill/jobs/internal/matrix"

// memoryRows is a matrix in memory, which is made row by row.
type memoryRows struct {
	rows, width int
	ends        []int // of rows; those behind the last are empty
	columns     []uint32
	values      []float32 // of the columns; empty: all are 1
}

// newMemoryRows makes a matrix whose rows are empty.
func newMemoryRows(rows, columns int) *memoryRows { return &memoryRows{rows: rows, width: columns} }

// put adds row r.Index, which is above those before; rows between them are empty.
func (e *memoryRows) put(r matrix.Row) {
	if len(r.Values) > 0 {
		e.weigh()
	}
	e.empty(int(r.Index))
	if e.columns, e.values = append(e.columns, r.Columns...), append(e.values, r.Values...); len(e.values) > 0 {
		e.weigh()
	}
	e.ends = append(e.ends, len(e.columns))
}

// weigh gives the value 1 to the entries that have none.
func (e *memoryRows) weigh() {
	for len(e.values) < len(e.columns) {
		e.values = append(e.values, 1)
	}
}

// empty adds empty rows up to row i.
func (e *memoryRows) empty(i int) {
	for len(e.ends) < i {
		e.ends = append(e.ends, len(e.columns))
	}
}

// Rows implements sparse.
func (e *memoryRows) Rows() int { return e.rows }

// Columns implements sparse.
func (e *memoryRows) Columns() int { return e.width }

// Row implements sparse.
func (e *memoryRows) Row(i int) (columns []uint32, values []float32) {
	if i >= len(e.ends) {
		return nil, nil
	}
	from, to := 0, e.ends[i]
	if i > 0 {
		from = e.ends[i-1]
	}
	if len(e.values) == 0 {
		return e.columns[from:to], nil
	}
	return e.columns[from:to], e.values[from:to]
}

// transpose makes the matrix by columns.
func (e *memoryRows) transpose() *memoryRows {
	t := &memoryRows{
		rows: e.width, width: e.rows, ends: make([]int, e.width),
		columns: make([]uint32, len(e.columns)), values: make([]float32, len(e.values)),
	}
	for _, c := range e.columns {
		t.ends[c]++
	}
	at := 0
	for c, n := range t.ends {
		t.ends[c] = at // where the next entry goes
		at += n
	}
	for i := range e.ends {
		columns, values := e.Row(i)
		for q, c := range columns {
			to := t.ends[c]
			t.ends[c]++
			t.columns[to] = uint32(i)
			if values != nil {
				t.values[to] = values[q]
			}
		}
	}
	return t
}
