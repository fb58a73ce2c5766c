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

// pair is a place in a matrix.
type pair struct{ row, column uint32 }

// pairCodec writes a pair so that bytes have its order.
type pairCodec struct{}

const (
	pairBytes = 8
	rowBytes  = 4 // of a pair: what makes a row
)

// Width implements mapreduce.FixedWidth.
func (pairCodec) Width() int { return pairBytes }

// Append implements mapreduce.Codec.
func (pairCodec) Append(b []byte, p pair) []byte {
	return binary.BigEndian.AppendUint64(b, uint64(p.row)<<32|uint64(p.column))
}

// Decode implements mapreduce.Codec.
func (pairCodec) Decode(b []byte) (pair, error) {
	if len(b) != pairBytes {
		return pair{}, fmt.Errorf("%w: %d bytes, want %d", mapreduce.ErrShort, len(b), pairBytes)
	}
	u := binary.BigEndian.Uint64(b)
	return pair{uint32(u >> 32), uint32(u)}, nil
}

// weight is what an interaction is worth.
type weight struct {
	value float64
	time  int64
}

// weightCodec writes a value, and its time only where it decides.
type weightCodec struct{ timed bool }

// Width implements mapreduce.FixedWidth.
func (c weightCodec) Width() int {
	if c.timed {
		return 16
	}
	return 8
}

// Append implements mapreduce.Codec.
func (c weightCodec) Append(b []byte, w weight) []byte {
	b = binary.LittleEndian.AppendUint64(b, math.Float64bits(w.value))
	if c.timed {
		b = binary.LittleEndian.AppendUint64(b, uint64(w.time))
	}
	return b
}

// Decode implements mapreduce.Codec.
func (c weightCodec) Decode(b []byte) (w weight, err error) {
	if len(b) != c.Width() {
		return w, fmt.Errorf("%w: %d bytes, want %d", mapreduce.ErrShort, len(b), c.Width())
	}
	w.value = math.Float64frombits(binary.LittleEndian.Uint64(b))
	if c.timed {
		w.time = int64(binary.LittleEndian.Uint64(b[8:]))
	}
	return w, nil
}

type pairStream = mapreduce.Stream[pair, weight]

// rowsOf is a side dataset of compressed rows.
func rowsOf(name string) *mapreduce.Dataset[matrix.Row] {
	return &mapreduce.Dataset[matrix.Row]{
		Name: name, Ext: "matrix", Side: true,
		Create: func(_ *mapreduce.Env, w io.Writer) (mapreduce.Sink[matrix.Row], error) {
			return matrix.NewWriter(w), nil
		},
		Open: func(_ *mapreduce.Env, path string) (mapreduce.Reader[matrix.Row], error) {
			return matrix.OpenReader(path)
		},
	}
}

// bytesPerPair makes partitions of about 500,000 pairs. They are small, since the files of a matrix are the tasks of the
// stages that map it.
const bytesPerPair = 256

// pairs is a stream that makes a matrix, one row a group.
func pairs(name string, to *mapreduce.Dataset[matrix.Row], c weightCodec, duplicates string) *pairStream {
	return &pairStream{
		Name: name, Key: pairCodec{}, Value: c, BytesPerRow: bytesPerPair,
		Group: func([]byte) int { return rowBytes },
		Reduce: func(context.Context, *mapreduce.Env) (mapreduce.Reducer[pair, weight], error) {
			return newRowReducer(to, duplicates), nil
		},
		Writes: []mapreduce.Port{to},
	}
}

// rowReducer makes rows of pairs, and one pair of several.
type rowReducer struct {
	rows  *mapreduce.Dataset[matrix.Row]
	merge func(into *weight, w weight)
	take  func(p pair, w weight) bool // add, made once
	row   matrix.Row
	last  weight // of the pair that is open
}

func newRowReducer(to *mapreduce.Dataset[matrix.Row], duplicates string) *rowReducer {
	r := &rowReducer{rows: to, merge: merging(duplicates)}
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
func (r *rowReducer) Reduce(_ context.Context, group pair, values iter.Seq2[pair, weight], out *mapreduce.Out) error {
	r.row.Reset()
	r.row.Index = group.row
	values(r.take)
	if len(r.row.Columns) == 0 {
		return nil
	}
	r.end()
	for i, v := range r.row.Values {
		if math.IsInf(float64(v), 0) {
			return &mapreduce.Error{Record: -1, Class: mapreduce.BadRecord, Err: fmt.Errorf("column %d: %w", r.row.Columns[i], errTooLarge)}
		}
	}
	r.rows.Write(out, 0, r.row)
	return nil
}

func (r *rowReducer) add(p pair, w weight) bool {
	n := len(r.row.Columns)
	if n > 0 && r.row.Columns[n-1] == p.column {
		r.merge(&r.last, w)
		return true
	}
	if n > 0 {
		r.end()
	}
	r.row.Columns = append(r.row.Columns, p.column)
	r.last = w
	return true
}

// end takes the value of the open pair.
func (r *rowReducer) end() {
	r.row.Values = append(r.row.Values, float32(r.last.value))
}

// Close implements mapreduce.Reducer.
func (*rowReducer) Close() error { return nil }
