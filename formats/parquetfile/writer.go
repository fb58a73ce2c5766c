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
	files  *Files[R]
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
	return NewFiles(func() table.Columns[R] { return cols }).Create(w)
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
			if list.Elem().ID() != arrow.FLOAT32 || c.Unmeasured() {
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
	w.err = w.roll()
	return w.err
}

// WriteRows is Write for several records, and quicker. It does not keep them. After any error the Writer is not good.
func (w *Writer[R]) WriteRows(rows []R) error {
	for w.err == nil && len(rows) > 0 {
		n, err := w.batch.AppendRows(rows[:min(len(rows), batchRows-w.batch.Rows())], batchBytes)
		if err != nil {
			w.err = fmt.Errorf("parquet file: %w", err)
			break
		}
		rows = rows[n:]
		w.err = w.roll()
	}
	return w.err
}

// roll moves the batch into the row group if it is full.
func (w *Writer[R]) roll() error {
	if w.batch.Rows() < batchRows && w.batch.Bytes() < batchBytes {
		return nil
	}
	return w.flush()
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
	w.files.free.Put(&spare[R]{w.batch, w.target.zstd})
	w.batch, w.target = nil, nil
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
