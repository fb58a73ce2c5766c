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
	r       *delimited.Reader
	text    io.Closer
	records delimited.Records
	fields  []int // of the columns that are asked for, less than 0 where the file has none
	block   Block // of which rows are read one by one
	cells   []Cell
}

// openSeparated opens the rows of a range. The names of the columns stand at the start of the file.
func openSeparated(in files, rg mapreduce.Range, f format, columns []string) (records, error) {
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
	t := &fieldRows{r: r, text: text, fields: make([]int, len(columns))}
	for i, c := range columns {
		t.fields[i] = -1
		if at, err := f.form.find(rg.Name, h.names, c); err == nil {
			t.fields[i] = at
		}
	}
	return t, nil
}

func (t *fieldRows) readBlock(b *Block) error {
	err := t.r.ReadRecords(&t.records, BlockRows)
	b.setRecords(&t.records, t.fields)
	return err
}

func (t *fieldRows) read(rec *Record) error {
	if t.block.rows == 0 {
		if err := t.readBlock(&t.block); err != nil {
			return err
		}
	}
	t.cells = t.block.appendCells(t.cells[:0], 0)
	rec.Line, rec.Cells = t.block.Place(0).Line, t.cells
	t.block.skip(1)
	return nil
}

func (t *fieldRows) close() error { return t.text.Close() }
