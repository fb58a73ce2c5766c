package tabular

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"

	"github.com/shardmill/shardmill/formats/compressed"
	"github.com/shardmill/shardmill/formats/delimited"
	"github.com/shardmill/shardmill/mapreduce"
)

// errHeader reports a CSV or TSV file whose first record does not name its columns.
var errHeader = errors.New("header")

// header is the first record of a text whose fields are separated.
type header struct {
	names []string           // of columns; without a header in the file, their numbers
	end   delimited.Position // where the rows begin
	kind  compressed.Kind
	rows  bool // a record follows, good or bad; known with a Form only
}

// readHeader reads the header of a file.
func (f format) readHeader(path, name string) (h header, err error) {
	file, err := os.Open(path)
	if err != nil {
		return h, mapreduce.BadInput(err)
	}
	text, kind, err := compressed.NewReader(file, name)
	if err != nil {
		_ = file.Close() // only read
		return h, err
	}
	defer func() { _ = text.Close() }() // only read
	h.kind = kind
	switch {
	case f.layout == plain:
		return h, h.readPlain(text, name, f)
	case f.form != nil:
		return h, h.readForm(text, name, f)
	}
	r, err := delimited.NewReader(text, name, delimited.Options{Comma: f.comma})
	if err != nil {
		return h, err
	}
	var first delimited.Record
	var bad *delimited.RowError
	switch err := r.Read(&first); {
	case errors.Is(err, io.EOF):
		return h, fmt.Errorf("%s: no %w: the first line names the columns", name, errHeader)
	case errors.As(err, &bad):
		return h, fmt.Errorf("%w: %w", errHeader, err)
	case err != nil:
		return h, err
	}
	h.end = r.Position()
	h.names, err = columnNames(&first, name)
	return h, err
}

func columnNames(first *delimited.Record, name string) ([]string, error) {
	names := make([]string, first.Len())
	for i := range names {
		names[i] = string(first.Field(i))
		if slices.Contains(names[:i], names[i]) {
			return nil, fmt.Errorf("%s: %w: two columns are called %q", name, errHeader, names[i])
		}
		if names[i] == "" {
			return nil, fmt.Errorf("%s: %w: column %d has no name", name, errHeader, i+1)
		}
	}
	return names, nil
}

// fieldRows reads CSV and TSV.
type fieldRows struct {
	r     *delimited.Reader
	text  io.Closer
	rec   delimited.Record
	cells []Cell
	wants []wanted
}

// wanted is a column of the file that is asked for.
type wanted struct {
	field int
	cell  *Cell
	kind  Kind // Int and Float: the text is parsed right here, where that is cheapest
}

// openSeparated opens the rows of a range. The names of the columns stand at the start of the file.
func openSeparated(in files, rg mapreduce.Range, f format, columns []string, kinds []Kind) (records, error) {
	h, err := f.readHeader(rg.Path, rg.Name)
	if err != nil {
		return nil, err
	}
	text, err := openText(in, rg)
	if err != nil {
		return nil, err
	}
	from, hi := delimited.Position{Offset: rg.Offset, Line: rg.Line, Row: rg.Row}, rg.Hi
	if !isPart(rg) {
		from, hi = h.end, math.MaxInt64
		if _, err := io.CopyN(io.Discard, text, from.Offset); err != nil {
			return nil, errors.Join(fmt.Errorf("%s: the %w: %w", rg.Name, errHeader, err), text.Close())
		}
	}
	r, err := delimited.NewPartReader(text, rg.Name, from, hi, delimited.Options{Comma: f.comma, Columns: h.names})
	if err != nil {
		return nil, errors.Join(err, text.Close())
	}
	t := &fieldRows{r: r, text: text, cells: make([]Cell, len(columns))}
	for i, c := range columns {
		if at, err := f.form.find(rg.Name, h.names, c); err == nil {
			t.cells[i].Kind = Text
			w := wanted{field: at, cell: &t.cells[i]}
			if i < len(kinds) {
				w.kind = kinds[i]
			}
			t.wants = append(t.wants, w)
		}
	}
	return t, nil
}

func (t *fieldRows) read(rec *Record) error {
	if err := t.r.Read(&t.rec); err != nil {
		return err
	}
	for i := range t.wants {
		t.wants[i].set(&t.rec)
	}
	rec.Line, rec.Cells = t.rec.Line, t.cells
	return nil
}

// set sets the cell of a column. Of a text that is no number it is the reader of the cell who says so.
func (w *wanted) set(rec *delimited.Record) {
	c, ok := w.cell, false
	c.Text = rec.Field(w.field)
	switch w.kind {
	case Int:
		c.Int, ok = rec.CanonicalInt(w.field)
	case Float:
		c.Float, ok = rec.Float(w.field)
	}
	if c.parsed = Absent; ok {
		c.parsed = w.kind
	}
}

func (t *fieldRows) close() error { return t.text.Close() }
