package recommend

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/shardmill/shardmill/jobs/internal/ids"
	"github.com/shardmill/shardmill/mapreduce"
)

// seen is what the split knows of an id.
type seen struct {
	rows   int64 // interactions
	newest int64 // time of the latest one
}

func (s *seen) merge(o seen) {
	s.rows += o.rows
	s.newest = max(s.newest, o.newest)
}

// seenCodec writes two numbers.
type seenCodec struct{}

// Width implements mapreduce.FixedWidth.
func (seenCodec) Width() int { return 16 }

// Append implements mapreduce.Codec.
func (seenCodec) Append(b []byte, s seen) []byte {
	return binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(b, uint64(s.rows)), uint64(s.newest))
}

// Decode implements mapreduce.Codec.
func (c seenCodec) Decode(b []byte) (seen, error) {
	if len(b) != c.Width() {
		return seen{}, fmt.Errorf("%w: %d bytes, want %d", mapreduce.ErrShort, len(b), c.Width())
	}
	return seen{int64(binary.LittleEndian.Uint64(b)), int64(binary.LittleEndian.Uint64(b[8:]))}, nil
}

type idStream = mapreduce.Stream[[]byte, seen]

// dictionary is the dataset of the ids of one side, users or items, in one file.
func dictionary(name string, kind ids.Type) *mapreduce.Dataset[ids.Entry] {
	return &mapreduce.Dataset[ids.Entry]{
		Name: name, Ext: "ids", Side: true,
		Create: func(_ *mapreduce.Env, w io.Writer) (mapreduce.Sink[ids.Entry], error) {
			return idSink{ids.NewWriter(w, ids.Options{Type: kind}), kind}, nil
		},
	}
}

// idSink writes ids. That they are not what is asked for is the input's fault.
type idSink struct {
	*ids.Writer
	kind ids.Type
}

// Write implements mapreduce.Sink.
func (s idSink) Write(e ids.Entry) error { return s.class(s.Writer.Write(e)) }

// Close implements mapreduce.Sink.
func (s idSink) Close() error { return s.class(s.Writer.Close()) }

func (s idSink) class(err error) error {
	switch {
	case errors.Is(err, ids.ErrNotInt64):
		return mapreduce.BadInput(fmt.Errorf("--id-type %s: %w", s.kind, err))
	case errors.Is(err, ids.ErrTooMany), errors.Is(err, ids.ErrTooLong):
		return mapreduce.BadInput(err)
	}
	return err
}

// idsOf is the stream that makes a dictionary: the ids in the order of their bytes, through one partition.
func idsOf(name string, to *mapreduce.Dataset[ids.Entry]) *idStream {
	return &idStream{
		Name: name, Key: mapreduce.Bytes{}, Value: seenCodec{}, Merge: (*seen).merge, Partitions: 1,
		Reduce: func(context.Context, *mapreduce.Env) (mapreduce.Reducer[[]byte, seen], error) {
			return &idReducer{entries: to}, nil
		},
		Writes: []mapreduce.Port{to},
	}
}

// idReducer writes a dictionary.
type idReducer struct {
	entries *mapreduce.Dataset[ids.Entry]
	n       int
}

// Reduce implements mapreduce.Reducer.
func (r *idReducer) Reduce(_ context.Context, id []byte, values iter.Seq2[[]byte, seen], out *mapreduce.Out) error {
	all := seen{newest: noTime}
	for _, s := range values {
		all.merge(s)
	}
	r.n++
	r.entries.Write(out, 0, ids.Entry{ID: id, Rows: all.rows, Newest: all.newest})
	return nil
}

// errNothing says that the split left no row.
var errNothing = errors.New("no interaction is left: all rows were rejected, or dropped for a value that does not count (0 or below, or below --min-value)")

// Close implements mapreduce.Reducer.
func (r *idReducer) Close() error {
	if r.n == 0 {
		return mapreduce.BadInput(errNothing)
	}
	return nil
}
