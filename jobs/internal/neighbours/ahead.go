package neighbours

import "github.com/shardmill/shardmill/jobs/internal/prefetch"

// ahead is how many rows before it is read the memory of a row is asked for. Rows are short and far from each other, so that
// the processor does not see for itself what comes next.
const ahead = 4

// rowsAhead reads some rows of a matrix in turn.
type rowsAhead struct {
	matrix Matrix
	of     []uint32 // which rows
	next   int      // of them
	rows   [ahead]row
}

type row struct {
	columns []uint32
	values  []float32
}

// begin begins with the first of other rows.
func (a *rowsAhead) begin(m Matrix, of []uint32) {
	a.matrix, a.of, a.next = m, of, 0
	for q := range min(ahead, len(of)) {
		a.ask(q)
	}
}

// ask looks up row q of those that are read, and asks for its memory.
func (a *rowsAhead) ask(q int) {
	columns, values := a.matrix.Row(int(a.of[q]))
	prefetch.Slice(columns)
	prefetch.Slice(values)
	a.rows[q%ahead] = row{columns, values}
}

// read returns the next row, of which there must be one.
func (a *rowsAhead) read() (columns []uint32, values []float32) {
	q := a.next
	a.next++
	r := a.rows[q%ahead]
	if q+ahead < len(a.of) {
		a.ask(q + ahead)
	}
	return r.columns, r.values
}
