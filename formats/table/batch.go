package table

import (
	"errors"
	"fmt"
	"unsafe"

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
	bytes, err := b.add(unsafe.Slice(r, 1))
	if err != nil {
		return err
	}
	b.rows++
	b.bytes += bytes
	return nil
}

// AppendRows adds the first n of rows, one column after the other: at least one record and, where n is less than there are,
// the last one before Bytes reaches limit, or that one. After an error, a *ValueError, it has added none.
func (b *Batch[R]) AppendRows(rows []R, limit int) (n int, err error) {
	bytes, err := b.add(rows)
	if len(rows) > 1 && (errors.Is(err, errMany) || err == nil && b.bytes+bytes >= limit) {
		b.truncate(len(b.buffers))
		return b.AppendRows(rows[:len(rows)/2], limit)
	}
	if err != nil {
		return 0, err
	}
	b.rows += len(rows)
	b.bytes += bytes
	return len(rows), nil
}

// add appends the values of records, or none, and returns their size in bytes.
func (b *Batch[R]) add(rows []R) (bytes int, err error) {
	for i, buf := range b.buffers {
		size, err := buf.add(rows)
		if err != nil {
			b.truncate(i + 1)
			return 0, &ValueError{Column: b.cols[i].Name(), Err: err}
		}
		bytes += size
	}
	return bytes, nil
}

// truncate drops what the first columns hold beyond the records of the batch.
func (b *Batch[R]) truncate(columns int) {
	for _, buf := range b.buffers[:columns] {
		buf.truncate(b.rows)
	}
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
