package parquetfile

import (
	"fmt"
	"io"
	"sync"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/parquet"

	"github.com/shardmill/shardmill/formats/internal/sink"
	"github.com/shardmill/shardmill/formats/table"
)

// Files creates files of equal columns. The memory of one that is complete goes to the next, if that begins before garbage has been collected
// twice. It is safe for concurrent use.
type Files[R any] struct {
	columns func() table.Columns[R]
	free    sync.Pool // of *spare[R]
}

// spare is what a Writer leaves to another.
type spare[R any] struct {
	batch *table.Batch[R] // empty
	zstd  *compressor
}

// NewFiles returns a Files of columns, which are equal in each call: those of two calls may be in use at the same time.
func NewFiles[R any](columns func() table.Columns[R]) *Files[R] { return &Files[R]{columns: columns} }

// Create is the function Create.
func (f *Files[R]) Create(w io.Writer) (*Writer[R], error) { return f.CreateSpilling(w, Spill{}) }

// CreateSpilling is Create of a Writer that holds less in memory. Its files have the same bytes.
func (f *Files[R]) CreateSpilling(w io.Writer, spill Spill) (*Writer[R], error) {
	cols := f.columns()
	if err := cols.Check(); err != nil {
		return nil, fmt.Errorf("parquet file: %w", err)
	}
	schema := cols.Schema(table.Mark(format, version))
	for _, f := range schema.Fields() {
		switch f.Type.ID() {
		case arrow.RUN_END_ENCODED, arrow.BINARY:
			return nil, fmt.Errorf("parquet file: %w: %q is a column of %s, which is for Arrow files only", table.ErrColumns, f.Name, f.Type)
		}
	}
	m, err := f.get(cols, schema)
	if err != nil {
		return nil, fmt.Errorf("parquet file: %w", err)
	}
	s := sink.New(w)
	t, err := newTarget(schema, s, parquet.NewWriterProperties(settings(cols)...), m.zstd, spill)
	if err != nil {
		return nil, fmt.Errorf("parquet file: %w", err)
	}
	return &Writer[R]{files: f, sink: s, target: t, batch: m.batch}, nil
}

// get returns the memory of a file that is complete, or new memory.
func (f *Files[R]) get(cols table.Columns[R], schema *arrow.Schema) (m spare[R], err error) {
	if m, ok := f.free.Get().(*spare[R]); ok {
		return *m, nil
	}
	if m.batch, err = table.NewBatch(cols, schema); err != nil {
		return m, err
	}
	m.zstd, err = newCompressor()
	return m, err
}
