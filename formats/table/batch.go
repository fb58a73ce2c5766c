package table

import (
	"fmt"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
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
	builder *array.RecordBuilder
	fills   []func(*R)
	row     R // a field, so that no record escapes to the heap by itself
	rows    int
	bytes   int
}

// NewBatch returns an empty batch of the columns, which must be those of schema.
func NewBatch[R any](cols Columns[R], schema *arrow.Schema) (*Batch[R], error) {
	b := &Batch[R]{cols: cols, builder: array.NewRecordBuilder(memory.NewGoAllocator(), schema)}
	for i, c := range cols {
		fill, err := c.fill(b.builder.Field(i))
		if err != nil {
			return nil, fmt.Errorf("builder of column %q: %w", c.Name(), err)
		}
		b.fills = append(b.fills, fill)
	}
	return b, nil
}

// Append adds one record, or, when a value cannot be stored, nothing: then the error is a *ValueError.
func (b *Batch[R]) Append(r R) error {
	b.row = r
	bytes := 0
	for i := range b.cols {
		n, err := b.cols[i].bytes(&b.row)
		if err != nil {
			return &ValueError{Column: b.cols[i].Name(), Err: err}
		}
		bytes += n
	}
	for _, fill := range b.fills {
		fill(&b.row)
	}
	b.rows++
	b.bytes += bytes
	return nil
}

func (c *Column[R]) bytes(r *R) (int, error) {
	if c.size == nil {
		return c.width, nil
	}
	return c.size(r)
}

// Rows returns the number of records in the batch.
func (b *Batch[R]) Rows() int { return b.rows }

// Bytes returns the size of the values in the batch, before any encoding.
func (b *Batch[R]) Bytes() int { return b.bytes }

// Take returns the records as an Arrow record batch, which the caller releases, and empties the batch.
func (b *Batch[R]) Take() arrow.Record {
	b.rows, b.bytes = 0, 0
	return b.builder.NewRecord()
}
