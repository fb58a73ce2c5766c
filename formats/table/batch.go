package table

import (
	"fmt"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
)

// ValueError reports a value that cannot be stored. The record that holds it was not added.
type ValueError struct {
	Column string
	Err    error
}

// Error names the column and the cause.
func (e *ValueError) Error() string { return fmt.Sprintf("column %q: %v", e.Column, e.Err) }

// Unwrap returns the cause.
func (e *ValueError) Unwrap() error { return e.Err }

// Batch collects records in columns, until they are taken as one Arrow record batch.
type Batch[R any] struct {
	cols    Columns[R]
	schema  *arrow.Schema
	buffers []buffer[R]
	rows    int
	bytes   int
}

// NewBatch returns an empty batch of the columns, which must be those of schema.
func NewBatch[R any](cols Columns[R], schema *arrow.Schema) (*Batch[R], error) {
	if len(cols) != schema.NumFields() {
		return nil, fmt.Errorf("%d columns for a schema of %d", len(cols), schema.NumFields())
	}
	b := &Batch[R]{cols: cols, schema: schema}
	for i, c := range cols {
		if f := schema.Field(i); !f.Equal(c.field) {
			return nil, fmt.Errorf("column %q: the schema has %s", c.Name(), f)
		}
		b.buffers = append(b.buffers, c.buffer())
	}
	return b, nil
}

// Append adds one record, which it does not keep, or, when a value cannot be stored, nothing: then the
// error is a *ValueError.
func (b *Batch[R]) Append(r *R) error {
	bytes := 0
	for i, buf := range b.buffers {
		n, err := buf.add(r)
		if err != nil {
			for _, before := range b.buffers[:i] {
				before.undo()
			}
			return &ValueError{Column: b.cols[i].Name(), Err: err}
		}
		bytes += n
	}
	b.rows++
	b.bytes += bytes
	return nil
}

// Rows returns the number of records in the batch.
func (b *Batch[R]) Rows() int { return b.rows }

// Bytes returns the size of the values in the batch, before any encoding.
func (b *Batch[R]) Bytes() int { return b.bytes }

// Take returns the records as an Arrow record batch and empties the batch. The record's
// memory is the batch's own: it is valid until the next Append, and need not be released.
func (b *Batch[R]) Take() arrow.Record {
	arrays := make([]arrow.Array, len(b.buffers))
	for i, buf := range b.buffers {
		arrays[i] = buf.take()
	}
	rec := array.NewRecord(b.schema, arrays, int64(b.rows))
	b.rows, b.bytes = 0, 0
	return rec
}
