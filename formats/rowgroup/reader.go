package rowgroup

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v15/parquet"

	"github.com/shardmill/shardmill/formats"
	"github.com/shardmill/shardmill/formats/table"
)

// Row is one row.
type Row struct {
	Number int64   // in the file, from 1
	Values []Value // one for each of Options.Columns; good until the next Read
}

// Value is one value of a row. Only what its Kind needs is set.
type Value struct {
	Kind  Kind
	Int   int64   // of an Int; 0 or 1 of a Bool
	Float float64 // of a Float
	Text  []byte  // of a Text; good until the next Read
}

// Options says what to read.
type Options struct {
	Columns []string // names of top-level columns, or STRUCT.MEMBER; only their data is read
	Binary  []string // those of Columns that are byte strings of any bytes, and no UTF-8: images, say
	Lo, Hi  int      // row groups [Lo, Hi)
}

// Reader reads the rows of row groups, in their order. It is not safe for concurrent use.
type Reader struct {
	footer  *footer
	columns []column
	values  []Value
	group   int // the next row group
	hi      int
	left    int64 // rows of the current row group
	number  int64 // of the last row
	err     error // sticky
}

// column reads the values of one column.
type column interface {
	name() string
	// open goes to a row group.
	open(f *footer, group int) error
	// next sets v from the next row. Where bad is not nil the row has a value without a text form, and v.Text what is known of it.
	next(v *Value) (bad, err error)
	// end is to be called after the last row of a row group.
	end() error
}

// NewReader returns a Reader of a file of size bytes; the name is for errors. A column that is missing or
// unsupported is a *table.ColumnError, a name that two columns have a table.ErrColumns. Other errors are those of Inspect.
func NewReader(r io.ReaderAt, size int64, name string, o Options) (*Reader, error) {
	f, err := readFooter(r, size, name)
	if err != nil {
		return nil, err
	}
	if o.Lo < 0 || o.Lo > o.Hi || o.Hi > len(f.groups) {
		return nil, fmt.Errorf("%s: no row groups %d to %d: it has %d", name, o.Lo, o.Hi, len(f.groups))
	}
	reader := &Reader{footer: f, group: o.Lo, hi: o.Hi, values: make([]Value, len(o.Columns))}
	for _, column := range o.Columns {
		field, err := f.find(column)
		if err != nil {
			return nil, err
		}
		c := newColumn(field)
		if slices.Contains(o.Binary, column) {
			if field.physical != parquet.Types.ByteArray {
				return nil, &table.ColumnError{File: name, Column: column, Want: "byte strings", Got: field.Type}
			}
			c = newTyped(field, byteValues(field.physical, 0), anyBytes)
		}
		reader.columns = append(reader.columns, c)
	}
	for _, g := range f.groups[:o.Lo] {
		reader.number += g.Rows
	}
	return reader, nil
}

// Read sets row to the next row. At the end the error is io.EOF. A *formats.RowError (its Line is the row's number) is about
// that row only: the next Read goes on after it. After any other error there are no more rows: it wraps
// formats.ErrDamaged, ErrUnsupported or the error of the underlying reader.
func (r *Reader) Read(row *Row) error {
	for r.left == 0 && r.err == nil {
		r.err = r.turn()
	}
	if r.err != nil {
		return r.err
	}
	r.left--
	r.number++
	row.Number, row.Values = r.number, r.values
	var rejected error
	for i, c := range r.columns {
		v := &r.values[i]
		bad, err := c.next(v)
		if err != nil {
			r.err = r.wrap(c, err)
			return r.err
		}
		if bad != nil && rejected == nil {
			rejected = r.reject(c, v, bad)
		}
	}
	return rejected
}

// turn goes to the next row group.
func (r *Reader) turn() error {
	for _, c := range r.columns {
		if err := c.end(); err != nil {
			return r.wrap(c, err)
		}
	}
	if r.group == r.hi {
		return io.EOF
	}
	r.left = r.footer.groups[r.group].Rows
	r.group++
	if r.left == 0 {
		return nil // there may be no chunks
	}
	for _, c := range r.columns {
		if err := c.open(r.footer, r.group-1); err != nil {
			return r.wrap(c, err)
		}
	}
	return nil
}

func (r *Reader) wrap(c column, err error) error {
	return fmt.Errorf("%s: row group %d: column %q: %w", r.footer.name, r.group-1, c.name(), err)
}

func (r *Reader) reject(c column, v *Value, bad error) error {
	const most = 1 << 10
	raw := strings.ToValidUTF8(string(v.Text[:min(len(v.Text), most)]), "\uFFFD")
	return &formats.RowError{File: r.footer.name, Line: r.number, Last: r.number, Column: c.name(), Raw: raw, Err: bad}
}

func newColumn(f field) column {
	c := f.conversion()
	if c.numbers != nil {
		return newTyped(f, numbers(f.physical), c.numbers)
	}
	return newTyped(f, byteValues(f.physical, f.width), c.bytes)
}

// typed is a column of numbers or of byte strings.
type typed[T any] struct {
	field field
	chunk chunk[T]
	set   setter[T]
}

func newTyped[T any](f field, body func(parquet.Encoding, []byte) (decoder[T], error), set setter[T]) *typed[T] {
	return &typed[T]{field: f, chunk: chunk[T]{body: body}, set: set}
}

func (t *typed[T]) name() string { return t.field.Name }
func (t *typed[T]) end() error   { return t.chunk.end() }

func (t *typed[T]) open(f *footer, group int) error { return t.chunk.open(f, group, t.field) }

func (t *typed[T]) next(v *Value) (bad, err error) {
	c := &t.chunk
	if c.level == len(c.levels) {
		if err := c.readLevels(); err != nil {
			return nil, err
		}
	}
	c.level++
	if c.levels[c.level-1] != c.pages.level {
		v.Kind = Null
		return nil, nil
	}
	if c.value == len(c.values) {
		if err := c.readValues(); err != nil {
			return nil, err
		}
	}
	c.value++
	return t.set(v, c.values[c.value-1]), nil
}
