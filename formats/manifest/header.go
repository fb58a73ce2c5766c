package manifest

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/shardmill/shardmill/formats"
	"github.com/shardmill/shardmill/formats/internal/chars"
)

var (
	// ErrNoHeader reports a file without any record.
	ErrNoHeader = errors.New("the file is empty, a header is needed")
	// ErrMissing reports a column that the header has not.
	ErrMissing = errors.New("the header has no such column")
	// ErrDuplicate reports a name that the header has twice.
	ErrDuplicate = errors.New("the header has this column twice")
	// ErrUnnamed reports a column without a name.
	ErrUnnamed = errors.New("the header has a column without a name")
)

// HeaderError reports a file whose header cannot be used; no row of it can be read.
type HeaderError struct {
	File    string   // as given to the reader
	Column  string   // name of the column at fault, "" where the fault is not one column's
	Columns []string // names in the header, in order
	Err     error    // ErrNoHeader, ErrMissing, ErrDuplicate, ErrUnnamed, or what is wrong with the text
}

// Error names the file, the column at fault and the columns that exist.
func (e *HeaderError) Error() string {
	text := e.File + ": "
	if e.Column != "" {
		text += fmt.Sprintf("column %q: ", e.Column)
	}
	text += e.Err.Error()
	if len(e.Columns) > 0 {
		text += fmt.Sprintf("; the columns are %q", e.Columns)
	}
	return text
}

// Unwrap returns the cause.
func (e *HeaderError) Unwrap() error { return e.Err }

// Header reads the header of a CSV file: the names of its columns, in order. name
// stands in errors, which are *HeaderError or errors of r. It may read ahead in r.
func Header(r io.Reader, name string) ([]string, error) {
	return readHeader(newCutter(r), name)
}

func readHeader(c *cutter, name string) ([]string, error) {
	rec, err := c.next()
	switch {
	case errors.Is(err, io.EOF):
		return nil, &HeaderError{File: name, Err: ErrNoHeader}
	case errors.Is(err, formats.ErrUTF16):
		return nil, &HeaderError{File: name, Err: err}
	case err != nil:
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if err := checkText(rec); err != nil {
		return nil, &HeaderError{File: name, Err: err}
	}
	columns, err := csv.NewReader(bytes.NewReader(rec.text)).Read()
	if err != nil {
		return nil, &HeaderError{File: name, Err: cause(err)}
	}
	return columns, checkNames(columns, name)
}

func checkNames(columns []string, name string) error {
	for i, c := range columns {
		if c == "" {
			return &HeaderError{File: name, Columns: columns, Err: fmt.Errorf("%w: number %d", ErrUnnamed, i+1)}
		}
		if slices.Contains(columns[:i], c) {
			return &HeaderError{File: name, Column: c, Columns: columns, Err: ErrDuplicate}
		}
	}
	return nil
}

// checkText checks a record without parsing it.
func checkText(rec record) error {
	switch {
	case rec.open > 0:
		return fmt.Errorf("a quote opened on line %d is never closed", rec.open)
	case rec.long:
		return fmt.Errorf("record %w of %d bytes", formats.ErrTooLong, maxRecord)
	default:
		return chars.Check(rec.text)
	}
}

// cause strips the position that encoding/csv adds: it counts from the record, not from the file.
func cause(err error) error {
	var parse *csv.ParseError
	if errors.As(err, &parse) {
		return parse.Err
	}
	return err
}
