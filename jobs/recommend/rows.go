package recommend

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"

	"github.com/shardmill/shardmill/jobs/internal/matrix"
	"github.com/shardmill/shardmill/mapreduce"
)

// rowCodec writes the number of a row so that bytes have its order.
type rowCodec struct{}

// Width implements mapreduce.FixedWidth.
func (rowCodec) Width() int { return 4 }

// Append implements mapreduce.Codec.
func (rowCodec) Append(b []byte, row uint32) []byte { return binary.BigEndian.AppendUint32(b, row) }

// Decode implements mapreduce.Codec.
func (c rowCodec) Decode(b []byte) (uint32, error) {
	if len(b) != c.Width() {
		return 0, fmt.Errorf("%w: %d bytes, want %d", mapreduce.ErrShort, len(b), c.Width())
	}
	return binary.BigEndian.Uint32(b), nil
}

// rowStream takes encoded pieces of the rows of a matrix.
type rowStream = mapreduce.Stream[uint32, []byte]

// rowsOf is a side dataset of compressed rows.
func rowsOf(name string) *mapreduce.Dataset[matrix.Row] {
	return &mapreduce.Dataset[matrix.Row]{
		Name: name, Ext: "matrix", Side: true,
		Create: func(_ *mapreduce.Env, w io.Writer) (mapreduce.Sink[matrix.Row], error) {
			return matrix.NewWriter(w), nil
		},
		Open: func(_ *mapreduce.Env, path string) (mapreduce.Reader[matrix.Row], error) {
			return matrix.ReopenReader(path) // the engine has compared its checksum
		},
	}
}

// bytesPerPair makes partitions of about 500,000 pairs. They are small, since the files of a matrix are the tasks of the
// stages that map it.
const bytesPerPair = 256

// rowsInto is a stream that makes a matrix, one row a group.
func rowsInto(to *mapreduce.Dataset[matrix.Row], name, duplicates string) *rowStream {
	return &rowStream{
		Name: name, Key: rowCodec{}, Value: mapreduce.Bytes{}, BytesPerRow: bytesPerPair,
		Reduce: func(context.Context, *mapreduce.Env) (mapreduce.Reducer[uint32, []byte], error) {
			return newRowReducer(to, duplicates), nil
		},
		Writes: []mapreduce.Port{to},
	}
}

// mergeAt is how many entries a row may have before several ones of a column are merged, so that no more is held of a row
// than twice what is written.
const mergeAt = 1 << 20

// merger puts the pieces of a row together, and makes one entry of several of a column.
type merger struct {
	merge   func(into *weight, w weight)
	mergeAt int
	most    int   // entries with which several of a column are merged next
	all     piece // of the row
	merged  piece
	order   []uint64 // columns and places of entries
	sorter  columnSorter
}

func newMerger(merge func(into *weight, w weight)) merger {
	return merger{merge: merge, mergeAt: mergeAt}
}

// begin begins a row.
func (m *merger) begin() {
	m.all.reset()
	m.most = m.mergeAt
}

// take adds an encoded piece.
func (m *merger) take(b []byte) error {
	if err := m.all.decode(b); err != nil {
		return err
	}
	if len(m.all.columns) >= m.most {
		m.mergeColumns()
		m.most = max(m.mergeAt, 2*len(m.all.columns))
	}
	return nil
}

// appendValues appends the values of the entries, none if all are 1.
func (m *merger) appendValues(values []float32) ([]float32, error) {
	for i, w := range m.all.weights {
		v := float32(w.value)
		if math.IsInf(float64(v), 0) {
			return nil, &mapreduce.Error{Record: -1, Class: mapreduce.BadRecord, Err: fmt.Errorf("column %d: %w", m.all.columns[i], errTooLarge)}
		}
		values = append(values, v)
	}
	return values, nil
}

// rowReducer makes rows of pieces.
type rowReducer struct {
	merger
	rows   *mapreduce.Dataset[matrix.Row]
	add    func(row uint32, b []byte) bool // take, made once
	values []float32
	err    error
}

func newRowReducer(to *mapreduce.Dataset[matrix.Row], duplicates string) *rowReducer {
	r := &rowReducer{rows: to, merger: newMerger(merging(duplicates))}
	r.add = func(_ uint32, b []byte) bool {
		r.err = r.take(b)
		return r.err == nil
	}
	return r
}

// merging is what makes one value of two. They come in the order of the input.
func merging(duplicates string) func(into *weight, w weight) {
	switch duplicates {
	case maxOf:
		return func(into *weight, w weight) { into.value = max(into.value, w.value) }
	case lastOf:
		return func(into *weight, w weight) {
			if w.time >= into.time {
				*into = w
			}
		}
	default: // of countOf, each value is what one interaction counts
		return func(into *weight, w weight) { into.value += w.value }
	}
}

// errTooLarge says that a value has no place in a matrix.
var errTooLarge = errors.New("the value is too large for a 32-bit float")

// Reduce implements mapreduce.Reducer.
func (r *rowReducer) Reduce(_ context.Context, row uint32, pieces iter.Seq2[uint32, []byte], out *mapreduce.Out) (err error) {
	r.begin()
	r.err = nil
	if pieces(r.add); r.err != nil {
		return r.err
	}
	r.mergeColumns()
	if r.values, err = r.appendValues(r.values[:0]); err != nil {
		return err
	}
	r.rows.Write(out, 0, matrix.Row{Index: row, Columns: r.all.columns, Values: r.values})
	return nil
}

// mergeColumns puts entries in the order of their columns, those of one column in the order in which they came, and makes one of these.
func (m *merger) mergeColumns() {
	if ascending(m.all.columns) {
		return
	}
	m.order = m.order[:0]
	for i, c := range m.all.columns {
		m.order = append(m.order, uint64(c)<<32|uint64(i))
	}
	m.order = m.sorter.sort(m.order)
	to := &m.merged
	to.reset()
	for _, o := range m.order {
		c, w, n := uint32(o>>32), m.all.weight(int(uint32(o))), len(to.columns)
		if n == 0 || to.columns[n-1] != c {
			to.add(c, w)
			continue
		}
		to.weigh()
		m.merge(&to.weights[n-1], w)
	}
	m.all, m.merged = m.merged, m.all
}

func ascending(columns []uint32) bool {
	for i := 1; i < len(columns); i++ {
		if columns[i-1] >= columns[i] {
			return false
		}
	}
	return true
}

// Close implements mapreduce.Reducer.
func (*rowReducer) Close() error { return nil }
