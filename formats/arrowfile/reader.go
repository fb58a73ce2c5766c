package arrowfile

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/ipc"

	"github.com/shardmill/shardmill/formats"
	"github.com/shardmill/shardmill/formats/table"
)

// Reader reads records of type R. It holds one record batch at a time, twice while the
// library copies it, in memory that it uses again. It is not safe for concurrent use.
type Reader[R any] struct {
	batches batches
	indices []int
	arrays  []arrow.Array
	view    *table.View[R]
	file    io.Closer
	err     error // sticky
}

// Open opens a file written by this package. The columns may be some of the file's,
// in any order; one that is missing or of another type is a *table.ColumnError.
// Other errors: *formats.VersionError, formats.ErrForeign, formats.ErrDamaged, and those of os.
func Open[R any](path string, cols table.Columns[R]) (*Reader[R], error) {
	f, size, err := open(path)
	if err != nil {
		return nil, err
	}
	r, err := NewReader(f, size, path, cols)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	r.file = f
	return r, nil
}

// NewReader is Open for the size bytes of r; name stands in errors. Close does not close r.
func NewReader[R any](r io.ReaderAt, size int64, name string, cols table.Columns[R]) (*Reader[R], error) {
	if err := cols.Check(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	b, err := newBatches(r, size, name)
	if err != nil {
		return nil, err
	}
	indices, err := cols.Match(name, b.file.Schema())
	if err != nil {
		return nil, err
	}
	return &Reader[R]{batches: b, indices: indices, arrays: make([]arrow.Array, len(cols)), view: table.NewView(cols)}, nil
}

// Read sets the columns of row from the next record. At the end of the file the error
// is io.EOF; damage that is seen wraps formats.ErrDamaged. Strings and slices that columns set
// are safe to keep, but those of table.Text and table.NullText.
func (r *Reader[R]) Read(row *R) error {
	for r.err == nil && !r.view.Read(row) {
		r.err = r.load()
	}
	return r.err
}

// ReadRows is Read for several records, and quicker: it sets rows from the next ones and returns how many, of which there
// is one at least where the error is nil and rows is not empty.
func (r *Reader[R]) ReadRows(rows []R) (n int, err error) {
	for r.err == nil && len(rows) > 0 {
		if n = r.view.ReadRows(rows); n > 0 {
			return n, nil
		}
		r.err = r.load()
	}
	return 0, r.err
}

func (r *Reader[R]) load() (err error) {
	defer table.Recover(r.batches.name, &err)
	rec, err := r.batches.next()
	if err != nil {
		return err
	}
	for i, at := range r.indices {
		r.arrays[i] = rec.Column(at)
	}
	if err := r.view.Load(r.arrays, int(rec.NumRows())); err != nil {
		return fmt.Errorf("%s: batch %d: %w", r.batches.name, r.batches.read, err)
	}
	return nil
}

// Close closes the file if Open opened it. Read after it returns an error that wraps os.ErrClosed.
func (r *Reader[R]) Close() error {
	r.err = fmt.Errorf("%s: %w", r.batches.name, os.ErrClosed)
	if r.file == nil {
		return nil
	}
	return r.file.Close()
}

// Rows returns the number of rows in a file, by reading all of its record batches.
func Rows(path string) (rows int64, err error) {
	f, size, err := open(path)
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }()
	defer table.Recover(path, &err)
	b, err := newBatches(f, size, path)
	for err == nil {
		var rec arrow.Record
		if rec, err = b.next(); err == nil {
			rows += rec.NumRows()
		}
	}
	if !errors.Is(err, io.EOF) {
		return 0, err
	}
	return rows, nil
}

func open(path string) (*os.File, int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	return f, info.Size(), nil
}

// batches iterates over the record batches of a file.
type batches struct {
	name string
	file *ipc.FileReader
	rec  arrow.Record // the last one, nil before the first
	read int

	memory *recycler
}

func newBatches(r io.ReaderAt, size int64, name string) (b batches, err error) {
	if err := checkSeal(r, size, name); err != nil {
		return b, err
	}
	defer table.Recover(name, &err)
	// No buffer of a file can be larger than the file; 64 is the padding that Arrow adds.
	memory := &recycler{max: int(size) + 64}
	file, err := ipc.NewFileReader(io.NewSectionReader(r, 0, size), ipc.WithAllocator(memory))
	if err != nil {
		return b, fmt.Errorf("%s: %w: %w", name, formats.ErrDamaged, err)
	}
	meta := file.Schema().Metadata()
	mark, _ := meta.GetValue(table.MarkKey)
	if err := table.CheckMark(name, mark, format, version); err != nil {
		return b, err
	}
	return batches{name: name, file: file, memory: memory}, nil
}

// next returns the next record batch, valid until the following call, or io.EOF. It panics
// as the library does on damage: callers defer table.Recover.
func (b *batches) next() (arrow.Record, error) {
	if b.read == b.file.NumRecords() {
		return nil, io.EOF
	}
	b.read++
	if b.rec != nil {
		b.rec.Release() // gives its memory back for the next
		b.rec = nil
	}
	rec, err := b.file.RecordAt(b.read - 1)
	if err != nil {
		return nil, fmt.Errorf("%s: batch %d: %w: %w", b.name, b.read, formats.ErrDamaged, err)
	}
	b.rec = rec
	return rec, nil
}
