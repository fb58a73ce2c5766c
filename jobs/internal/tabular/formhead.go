package tabular

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/shardmill/shardmill/formats"
	"github.com/shardmill/shardmill/formats/compressed"
	"github.com/shardmill/shardmill/formats/delimited"
	"github.com/shardmill/shardmill/formats/jsonl"
	"github.com/shardmill/shardmill/formats/rowgroup"
	"github.com/shardmill/shardmill/formats/table"
	"github.com/shardmill/shardmill/formats/text"
)

// badHead is how many bad records at the start of a file without a header are looked at for a good one, which tells how
// many columns there are.
const badHead = 1000

// readForm reads the header of CSV or TSV with a form.
func (h *header) readForm(in io.Reader, name string, f format) error {
	r, err := delimited.NewReader(in, name, delimited.Options{Comma: f.comma})
	if err != nil {
		return err
	}
	var rec delimited.Record
	read := func() ([]string, error) {
		if err := r.Read(&rec); err != nil {
			return nil, err
		}
		fields := make([]string, rec.Len())
		for i := range fields {
			fields[i] = string(rec.Field(i))
		}
		return fields, nil
	}
	return h.read(name, f.form, read, r.Position)
}

// readPlain is readForm for plain text.
func (h *header) readPlain(in io.Reader, name string, f format) error {
	r := text.NewReader(in, name, 0)
	var fields [][]byte
	read := func() (names []string, err error) {
		if fields, _, err = readFields(r, f.sep, fields[:0]); err != nil {
			return nil, err
		}
		for _, v := range fields {
			names = append(names, string(v))
		}
		return names, nil
	}
	return h.read(name, f.form, read, func() delimited.Position {
		at := r.Position()
		return delimited.Position{Offset: at.Offset, Line: at.Line}
	})
}

// read takes the header from the records that read returns. at is the place behind the last one.
func (h *header) read(name string, f *Form, read func() ([]string, error), at func() delimited.Position) error {
	var bad *formats.RowError
	start := at()
	first, err := read()
	for n := 1; f.NoHeader && n < badHead && errors.As(err, &bad); n++ {
		first, err = read()
	}
	switch {
	case errors.Is(err, io.EOF) && bad == nil:
		return errNoRecord
	case errors.Is(err, io.EOF): // bad ones only
		return fmt.Errorf("%w: %w", errHeader, bad)
	case errors.As(err, &bad):
		return fmt.Errorf("%w: %w", errHeader, err)
	case err != nil:
		return err
	}
	if len(first) == 1 {
		if err := oneField(name, first[0]); err != nil {
			return err
		}
	}
	if f.NoHeader {
		h.rows, h.end = true, start
		for i := range first {
			h.names = append(h.names, strconv.Itoa(i+1))
		}
		return nil
	}
	h.names, h.end = first, at()
	_, err = read()
	h.rows = !errors.Is(err, io.EOF)
	if h.rows && err != nil && !errors.As(err, &bad) {
		return err
	}
	return nil
}

// peek finds what a file of JSON lines or Parquet says of its columns in a few bytes, and whether it has rows.
func (f format) peek(path, name string, columns []string) (h header, err error) {
	if f.layout == rowGroups {
		return h, h.peekGroups(path, name)
	}
	names, objects, err := lineNames(path, name)
	if errors.Is(err, jsonl.ErrManyNames) {
		names, objects, err = columns, 1, nil
	}
	if err != nil {
		return h, err
	}
	for _, c := range columns {
		if objects > 0 && !slices.Contains(names, c) {
			return h, &table.ColumnError{File: name, Column: c, Has: names}
		}
	}
	file, kind, err := compressed.Open(path)
	if err != nil {
		return h, err
	}
	h.kind = kind
	h.rows, err = text.HasLine(file, name)
	return h, errors.Join(err, file.Close())
}

// peekGroups leaves a large footer to the scan, which believes that there are rows.
func (h *header) peekGroups(path, name string) error {
	file, size, err := openSized(path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // only read
	if smallFooter(file, size, name) != nil {
		h.rows = true
		return nil
	}
	info, err := rowgroup.Inspect(file, size, name)
	if err != nil {
		return err
	}
	h.names = namesOf(info)
	h.rows = slices.ContainsFunc(info.Groups, func(g rowgroup.Group) bool { return g.Rows > 0 })
	return nil
}
