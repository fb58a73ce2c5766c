package delimited

import (
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/shardmill/shardmill/formats"
)

const defaultMax = 1 << 20

// ErrComma reports a separator that is not allowed.
var ErrComma = errors.New("the separator must be one ASCII character other than NUL, the quote and line ends")

// RowError is formats.RowError.
type RowError = formats.RowError

// Options says how records are read. The zero value reads CSV.
type Options struct {
	Comma     byte     // separator of fields; 0 means ','
	Columns   []string // names of the columns, for the number of fields and for errors; nil for what the first good record has
	MaxRecord int      // bytes of a record without its last line end; 0 means 1 MiB
	AnyBytes  bool     // do not refuse text that is not UTF-8
}

// Position is a place in the input between two records.
type Position struct {
	Offset int64 // in bytes
	Line   int64 // number of the physical line that begins or goes on here, 1-based
	Row    int64 // records before it, good ones and bad ones
}

// Record is one record.
type Record struct {
	Line   int64    // physical line on which it starts, 1-based
	Row    int64    // records before it, good ones and bad ones
	Fields [][]byte // values; valid until the next Read
}

// Reader reads records. It holds one window of the input: 256 KiB, or as much as the longest
// record so far, but no more than Options.MaxRecord needs. It is not safe for concurrent use.
type Reader struct {
	window
	splitter
	name    string
	columns []string
	width   int // fields of a record, -1 while not known
	max     int // bytes of a record
	any     bool
	hi      int64 // records start before this offset
	stop    int   // index of the last byte before hi
	line    int64 // of buf[pos]
	row     int64
}

// NewReader returns a Reader of all of r. name stands in errors.
// Errors are those of r, formats.ErrUTF16 and ErrComma.
func NewReader(r io.Reader, name string, o Options) (*Reader, error) {
	return newReader(r, name, Position{Line: 1}, math.MaxInt64, o, windowSize)
}

// NewRangeReader returns a Reader of the records of r that start at from or after it and
// before offset hi. It reads as far past hi as the last one goes. Errors are as for NewReader.
func NewRangeReader(r io.ReaderAt, name string, from Position, hi int64, o Options) (*Reader, error) {
	return newReader(io.NewSectionReader(r, from.Offset, math.MaxInt64-from.Offset), name, from, hi, o, windowSize)
}

// newReader begins with a window of room bytes.
func newReader(src io.Reader, name string, from Position, hi int64, o Options, room int) (*Reader, error) {
	comma, err := separator(o.Comma)
	if err != nil {
		return nil, err
	}
	r := &Reader{
		window: newWindow(src, from.Offset, room), splitter: splitter{comma: comma},
		name: name, columns: o.Columns, width: len(o.Columns), max: o.MaxRecord, any: o.AnyBytes,
		hi: hi, line: from.Line, row: from.Row,
	}
	if o.Columns == nil {
		r.width = -1
	}
	if r.max <= 0 {
		r.max = defaultMax
	}
	if err := r.more(); err != nil {
		return nil, err
	}
	if from.Offset == 0 {
		if err := r.skipMark(); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return r, nil
}

// separator returns the separator that an option asks for.
func separator(c byte) (byte, error) {
	switch {
	case c == 0:
		return ',', nil
	case c == '"' || c == '\r' || c == '\n' || c >= 0x80:
		return 0, fmt.Errorf("%q: %w", c, ErrComma)
	default:
		return c, nil
	}
}

// Position returns the place after the last record that was read.
func (r *Reader) Position() Position {
	return Position{Offset: r.offset + int64(r.pos), Line: r.line, Row: r.row}
}

// Read sets rec to the next record. A *RowError is a bad record: rec is not set, and the
// next Read goes on after it. At the end the error is io.EOF. Any other error is
// one of the input and stays.
func (r *Reader) Read(rec *Record) error {
	for {
		if r.pos >= r.stop && r.past() {
			return io.EOF
		}
		r.count, r.odd = 0, 0
		start, at := r.plain(r.buf, r.pos)
		quoted := r.buf[at] == '"'
		var bad error
		if quoted {
			at, bad = r.quoted(r.buf, start, at, r.end)
		}
		switch {
		case at == r.end && !r.eof:
			if err := r.more(); err != nil {
				return err
			}
		case at > r.pos+1 || at == r.pos+1 && r.buf[r.pos] != '\r':
			return r.finish(rec, at, quoted, bad)
		case at == r.end:
			return io.EOF
		default: // a blank line
			r.pos = at + 1
			r.line++
		}
	}
}

// past reports whether no record may start at pos, which is hi or the byte before it.
func (r *Reader) past() bool {
	return r.offset+int64(r.pos) >= r.hi || r.buf[r.pos] == '\r'
}

// more reads more of the record at pos, or skips it if it is too long to hold.
func (r *Reader) more() error {
	most := r.max + len("\r\n")
	if r.end-r.pos > most {
		return r.skip()
	}
	if err := r.fill(most + 1); err != nil {
		return fmt.Errorf("%s: %w", r.name, err)
	}
	r.stop = int(min(r.hi-1-r.offset, int64(len(r.buf))))
	return nil
}

// finish sets rec to the record from pos to its line end at, or reports what is wrong with it.
func (r *Reader) finish(rec *Record, at int, quoted bool, bad error) error {
	var err error
	if bad != nil || at-r.pos > r.max || r.count != r.width || r.odd&high != 0 {
		err = r.check(at, bad)
	}
	if err == nil {
		rec.Line, rec.Row, rec.Fields = r.line, r.row, r.fields[:r.count]
	}
	if quoted {
		r.line += countLines(r.buf[r.pos:at])
	}
	r.row++
	r.pos = at
	if at < r.end {
		r.pos++
		r.line++
	}
	return err
}
