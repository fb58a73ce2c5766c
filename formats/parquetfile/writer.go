package parquetfile

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/compress"

	"github.com/shardmill/shardmill/formats/internal/sink"
	"github.com/shardmill/shardmill/formats/table"
)

// Writer writes records of type R. The package comment states the memory it holds.
// It is not safe for concurrent use.
type Writer[R any] struct {
	sink   *sink.Sink
	target *target
	batch  *table.Batch[R]
	row    R     // a field, so that no record escapes to the heap by itself
	bytes  int   // in the row group, without the batch
	err    error // sticky
}

// Create returns a Writer of a file with the given columns. Invalid columns are
// a table.ErrColumns. Nothing need have been written to w before Close.
func Create[R any](w io.Writer, cols table.Columns[R]) (*Writer[R], error) {
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
	batch, err := table.NewBatch(cols, schema)
	if err != nil {
		return nil, fmt.Errorf("parquet file: %w", err)
	}
	s := sink.New(w)
	t, err := newTarget(schema, s, parquet.NewWriterProperties(settings(cols)...))
	if err != nil {
		return nil, fmt.Errorf("parquet file: %w", err)
	}
	return &Writer[R]{sink: s, target: t, batch: batch}, nil
}

func settings[R any](cols table.Columns[R]) []parquet.WriterProperty {
	opts := []parquet.WriterProperty{
		parquet.WithCreatedBy(createdBy),
		parquet.WithCompression(compress.Codecs.Zstd),
		parquet.WithCompressionLevel(zstdLevel),
		parquet.WithMaxRowGroupLength(groupRows),
		parquet.WithRootRepetition(parquet.Repetitions.Required),
		parquet.WithDictionaryDefault(false),
	}
	for _, c := range cols {
		path := parquet.ColumnPath{c.Name()} // a path, not a string: the name may have dots
		if list, ok := c.Type().(*arrow.ListType); ok {
			path = append(path, "list", "element") // as v15 names them
			if list.Elem().ID() != arrow.FLOAT32 {
				opts = append(opts, parquet.WithStatsPath(path, false))
			}
		}
		if c.Dictionary() {
			opts = append(opts, parquet.WithDictionaryPath(path, true))
		}
	}
	return opts
}

// Write adds one record. A *table.ValueError means that the record cannot be stored
// and was not; the Writer is still good. After any other error it is not.
func (w *Writer[R]) Write(r R) error {
	if w.err != nil {
		return w.err
	}
	w.row = r
	if err := w.batch.Append(&w.row); err != nil {
		return fmt.Errorf("parquet file: %w", err)
	}
	if w.batch.Rows() >= batchRows || w.batch.Bytes() >= batchBytes {
		w.err = w.flush()
	}
	return w.err
}

// Close writes what is left of the file; it does not close the underlying writer.
// It returns the error that made Write fail, if one did. Write and Close after it
// return an error that wraps os.ErrClosed.
func (w *Writer[R]) Close() error {
	if w.err != nil {
		return w.err
	}
	if w.err = w.finish(); w.err != nil {
		return w.err
	}
	w.err = fmt.Errorf("parquet file: %w", os.ErrClosed)
	return nil
}

func (w *Writer[R]) finish() error {
	if w.batch.Rows() > 0 {
		if err := w.flush(); err != nil {
			return err
		}
	}
	if err := errors.Join(w.target.close(), w.sink.Flush()); err != nil {
		return fmt.Errorf("parquet file: %w", err)
	}
	return nil
}

// flush moves the batch into the row group. Groups hold whole batches.
func (w *Writer[R]) flush() error {
	rows, bytes := w.batch.Rows(), w.batch.Bytes()
	err := error(nil)
	if w.target.group == nil || w.target.rows+rows > groupRows || w.bytes >= groupBytes {
		err = w.target.open()
		w.bytes = 0
	}
	if err == nil {
		err = w.target.write(w.batch.Take())
	}
	if err = errors.Join(err, w.sink.Err()); err != nil {
		return fmt.Errorf("parquet file: %w", err)
	}
	w.bytes += bytes
	return nil
}
