package tabular

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/shardmill/shardmill/formats"
	"github.com/shardmill/shardmill/formats/text"
	"github.com/shardmill/shardmill/mapreduce"
)

// plainRows reads plain text: a record is a line, and its fields are what stands between separators of several bytes. There are
// no quotes. Empty lines are skipped. A line with another number of fields than the file has columns is bad.
type plainRows struct {
	r      *text.Reader
	text   io.Closer
	name   string
	sep    string
	fields [][]byte
	width  int
	cells  []Cell
	from   []int // for each cell its field, or -1
}

// openPlain opens the rows of a range.
func openPlain(in files, rg mapreduce.Range, f format, columns []string) (records, error) {
	h, err := f.readHeader(rg.Path, rg.Name)
	if err != nil {
		return nil, err
	}
	file, err := openText(in, rg)
	if err != nil {
		return nil, err
	}
	from, hi := text.Position{Offset: rg.Offset, Line: rg.Line}, rg.Hi
	if !isPart(rg) {
		from, hi = text.Position{Offset: h.end.Offset, Line: h.end.Line}, math.MaxInt64
		if _, err := io.CopyN(io.Discard, file, from.Offset); err != nil {
			return nil, errors.Join(fmt.Errorf("%s: the %w: %w", rg.Name, errHeader, err), file.Close())
		}
	}
	p := &plainRows{
		r: text.NewPartReader(file, rg.Name, from, hi, 0), text: file, name: rg.Name, sep: f.sep, width: len(h.names),
		cells: make([]Cell, len(columns)), from: make([]int, len(columns)),
	}
	for i, c := range columns {
		p.from[i] = -1
		if at, err := f.form.find(rg.Name, h.names, c); err == nil {
			p.from[i], p.cells[i].Kind = at, Text
		}
	}
	return p, nil
}

func (p *plainRows) read(rec *Record) (err error) {
	var line int64
	if p.fields, line, err = readFields(p.r, p.sep, p.fields[:0]); err != nil {
		return err
	}
	if len(p.fields) != p.width {
		return p.wrong(line)
	}
	for i, at := range p.from {
		if at >= 0 {
			p.cells[i].Text = p.fields[at]
		}
	}
	rec.Line, rec.Cells = line, p.cells
	return nil
}

// wrong reports the line of the fields.
func (p *plainRows) wrong(line int64) error {
	const most = 4096
	raw := string(bytes.Join(p.fields, []byte(p.sep)))
	raw = strings.ToValidUTF8(raw[:min(len(raw), most)], "\uFFFD")
	return &formats.RowError{
		File: p.name, Line: line, Last: line, Raw: raw,
		Err: fmt.Errorf("%w: %d, not %d", csv.ErrFieldCount, len(p.fields), p.width),
	}
}

func (p *plainRows) close() error { return p.text.Close() }

// readFields appends the fields of the next line that is not empty. They are valid until the next line is read.
func readFields(r *text.Reader, sep string, fields [][]byte) (_ [][]byte, line int64, err error) {
	var rest []byte
	for len(rest) == 0 {
		if rest, line, err = r.ReadBytes(); err != nil {
			return fields, line, err
		}
	}
	for {
		field, next, more := bytes.Cut(rest, []byte(sep))
		if fields = append(fields, field); !more {
			return fields, line, nil
		}
		rest = next
	}
}

// scanPlain scans the lines of a part that lie behind the header.
func (s *scanned) scanPlain(in scanFile, rg mapreduce.Range, f format) error {
	h, err := f.readHeader(rg.Path, rg.Name)
	if err != nil {
		return err
	}
	if rg.Lo == 0 {
		s.Names, s.Rows = h.names, h.end
	}
	return s.scanLines(in, rg, h.end.Offset)
}
