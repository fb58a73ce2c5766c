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

// rowReducer makes rows of pieces, and one entry of several of a column.
type rowReducer struct {
	rows    *mapreduce.Dataset[matrix.Row]
	merge   func(into *weight, w weight)
	take    func(row uint32, b []byte) bool // add, made once
	mergeAt int
	most    int   // entries with which several of a column are merged next
	all     piece // of the row
	merged  piece
	order   []uint64 // columns and places of entries
	sorter  columnSorter
	values  []float32
	err     error
}

func newRowReducer(to *mapreduce.Dataset[matrix.Row], duplicates string) *rowReducer {
	r := &rowReducer{rows: to, merge: merging(duplicates), mergeAt: mergeAt}
	r.take = r.add
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
func (r *rowReducer) Reduce(_ context.Context, row uint32, pieces iter.Seq2[uint32, []byte], out *mapreduce.Out) error {
	r.all.reset()
	r.most, r.err, r.values = r.mergeAt, nil, r.values[:0]
	if pieces(r.take); r.err != nil {
		return r.err
	}
	r.mergeColumns()
	for i, w := range r.all.weights {
		v := float32(w.value)
		if math.IsInf(float64(v), 0) {
			return &mapreduce.Error{Record: -1, Class: mapreduce.BadRecord, Err: fmt.Errorf("column %d: %w", r.all.columns[i], errTooLarge)}
		}
		r.values = append(r.values, v)
	}
	r.rows.Write(out, 0, matrix.Row{Index: row, Columns: r.all.columns, Values: r.values})
	return nil
}

func (r *rowReducer) add(_ uint32, b []byte) bool {
	if r.err = r.all.decode(b); r.err != nil {
		return false
	}
	if len(r.all.columns) >= r.most {
		r.mergeColumns()
		r.most = max(r.mergeAt, 2*len(r.all.columns))
	}
	return true
}

// mergeColumns puts entries in the order of their columns, those of one column in the order in which they came, and makes one of these.
func (r *rowReducer) mergeColumns() {
	if ascending(r.all.columns) {
		return
	}
	r.order = r.order[:0]
	for i, c := range r.all.columns {
		r.order = append(r.order, uint64(c)<<32|uint64(i))
	}
	r.order = r.sorter.sort(r.order)
	to := &r.merged
	to.reset()
	for _, o := range r.order {
		c, w, n := uint32(o>>32), r.all.weight(int(uint32(o))), len(to.columns)
		if n == 0 || to.columns[n-1] != c {
			to.add(c, w)
			continue
		}
		to.weigh()
		r.merge(&to.weights[n-1], w)
	}
	r.all, r.merged = r.merged, r.all
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
