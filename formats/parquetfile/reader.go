package parquetfile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/file"
	"github.com/apache/arrow/go/v15/parquet/pqarrow"

	"github.com/shardmill/shardmill/formats"
	"github.com/shardmill/shardmill/formats/table"
)

// Reader reads records of type R. It is not safe for concurrent use.
type Reader[R any] struct {
	source *source
	cols   []*pqarrow.ColumnReader
	arrays []arrow.Array
	view   *table.View[R]
	rows   int64 // by the footer
	read   int64 // rows loaded so far
	err    error // sticky
}

// Open opens a file written by this package. The columns may be some of the file's,
// in any order; only they are read. One that is missing or of another type is a
// *table.ColumnError. Other errors: *formats.VersionError, formats.ErrForeign,
// formats.ErrDamaged, and those of os.
func Open[R any](path string, cols table.Columns[R]) (*Reader[R], error) {
	if err := cols.Check(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	s, err := openSource(path)
	if err != nil {
		return nil, err
	}
	r, err := newReader(s, cols, s.groups())
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	r.rows = s.rows // which the row groups need not add up to
	return r, nil
}

// newReader returns a Reader of some row groups.
func newReader[R any](s *source, cols table.Columns[R], groups []int) (*Reader[R], error) {
	r := &Reader[R]{source: s, arrays: make([]arrow.Array, len(cols)), view: table.NewView(cols)}
	indices, err := cols.Match(s.name, s.schema)
	if err != nil {
		return nil, err
	}
	for _, at := range indices {
		c, err := s.column(at, groups)
		if err != nil {
			return nil, err
		}
		r.cols = append(r.cols, c)
	}
	for _, g := range groups {
		r.rows += s.raw.MetaData().RowGroup(g).NumRows()
	}
	return r, nil
}

// Read sets the columns of row from the next record. At the end of the file the error
// is io.EOF, or a *formats.RowsError when the data does not hold the rows that the
// footer states. Strings and slices that columns set are safe to keep, but those of
// table.Text and table.NullText.
func (r *Reader[R]) Read(row *R) error {
	for r.err == nil && !r.view.Read(row) {
		r.err = r.load()
	}
	return r.err
}

// skip passes over n records.
func (r *Reader[R]) skip(n int64) error {
	for left := int64(r.view.Left()); r.err == nil && left < n; left = int64(r.view.Left()) {
		n -= left
		r.err = r.load()
	}
	for ; r.err == nil && n > 0; n-- {
		r.view.Read(new(R))
	}
	return r.err
}

func (r *Reader[R]) load() error {
	rows := min(r.rows-r.read, readRows)
	if rows == 0 {
		return r.end()
	}
	for i, c := range r.cols {
		a, err := r.source.next(c, rows)
		if err != nil {
			return err
		}
		if int64(a.Len()) != rows {
			return &formats.RowsError{File: r.source.name, Footer: r.rows, Read: r.read + int64(a.Len())}
		}
		r.arrays[i] = a
	}
	r.read += rows
	if err := r.view.Load(r.arrays, int(rows)); err != nil {
		return fmt.Errorf("%s: %w", r.source.name, err)
	}
	return nil
}

// end returns io.EOF if the first column has no value beyond the rows that the footer states.
func (r *Reader[R]) end() error {
	a, err := r.source.next(r.cols[0], 1)
	switch {
	case err != nil:
		return err
	case a.Len() > 0:
		return &formats.RowsError{File: r.source.name, Footer: r.rows, Read: r.read + int64(a.Len())}
	}
	return io.EOF
}

// Close closes the file. Read after it returns an error that wraps os.ErrClosed.
func (r *Reader[R]) Close() error {
	r.err = fmt.Errorf("%s: %w", r.source.name, os.ErrClosed)
	return r.source.Close()
}

// source is an open file, before anything is known of records.
type source struct {
	name   string
	file   *os.File
	raw    *file.Reader
	arrow  *pqarrow.FileReader
	schema *arrow.Schema
	rows   int64 // by the footer
}

func openSource(path string) (*source, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	s := &source{name: path, file: f}
	if err := s.parse(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return s, nil
}

func (s *source) parse() (err error) {
	defer table.Recover(s.name, &err)
	props := parquet.NewReaderProperties(memory.NewGoAllocator())
	props.BufferedStreamEnabled = true // pages as they come, not whole column chunks
	props.BufferSize = 64 << 10
	if s.raw, err = file.NewParquetReader(s.file, file.WithReadProps(props)); err != nil {
		return fmt.Errorf("%s: %w: %w", s.name, formats.ErrForeign, err)
	}
	mark := s.raw.MetaData().KeyValueMetadata().FindValue(table.MarkKey)
	if mark == nil {
		mark = new(string)
	}
	if err := table.CheckMark(s.name, *mark, format, version); err != nil {
		return err
	}
	if s.arrow, err = pqarrow.NewFileReader(s.raw, pqarrow.ArrowReadProperties{BatchSize: readRows}, memory.NewGoAllocator()); err != nil {
		return fmt.Errorf("%s: %w: %w", s.name, formats.ErrDamaged, err)
	}
	if s.schema, err = s.arrow.Schema(); err != nil {
		return fmt.Errorf("%s: %w: %w", s.name, formats.ErrDamaged, err)
	}
	s.rows = s.raw.NumRows()
	return nil
}

// groups returns the numbers of all row groups.
func (s *source) groups() []int {
	all := make([]int, s.raw.NumRowGroups())
	for g := range all {
		all[g] = g
	}
	return all
}

// column returns a reader of one column over row groups. Unlike the library's
// record reader it works in the goroutine of its caller, where a panic can be recovered.
func (s *source) column(i int, groups []int) (c *pqarrow.ColumnReader, err error) {
	defer table.Recover(s.name, &err)
	leaf := map[int]bool{i: true} // in files of this package each column has one
	if c, err = s.arrow.GetFieldReader(context.Background(), i, leaf, groups); err != nil {
		return nil, fmt.Errorf("%s: column %q: %w: %w", s.name, s.schema.Field(i).Name, formats.ErrDamaged, err)
	}
	return c, nil
}

// next returns the next rows of a column, fewer only at its end.
func (s *source) next(c *pqarrow.ColumnReader, rows int64) (a arrow.Array, err error) {
	defer table.Recover(s.name, &err)
	chunks, err := c.NextBatch(rows)
	if err != nil && !errors.Is(err, io.EOF) { // io.EOF is how v15 reports the end
		return nil, fmt.Errorf("%s: column %q: %w: %w", s.name, c.Field().Name, formats.ErrDamaged, err)
	}
	if chunks == nil || len(chunks.Chunks()) == 0 {
		return array.MakeArrayOfNull(memory.NewGoAllocator(), c.Field().Type, 0), nil
	}
	if len(chunks.Chunks()) == 1 {
		return chunks.Chunk(0), nil
	}
	return array.Concatenate(chunks.Chunks(), memory.NewGoAllocator())
}

// Close closes the file.
func (s *source) Close() error { return s.file.Close() }
