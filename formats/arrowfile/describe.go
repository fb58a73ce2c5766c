package arrowfile

import (
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"

	"github.com/shardmill/shardmill/formats/table"
)

// Description is what a file of this package holds.
type Description struct {
	Version int
	Columns []Column
	Batches []int64 // rows of each record batch
	First   [][]string
}

// Column is a column with its type in Arrow's terms.
type Column struct {
	Name  string
	Type  string
	Nulls int64
}

// Describe reads all of a file of this package and describes it, with the first n rows as text, of which a null is "", a list [a, b]. Errors
// are those of Open.
func Describe(path string, n int) (d Description, err error) {
	f, size, err := open(path)
	if err != nil {
		return d, err
	}
	defer func() { _ = f.Close() }() // only read
	defer table.Recover(path, &err)
	b, err := newBatches(f, size, path)
	if err != nil {
		return d, err
	}
	d.Version = version
	for _, field := range b.file.Schema().Fields() {
		d.Columns = append(d.Columns, Column{Name: field.Name, Type: field.Type.String()})
	}
	for {
		rec, err := b.next()
		if errors.Is(err, io.EOF) {
			return d, nil
		}
		if err != nil {
			return d, err
		}
		if err := d.add(rec, n); err != nil {
			return d, fmt.Errorf("%s: batch %d: %w", path, b.read, err)
		}
	}
}

// add counts a batch, and takes its first rows if there are fewer than n.
func (d *Description) add(rec arrow.Record, n int) error {
	d.Batches = append(d.Batches, rec.NumRows())
	rows := make([][]string, min(int64(n-len(d.First)), rec.NumRows()))
	for i, a := range rec.Columns() {
		d.Columns[i].Nulls += int64(a.NullN())
		if err := appendTexts(rows, a, rec.NumRows()); err != nil {
			return fmt.Errorf("column %q: %w", d.Columns[i].Name, err)
		}
	}
	d.First = append(d.First, rows...)
	return nil
}

// appendTexts appends the values of a column to rows, through a cursor of package table, which checks them, for
// the kinds that are stored in runs.
func appendTexts(rows [][]string, a arrow.Array, all int64) error {
	if runs, ok := a.(*array.RunEndEncoded); ok {
		return appendRuns(rows, runs, all)
	}
	for i := range rows {
		rows[i] = append(rows[i], table.ValueText(a, i))
	}
	return nil
}

func appendRuns(rows [][]string, a *array.RunEndEncoded, all int64) error {
	var text string
	set := func(s *string, v string) { *s = v }
	cols := table.Columns[string]{table.Repeated("", nil, set)}
	if a.Values().DataType().ID() == arrow.INT64 {
		cols = table.Columns[string]{table.Steps("", nil, func(s *string, v int64) { set(s, fmt.Sprint(v)) })}
	}
	view := table.NewView(cols)
	if err := view.Load([]arrow.Array{a}, int(all)); err != nil {
		return err
	}
	for i := range rows {
		view.Read(&text)
		rows[i] = append(rows[i], text)
	}
	return nil
}
