package delimited

import (
	"errors"
	"fmt"
	"io"
	"math"
	"math/bits"

	"github.com/shardmill/shardmill/formats"
)

const (
	defaultMax = 1 << 20
	mostMax    = 1 << 30
)

// ErrComma reports a separator that is not allowed.
var ErrComma = errors.New("the separator must be one ASCII character other than NUL, the quote and line ends")

// RowError is formats.RowError.
type RowError = formats.RowError

// Options says how records are read. The zero value reads CSV.
type Options struct {
	Comma     byte     // separator of fields; 0 means ','
	Columns   []string // names of the columns, for the number of fields and for errors; nil for what the first good record has
	MaxRecord int      // bytes of a record without its last line end, up to 1 GiB; 0 means 1 MiB
	AnyBytes  bool     // do not refuse text that is not UTF-8
}

// Position is a place in the input between two records.
type Position struct {
	Offset int64 // in bytes
	Line   int64 // number of the physical line that begins or goes on here, 1-based
	Row    int64 // records before it, good ones and bad ones
}

// Reader reads records. It holds one window of the input: 256 KiB, or as much as the longest
// record so far, but no more than Options.MaxRecord needs. It is not safe for concurrent use.
type Reader struct {
	window
	splitter
	name    string
	columns []string
	width   int // fields of a record, -1 while not known
	one     Records
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
	return NewPartReader(io.NewSectionReader(r, from.Offset, math.MaxInt64-from.Offset), name, from, hi, o)
}

// NewPartReader is NewRangeReader for an input that is not a file: the first byte of r is at from.Offset. Only the part in
// which all begins can do without Options.Columns: no other one sees how many fields a record has.
func NewPartReader(r io.Reader, name string, from Position, hi int64, o Options) (*Reader, error) {
	return newReader(r, name, from, hi, o, windowSize)
}

// newReader begins with a window of room bytes.
func newReader(src io.Reader, name string, from Position, hi int64, o Options, room int) (*Reader, error) {
	comma, err := separator(o.Comma)
	if err != nil {
		return nil, err
	}
	r := &Reader{
		window: newWindow(src, from.Offset, room), splitter: newSplitter(comma),
		name: name, columns: o.Columns, width: len(o.Columns), max: o.MaxRecord, any: o.AnyBytes,
		hi: hi, line: from.Line, row: from.Row,
	}
	if o.Columns == nil {
		r.width = -1
	}
	r.fields = make([]span, len(o.Columns))
	if r.max <= 0 {
		r.max = defaultMax
	}
	r.max = min(r.max, mostMax)
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
	err := r.ReadRecords(&r.one, 1)
	if err == nil {
		*rec = r.one.Record(0)
	}
	return err
}

// ReadRecords sets recs to the next records: at least one, and at most so many. It gives fewer where a bad record follows, or
// one that is not in memory yet. Errors are those of Read, and come with no record.
func (r *Reader) ReadRecords(recs *Records, most int) error {
	most = recs.begin(r, most)
	for {
		r.quick(recs, most)
		if recs.count == most {
			return nil
		}
		if added, err := r.next(recs); err != nil || !added {
			return err
		}
	}
}

// quick adds records from pos on, as long as they have no quotes and nothing is wrong with them.
func (r *Reader) quick(recs *Records, most int) {
	b, width, comma, stop, n := r.buf, recs.width, r.comma, r.stop, recs.count
	special, chunk, strange, pos := r.special, r.chunk, r.strange, r.pos
	for n < most && pos < stop && width > 0 {
		at, last, from, odd := 0, 0, pos, strange
		row := recs.fields[n*width:][:width]
		for last = range row {
			for special == 0 {
				chunk += chunkSize
				special, strange = r.patterns.find((*[chunkSize]byte)(b[chunk:]))
				odd = odd || strange
			}
			at = chunk + bits.TrailingZeros64(special)
			special &= special - 1
			row[last] = span{uint32(from), uint32(at)}
			if from = at + 1; b[at] != comma {
				break
			}
		}
		size := at - pos
		if last < width-1 || b[at] != '\n' || at >= r.end || size < len("a\r") || size > r.max || odd && r.checkText(b[pos:at]) != nil {
			break
		}
		if b[at-1] == '\r' {
			row[last].to--
		}
		recs.lines[n] = r.line + int64(n-recs.count)
		n++
		pos = from
		r.special, r.chunk, r.strange = special, chunk, strange
	}
	r.line += int64(n - recs.count)
	r.row += int64(n - recs.count)
	r.pos, recs.count = pos, n
}

// next adds the next record, whatever it is like. Behind records, it adds none that is bad or not in memory: that comes with
// the next call.
func (r *Reader) next(recs *Records) (added bool, err error) {
	for {
		if r.pos >= r.stop && r.past() {
			return r.leave(recs, io.EOF)
		}
		at, bad := r.split(r.buf, r.pos, r.end)
		switch {
		case at == r.end && !r.eof && recs.count > 0:
			return r.leave(recs, nil)
		case at == r.end && !r.eof:
			if err := r.more(); err != nil {
				return false, err
			}
		case at > r.pos+1 || at == r.pos+1 && r.buf[r.pos] != '\r':
			return r.finish(recs, at, bad)
		case at == r.end:
			return r.leave(recs, io.EOF)
		default: // a blank line
			r.pos = at + 1
			r.line++
		}
	}
}

// leave leaves what is at pos to the next call, if there are records before it. Else it reports err.
func (r *Reader) leave(recs *Records, err error) (added bool, _ error) {
	if recs.count > 0 {
		r.seek(r.pos)
		return false, nil
	}
	return false, err
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
	err := r.fill(most + 1)
	r.seek(r.pos)
	if err != nil {
		return fmt.Errorf("%s: %w", r.name, err)
	}
	r.stop = int(min(r.hi-1-r.offset, int64(len(r.buf))))
	return nil
}

// finish adds the record from pos to its line end at, or reports what is wrong with it, if it is the first.
func (r *Reader) finish(recs *Records, at int, bad error) (added bool, err error) {
	if bad != nil || at-r.pos > r.max || r.count != r.width || r.odd {
		err = r.check(at, bad)
	}
	if err != nil && recs.count > 0 {
		return r.leave(recs, err)
	}
	if bad != nil {
		r.lines = countLines(r.buf[r.pos:at])
	}
	if err == nil {
		r.drop(r.buf)
		recs.add(r)
	}
	r.line += r.lines
	r.row++
	r.pos = at
	if at < r.end {
		r.pos++
		r.line++
	}
	if bad != nil || at == r.end {
		r.seek(r.pos)
	}
	return err == nil, err
}
