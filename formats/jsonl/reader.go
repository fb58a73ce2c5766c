package jsonl

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/shardmill/shardmill/formats"
	"github.com/shardmill/shardmill/formats/text"
)

// maxRaw is how many bytes of a bad line its RowError carries.
const maxRaw = 4096

var (
	// ErrDuplicate reports a column that is asked for twice.
	ErrDuplicate = errors.New("the column is asked for twice")
	// ErrNotObject reports a line whose value is valid JSON but not an object.
	ErrNotObject = errors.New("not a JSON object")
	// ErrNested reports a chosen column whose value is an object or an array.
	ErrNested = errors.New("the value is an object or an array")
)

// RowError is formats.RowError.
type RowError = formats.RowError

// Options says how lines are read.
type Options struct {
	Columns []string // names of the columns to read
	// Scalars, if above 0, is how many of the first columns must not hold an object or array. Those behind may: its
	// value is a String, the JSON as it is written.
	Scalars int
	MaxLine int // bytes of a line without its line end; 0 means 1 MiB
}

// Kind is the kind of a value.
type Kind uint8

// The kinds of values.
const (
	Absent Kind = iota // the object has no such name
	Null
	Bool
	Number
	String
	nested  // an object or an array; no caller sees this kind
	escaped // a string with escapes; nor this one
)

// Value is the value of a column in one row.
type Value struct {
	Kind Kind
	Text []byte // of a string with escapes resolved; of a number or bool as written; else nil
}

// Row is one row.
type Row struct {
	Line   int64   // physical line, 1-based
	Values []Value // one for each of Options.Columns, in their order; valid until the next Read
}

// Reader reads rows. It holds 256 KiB of the input, or as much as the longest line so far. It is not safe for concurrent use.
type Reader struct {
	name    string
	lines   *text.Reader
	parser  parser
	scalars int // columns
}

// NewReader returns a Reader of all of r. name stands in errors. The error is ErrDuplicate.
func NewReader(r io.Reader, name string, o Options) (*Reader, error) {
	return NewPartReader(r, name, text.Position{Line: 1}, math.MaxInt64, o)
}

// NewPartReader returns a Reader of the lines that start at from or after it and before offset hi. The first byte of in is at
// from.Offset; in is read as far past hi as the last line goes, and a window more. The error is ErrDuplicate.
func NewPartReader(in io.Reader, name string, from text.Position, hi int64, o Options) (*Reader, error) {
	for i, c := range o.Columns {
		if slices.Contains(o.Columns[:i], c) {
			return nil, fmt.Errorf("%s: column %q: %w", name, c, ErrDuplicate)
		}
	}
	lines := text.NewPartReader(in, name, from, hi, o.MaxLine)
	r := &Reader{name: name, lines: lines, parser: newParser(o.Columns), scalars: len(o.Columns)}
	if o.Scalars > 0 {
		r.scalars = min(o.Scalars, r.scalars)
	}
	return r, nil
}

// Position returns the place after the last line that was read.
func (r *Reader) Position() text.Position { return r.lines.Position() }

// Read sets row to the next row. A *RowError is a bad line: row is not set, and the
// next Read goes on after it. At the end the error is io.EOF. Any other error is formats.ErrUTF16 or one
// of the input, and stays.
func (r *Reader) Read(row *Row) error {
	for {
		line, number, err := r.lines.ReadBytes()
		if err != nil {
			return err
		}
		if !isBlank(line) {
			return r.parse(row, line, number)
		}
	}
}

func (r *Reader) parse(row *Row, line []byte, number int64) error {
	if err := r.parser.parse(line); err != nil {
		return r.rowError(line, number, "", err)
	}
	for i := range r.parser.values {
		v := &r.parser.values[i]
		switch {
		case v.Kind != nested:
		case i >= r.scalars:
			v.Kind = String
		default:
			return r.rowError(line, number, r.parser.columns[i], ErrNested)
		}
	}
	row.Line, row.Values = number, r.parser.values
	return nil
}

func isBlank(line []byte) bool { return skipSpace(line, 0) == len(line) }

func (r *Reader) rowError(line []byte, number int64, column string, err error) error {
	raw := strings.ToValidUTF8(string(line[:min(len(line), maxRaw)]), "\uFFFD")
	return &RowError{File: r.name, Line: number, Last: number, Column: column, Raw: raw, Err: err}
}
