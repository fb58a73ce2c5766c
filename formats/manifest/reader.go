package manifest

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/shardmill/shardmill/formats"
	"github.com/shardmill/shardmill/formats/internal/chars"
	"github.com/shardmill/shardmill/formats/internal/lines"
)

// maxRaw bounds the text of a bad record that its RowError carries, in bytes.
const maxRaw = 4096

// ErrEmptyPath reports a row whose path is empty.
var ErrEmptyPath = errors.New("the path is empty")

// RowError is formats.RowError.
type RowError = formats.RowError

// Options says which columns mean what.
type Options struct {
	PathCol  string // column of the image's path; "" means "path"
	IDCol    string // column of the row's id; "" for none
	LabelCol string // column of the true label; "" for none
}

// Row is one row of a manifest.
type Row struct {
	Line    int64    // physical line on which the row starts, 1-based
	Path    string   // never empty
	ID      string   // "" without Options.IDCol
	Label   string   // "" without Options.LabelCol
	Carried []string // values of the columns that Reader.Carried names, in their order
}

// Reader reads the rows of a manifest. It holds one record. It is not safe for concurrent use.
type Reader struct {
	name            string
	cutter          *cutter
	text            *bytes.Reader
	csv             *csv.Reader
	header          []string
	path, id, label int   // indices of columns, -1 for none
	carried         []int // indices of the other columns
	err             error // sticky
}

// NewReader reads the header of r. name stands in errors. A header that cannot be
// used, or lacks a column that o names, is a *HeaderError.
func NewReader(r io.Reader, name string, o Options) (*Reader, error) {
	if o.PathCol == "" {
		o.PathCol = "path"
	}
	c := newCutter(r)
	header, err := readHeader(c, name)
	if err != nil {
		return nil, err
	}
	m := &Reader{name: name, cutter: c, text: new(bytes.Reader), header: header}
	m.resetCSV()
	for _, bind := range []struct {
		at   *int
		name string
	}{{&m.path, o.PathCol}, {&m.id, o.IDCol}, {&m.label, o.LabelCol}} {
		if *bind.at, err = m.column(bind.name); err != nil {
			return nil, err
		}
	}
	for i := range header {
		if i != m.path && i != m.id && i != m.label {
			m.carried = append(m.carried, i)
		}
	}
	return m, nil
}

func newCutter(r io.Reader) *cutter { return &cutter{lines: lines.NewReader(r)} }

func (m *Reader) resetCSV() {
	m.csv = csv.NewReader(m.text)
	m.csv.FieldsPerRecord = -1
	m.csv.ReuseRecord = true
}

func (m *Reader) column(name string) (int, error) {
	if name == "" {
		return -1, nil
	}
	i := slices.Index(m.header, name)
	if i < 0 {
		return -1, &HeaderError{File: m.name, Column: name, Columns: m.header, Err: ErrMissing}
	}
	return i, nil
}

// Carried returns the names of the columns that are neither path, id nor label, in
// the order of the header.
func (m *Reader) Carried() []string {
	names := make([]string, len(m.carried))
	for i, at := range m.carried {
		names[i] = m.header[at]
	}
	return names
}

// Read sets row to the next row. A *RowError is a bad record: row is not set, and the
// next Read goes on after it. At the end the error is io.EOF. Any other error is one of
// the input and stays. What row holds is safe to keep.
func (m *Reader) Read(row *Row) error {
	if m.err != nil {
		return m.err
	}
	rec, err := m.cutter.next()
	if err != nil {
		m.err = err
		if !errors.Is(err, io.EOF) {
			m.err = fmt.Errorf("%s: %w", m.name, err)
		}
		return m.err
	}
	fields, err := m.parse(rec)
	if err != nil {
		return err
	}
	m.set(row, rec.first, fields)
	return nil
}

// parse returns the fields of a record, or a *RowError.
func (m *Reader) parse(rec record) ([]string, error) {
	textErr := checkText(rec)
	if rec.open > 0 || rec.long {
		return nil, m.rowError(rec, "", textErr)
	}
	m.text.Reset(rec.text)
	fields, err := m.csv.Read()
	switch {
	case err != nil:
		m.resetCSV() // it may not have read all of the record
		return nil, m.rowError(rec, "", cause(err))
	case len(fields) != len(m.header):
		err = fmt.Errorf("%w: %d, the header has %d", csv.ErrFieldCount, len(fields), len(m.header))
		return nil, m.rowError(rec, "", err)
	case textErr != nil:
		return nil, m.rowError(rec, m.badField(fields), textErr)
	case fields[m.path] == "":
		return nil, m.rowError(rec, m.header[m.path], ErrEmptyPath)
	}
	return fields, nil
}

// badField names the first column whose text is refused.
func (m *Reader) badField(fields []string) string {
	for i, f := range fields {
		if chars.Check([]byte(f)) != nil {
			return m.header[i]
		}
	}
	return ""
}

func (m *Reader) rowError(rec record, column string, err error) error {
	raw := rec.text[:min(len(rec.text), maxRaw)]
	return &RowError{
		File: m.name, Line: rec.first, Last: rec.last, Column: column,
		Raw: strings.ToValidUTF8(string(bytes.TrimSuffix(raw, []byte{'\n'})), "\uFFFD"), Err: err,
	}
}

func (m *Reader) set(row *Row, line int64, fields []string) {
	*row = Row{Line: line, Path: fields[m.path]}
	if m.id >= 0 {
		row.ID = fields[m.id]
	}
	if m.label >= 0 {
		row.Label = fields[m.label]
	}
	if len(m.carried) > 0 {
		row.Carried = make([]string, len(m.carried))
	}
	for i, at := range m.carried {
		row.Carried[i] = fields[at]
	}
}
