package arrowfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/apache/arrow/go/v15/arrow/ipc"

	"github.com/shardmill/shardmill/formats/internal/sink"
	"github.com/shardmill/shardmill/formats/table"
)

// Writer writes records of type R. It holds at most one record batch: 4096 rows,
// or 4 MiB of values and one row. Its memory is used again for the next; no row is
// allocated. It is not safe for concurrent use.
type Writer[R any] struct {
	sink  *sink.Sink
	end   *redirect
	arrow *ipc.FileWriter
	batch *table.Batch[R]
	row   R     // a field, so that no record escapes to the heap by itself
	err   error // sticky
}

// redirect lets the footer be held back, so that the seal can go in front of it.
type redirect struct {
	*sink.Sink
	footer *bytes.Buffer
}

func (r *redirect) Write(p []byte) (int, error) {
	if r.footer != nil {
		return r.footer.Write(p)
	}
	return r.Sink.Write(p)
}

func (r *redirect) Seek(offset int64, whence int) (int64, error) {
	pos, err := r.Sink.Seek(offset, whence)
	if r.footer != nil {
		pos += int64(r.footer.Len())
	}
	return pos, err
}

// Create returns a Writer of a file with the given columns. Invalid columns are
// a table.ErrColumns. Nothing need have been written to w before Close.
func Create[R any](w io.Writer, cols table.Columns[R]) (*Writer[R], error) {
	if err := cols.Check(); err != nil {
		return nil, fmt.Errorf("arrow file: %w", err)
	}
	schema := cols.Schema(table.Mark(format, version))
	batch, err := table.NewBatch(cols, schema)
	if err != nil {
		return nil, fmt.Errorf("arrow file: %w", err)
	}
	end := &redirect{Sink: sink.New(w)}
	fw, err := ipc.NewFileWriter(end, ipc.WithSchema(schema))
	if err != nil {
		return nil, fmt.Errorf("arrow file: %w", err)
	}
	return &Writer[R]{sink: end.Sink, end: end, arrow: fw, batch: batch}, nil
}

// Write adds one record. A *table.ValueError means that the record cannot be stored
// and was not; the Writer is still good. After any other error it is not.
func (w *Writer[R]) Write(r R) error {
	if w.err != nil {
		return w.err
	}
	w.row = r
	if err := w.batch.Append(&w.row); err != nil {
		return fmt.Errorf("arrow file: %w", err)
	}
	w.err = w.roll()
	return w.err
}

// WriteRows is Write for several records, and quicker. It does not keep them. After any error the Writer is not good.
func (w *Writer[R]) WriteRows(rows []R) error {
	for w.err == nil && len(rows) > 0 {
		n, err := w.batch.AppendRows(rows[:min(len(rows), maxRows-w.batch.Rows())], maxBytes)
		if err != nil {
			w.err = fmt.Errorf("arrow file: %w", err)
			break
		}
		rows = rows[n:]
		w.err = w.roll()
	}
	return w.err
}

// roll writes the batch if it is full.
func (w *Writer[R]) roll() error {
	if w.batch.Rows() < maxRows && w.batch.Bytes() < maxBytes {
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
	w.err = fmt.Errorf("arrow file: %w", os.ErrClosed)
	return nil
}

func (w *Writer[R]) finish() error {
	// A file of no rows gets one empty batch: the library would write its start only with the footer.
	if w.batch.Rows() > 0 || w.sink.Pos() == 0 {
		if err := w.flush(); err != nil {
			return err
		}
	}
	if err := w.footer(); err != nil {
		return fmt.Errorf("arrow file: %w", err)
	}
	return nil
}

func (w *Writer[R]) flush() error {
	rec := w.batch.Take()
	defer rec.Release()
	if err := errors.Join(w.arrow.Write(rec), w.sink.Err()); err != nil {
		return fmt.Errorf("arrow file: %w", err)
	}
	return nil
}

func (w *Writer[R]) footer() error {
	w.end.footer = new(bytes.Buffer)
	err := w.arrow.Close()
	footer := w.end.footer.Bytes()
	w.end.footer = nil
	for _, part := range [][]byte{endOfStream, seal(footer), footer} {
		_, werr := w.sink.Write(part)
		err = errors.Join(err, werr)
	}
	return errors.Join(err, w.sink.Flush())
}
