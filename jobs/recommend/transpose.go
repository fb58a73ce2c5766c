package recommend

import (
	"context"
	"slices"

	"github.com/shardmill/shardmill/jobs/internal/matrix"
	"github.com/shardmill/shardmill/mapreduce"
)

// transposer turns the rows of a batch into pieces of columns, by counting. Rows are in order, and so are the entries of pieces.
// It holds 8 bytes a column of the matrix, and 4 or 8 bytes an entry of the batch.
type transposer struct {
	to      *rowStream
	counts  []uint32 // entries, by column
	next    []uint32 // by column, where its next entry goes
	touched []uint32 // columns that have entries
	rows    []uint32 // of the entries, one column behind the other
	values  []float32
	piece   piece
	encoded []byte
}

func newTransposer(to *rowStream, columns int) *transposer {
	return &transposer{to: to, counts: make([]uint32, columns), next: make([]uint32, columns)}
}

// Map implements mapreduce.Mapper.
func (t *transposer) Map(_ context.Context, batch []matrix.Row, out *mapreduce.Out) error {
	n, valued := t.count(batch, out)
	t.rows, t.values = slices.Grow(t.rows[:0], n)[:n], t.values[:0]
	if valued {
		t.values = slices.Grow(t.values, n)[:n]
	}
	for i := range batch {
		if !out.Rejected(i) {
			t.scatter(&batch[i])
		}
	}
	for _, c := range t.touched {
		t.emit(c, noRow, out)
	}
	return nil
}

// count counts the entries of each column, and gives each its place.
func (t *transposer) count(batch []matrix.Row, out *mapreduce.Out) (n int, valued bool) {
	for _, c := range t.touched {
		t.counts[c] = 0
	}
	t.touched = t.touched[:0]
	for i := range batch {
		if out.Rejected(i) {
			continue
		}
		valued = valued || len(batch[i].Values) > 0
		for _, c := range batch[i].Columns {
			if t.counts[c] == 0 {
				t.touched = append(t.touched, c)
			}
			t.counts[c]++
		}
	}
	for _, c := range t.touched {
		t.next[c] = uint32(n)
		n += int(t.counts[c])
	}
	return n, valued
}

// scatter puts the entries of a row behind those of their columns.
func (t *transposer) scatter(r *matrix.Row) {
	for k, c := range r.Columns {
		at := t.next[c]
		t.next[c]++
		t.rows[at] = r.Index
		switch {
		case len(t.values) == 0:
		case len(r.Values) == 0:
			t.values[at] = 1
		default:
			t.values[at] = r.Values[k]
		}
	}
}

// emit sends the entries of a column.
func (t *transposer) emit(c uint32, i int, out *mapreduce.Out) {
	from, to := t.next[c]-t.counts[c], t.next[c]
	t.piece.reset()
	if len(t.values) == 0 {
		t.piece.columns = append(t.piece.columns, t.rows[from:to]...)
	} else {
		for k := from; k < to; k++ {
			t.piece.add(t.rows[k], weight{value: float64(t.values[k])})
		}
	}
	t.encoded = t.piece.append(t.encoded[:0])
	t.to.Emit(out, i, c, t.encoded)
}

// Close implements mapreduce.Mapper.
func (*transposer) Close() error { return nil }
