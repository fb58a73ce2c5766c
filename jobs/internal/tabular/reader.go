package tabular

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/shardmill/shardmill/formats"
	"github.com/shardmill/shardmill/formats/compressed"
	"github.com/shardmill/shardmill/formats/jsonl"
	"github.com/shardmill/shardmill/formats/rowgroup"
	"github.com/shardmill/shardmill/formats/table"
	"github.com/shardmill/shardmill/mapreduce"
)

// IsTable tells by its name whether a file is one that this package reads.
func IsTable(name string) bool {
	_, err := formatOf(name)
	return err == nil
}

// IsCSV tells by its name whether a file is CSV, compressed or not.
func IsCSV(name string) bool {
	f, err := formatOf(name)
	return err == nil && f.layout == separated && f.comma == ','
}

const (
	// headLines is how many JSON lines are looked at for their names.
	headLines = 1000
	// maxListedFooter bounds the footer of a Parquet file that is read outside of a child that may die, in bytes: a
	// damaged or hostile one can ask for some hundred times as much memory, of the stack too.
	maxListedFooter = 4 << 20
)

// Columns lists the columns of a file, which must have those in needs. It reads the first bytes of the
// file, or the last ones. JSON lines list no columns: theirs are the names in the first 1,000 lines, and a
// file without an object needs none. Columns of Parquet that have no text form (lists, structs) are not among
// them. Errors that the file is to blame for are of class Input.
func Columns(path, name string, needs []string) ([]string, error) {
	f, err := formatOf(name)
	if err != nil {
		return nil, mapreduce.BadInput(err)
	}
	var names []string
	rows := 1
	switch f.layout {
	case rowGroups:
		names, err = groupNames(path, name, needs)
	case jsonLines:
		names, rows, err = lineNames(path, name)
	default:
		var h header
		h, err = f.readHeader(path, name)
		names = h.names
	}
	if err != nil {
		return nil, asInput(err)
	}
	for _, c := range needs {
		if rows > 0 && !slices.Contains(names, c) {
			return nil, mapreduce.BadInput(&table.ColumnError{File: name, Column: c, Has: names})
		}
	}
	return names, nil
}

// lineNames returns the names in the first lines, and how many objects there are in these.
func lineNames(path, name string) (names []string, rows int, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, 0, mapreduce.BadInput(err)
	}
	text, _, err := compressed.NewReader(file, name)
	if err != nil {
		_ = file.Close() // only read
		return nil, 0, err
	}
	defer func() { _ = text.Close() }() // only read
	names, rows, err = jsonl.Names(text, name, headLines)
	if errors.Is(err, jsonl.ErrManyNames) {
		err = mapreduce.BadInput(fmt.Errorf("%s: %w", name, err))
	}
	return slices.DeleteFunc(names, func(n string) bool { return n == "" }), rows, err
}

// groupNames returns the columns of a Parquet file that can be read.
func groupNames(path, name string, needs []string) ([]string, error) {
	file, size, err := openSized(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // only read
	if err := smallFooter(file, size, name); err != nil {
		return nil, err
	}
	info, err := rowgroup.Inspect(file, size, name)
	if err == nil {
		err = hasColumns(info, name, needs)
	}
	if err != nil {
		return nil, err
	}
	var names []string
	for _, c := range info.Columns {
		switch {
		case c.Kind == rowgroup.Unsupported || c.Name == "":
		case slices.Contains(names, c.Name):
			return nil, fmt.Errorf("%s: %w: two are called %q", name, table.ErrColumns, c.Name)
		default:
			names = append(names, c.Name)
		}
	}
	return names, nil
}

// smallFooter refuses a footer that must not be read in the driver. A file that is no Parquet passes: to inspect it
// says what it is.
func smallFooter(file io.ReaderAt, size int64, name string) error {
	var tail [8]byte // size of the footer, and the magic
	if size < int64(len(tail)) {
		return nil
	}
	if _, err := file.ReadAt(tail[:], size-int64(len(tail))); err != nil {
		return err
	}
	if n := binary.LittleEndian.Uint32(tail[:]); string(tail[4:]) == "PAR1" && n > maxListedFooter && int64(n) < size {
		return mapreduce.BadInput(fmt.Errorf("%s: its footer has %d bytes, more than %d: write it with fewer row groups", name, n, maxListedFooter))
	}
	return nil
}

// Reader reads the rows of a whole file.
type Reader struct {
	in   records
	name string
}

// Open opens a file for the columns, of which the first needs must hold plain values, and in Parquet be there. Of the
// others, an object or array in JSON lines is its JSON, and one without a text form in Parquet is absent. Files that are
// damaged are errors of class Input.
func Open[R any](rows *mapreduce.Rows[R], rg mapreduce.Range, columns []string, needs int) (*Reader, error) {
	f, err := formatOf(rg.Name)
	if err != nil {
		return nil, err
	}
	in, err := f.open(rows, rg, columns, needs)
	if err != nil {
		return nil, asInput(err)
	}
	return &Reader{in, rg.Name}, nil
}

// BadRow is a row that cannot be used. The Reader is still good.
type BadRow struct {
	Origin mapreduce.Origin
	Reason error
}

// Error implements error.
func (b *BadRow) Error() string { return b.Reason.Error() }

// Read sets rec to the next row. A *BadRow is a row to reject, after which reading goes on. At the end the
// error is io.EOF. Any other stays.
func (r *Reader) Read(rec *Record) error {
	err := r.in.read(rec)
	if bad := (*formats.RowError)(nil); errors.As(err, &bad) {
		return &BadRow{mapreduce.Origin{Input: r.name, Line: bad.Line, Record: bad.Raw}, reason(bad)}
	}
	return asInput(err)
}

// Origin is where a row comes from, for a row that is rejected for what its cells are.
func (r *Reader) Origin(rec *Record) mapreduce.Origin {
	return mapreduce.Origin{Input: r.name, Line: rec.Line, Record: asText(rec.Cells)}
}

// Close reads what is left of the file for its digest, and closes it.
func (r *Reader) Close() error { return r.in.close() }
