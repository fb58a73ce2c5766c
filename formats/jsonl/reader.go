package jsonl

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/shardmill/shardmill/formats"
)

const (
	defaultMax = 1 << 20
	bufferSize = 256 << 10
	maxRaw     = 4096 // bytes of a bad line that its RowError carries
	mark       = "\xef\xbb\xbf"
)

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
	MaxLine int      // bytes of a line without its line end; 0 means 1 MiB
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

// Reader reads rows. It holds one line and a buffer of 256 KiB. It is not safe for concurrent use.
type Reader struct {
	name    string
	columns []string
	max     int
	src     *bufio.Reader
	left    int64 // bytes before the end of the range, where no more lines start
	line    int64 // lines before the next one
	joined  []byte
	parser  parser
	err     error // sticky
}

// NewReader returns a Reader of all of r. name stands in errors.
// Errors are those of r, formats.ErrUTF16 and ErrDuplicate.
func NewReader(r io.Reader, name string, o Options) (*Reader, error) {
	return newReader(r, name, math.MaxInt64, 1, (*Reader).skipMark, o)
}

// NewRangeReader returns a Reader of the lines of r that start from offset lo on and before offset hi.
// line is the number of the line to which the byte at lo belongs. Errors are as for NewReader.
func NewRangeReader(r io.ReaderAt, name string, lo, hi, line int64, o Options) (*Reader, error) {
	if lo <= 0 {
		return newReader(io.NewSectionReader(r, 0, math.MaxInt64), name, hi, line, (*Reader).skipMark, o)
	}
	// With the byte before lo, a line that starts at lo is seen to start there.
	lo--
	return newReader(io.NewSectionReader(r, lo, math.MaxInt64-lo), name, hi-lo, line, (*Reader).skipLine, o)
}

// newReader begins at the start of src, with begin; lines start in its first size bytes.
func newReader(src io.Reader, name string, size, line int64, begin func(*Reader) error, o Options) (*Reader, error) {
	for i, c := range o.Columns {
		if slices.Contains(o.Columns[:i], c) {
			return nil, fmt.Errorf("%s: column %q: %w", name, c, ErrDuplicate)
		}
	}
	r := &Reader{
		name: name, columns: o.Columns, max: o.MaxLine, left: size, line: line - 1,
		src: bufio.NewReaderSize(src, bufferSize), parser: newParser(o.Columns),
	}
	if r.max <= 0 {
		r.max = defaultMax
	}
	if err := begin(r); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return r, nil
}

func (r *Reader) skipMark() error {
	head, err := r.src.Peek(len(mark))
	if bytes.HasPrefix(head, []byte{0xff, 0xfe}) || bytes.HasPrefix(head, []byte{0xfe, 0xff}) {
		return formats.ErrUTF16
	}
	if bytes.HasPrefix(head, []byte(mark)) {
		r.left = max(r.left-int64(len(mark)), min(r.left, 1)) // it belongs to the first line, which starts before it
		_, err = r.src.Discard(len(mark))
	}
	return err
}

// skipLine skips the line that began before the range, if more of it than its line end is left.
func (r *Reader) skipLine() error {
	before := r.left
	_, _, err := r.next()
	if before-r.left == int64(len("\n")) {
		r.line--
	}
	return err
}

// Read sets row to the next row. A *RowError is a bad line: row is not set, and the
// next Read goes on after it. At the end the error is io.EOF. Any other error is one
// of the input and stays.
func (r *Reader) Read(row *Row) error {
	for r.err == nil && r.left > 0 {
		line, long, err := r.next()
		switch {
		case err != nil && !errors.Is(err, io.EOF):
			r.err = fmt.Errorf("%s: %w", r.name, err)
		case err != nil:
			r.err = err
		case long:
			return r.rowError(line, "", fmt.Errorf("line %w of %d bytes", formats.ErrTooLong, r.max))
		case !isBlank(line):
			return r.parse(row, line)
		}
	}
	if r.err != nil {
		return r.err
	}
	return io.EOF
}

func (r *Reader) parse(row *Row, line []byte) error {
	if !utf8.Valid(line) {
		return r.rowError(line, "", formats.ErrNotUTF8)
	}
	if err := r.parser.parse(line); err != nil {
		return r.rowError(line, "", err)
	}
	for i, v := range r.parser.values {
		if v.Kind == nested {
			return r.rowError(line, r.columns[i], ErrNested)
		}
	}
	row.Line, row.Values = r.line, r.parser.values
	return nil
}

// next returns the next line without its line end, valid until the next call. Of a line that is
// too long it returns the beginning.
func (r *Reader) next() (line []byte, long bool, err error) {
	line, err = r.src.ReadSlice('\n')
	n := len(line)
	if errors.Is(err, bufio.ErrBufferFull) {
		line, n, err = r.join(line)
	}
	r.left -= int64(n)
	if err != nil && (n == 0 || !errors.Is(err, io.EOF)) {
		return nil, false, err
	}
	r.line++
	line = bytes.TrimSuffix(bytes.TrimSuffix(line, []byte{'\n'}), []byte{'\r'})
	return line[:min(len(line), r.max)], len(line) > r.max, nil
}

// join reads a line of more than a buffer. It keeps no more than next needs to see that it is too long.
func (r *Reader) join(piece []byte) (line []byte, n int, err error) {
	most := r.max + len("\r\n") + 1
	r.joined = r.joined[:0]
	for err = bufio.ErrBufferFull; ; piece, err = r.src.ReadSlice('\n') {
		n += len(piece)
		r.joined = append(r.joined, piece[:min(len(piece), most-len(r.joined))]...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return r.joined, n, err
		}
	}
}

func isBlank(line []byte) bool { return skipSpace(line, 0) == len(line) }

func (r *Reader) rowError(line []byte, column string, err error) error {
	raw := strings.ToValidUTF8(string(line[:min(len(line), maxRaw)]), "\uFFFD")
	return &RowError{File: r.name, Line: r.line, Last: r.line, Column: column, Raw: raw, Err: err}
}

// CountLines counts the line ends of r from offset lo to offset hi. name stands in
// errors, which are those of r, and io.ErrUnexpectedEOF if it ends before hi.
func CountLines(r io.ReaderAt, name string, lo, hi int64) (int64, error) {
	src := io.NewSectionReader(r, lo, hi-lo)
	block := make([]byte, max(0, min(bufferSize, hi-lo)))
	var lines int64
	for at := lo; at < hi; {
		n, err := io.ReadFull(src, block[:min(int64(len(block)), hi-at)])
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return 0, fmt.Errorf("%s: byte %d: %w", name, at+int64(n), err)
		}
		lines += int64(bytes.Count(block[:n], []byte{'\n'}))
		at += int64(n)
	}
	return lines, nil
}
