package rank

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/shardmill/shardmill/formats/delimited"
	"github.com/shardmill/shardmill/formats/jsonl"
	"github.com/shardmill/shardmill/mapreduce"
)

// record is one row of an input: the cells of the columns that were asked for, in their order.
type record struct {
	line  int64
	cells []cell // valid until the next read
}

// records reads the rows of a file. At the end the error is io.EOF; a *formats.RowError is a bad row,
// after which reading goes on.
type records interface{ read(rec *record) error }

// format reads one kind of file.
type format struct {
	// header reads the names of a file's columns; nil where a file does not list them.
	header func(in io.Reader, name string) ([]string, error)
	// open reads rows. A file that has not got one of the columns has no cells of it.
	open func(in io.Reader, name string, columns []string) (records, error)
	// unpack takes away compression; nil where there is none.
	unpack func(in io.Reader) (io.ReadCloser, error)
}

const knownFormats = ".csv, .tsv, .jsonl or .ndjson, with or without .gz or .zst"

// formatOf tells by its name how a file is read.
func formatOf(name string) (format, bool) {
	name = strings.ToLower(name)
	var unpack func(in io.Reader) (io.ReadCloser, error)
	switch filepath.Ext(name) {
	case ".gz":
		unpack = gunzip
	case ".zst", ".zstd":
		unpack = unzstd
	}
	if unpack != nil {
		name = strings.TrimSuffix(name, filepath.Ext(name))
	}
	switch filepath.Ext(name) {
	case ".csv":
		return separated(',', unpack), true
	case ".tsv":
		return separated('\t', unpack), true
	case ".jsonl", ".ndjson":
		return format{open: openLines, unpack: unpack}, true
	}
	return format{}, false
}

// maxWindow is the memory that a zstd file may ask for, in bytes.
const maxWindow = 64 << 20

func gunzip(in io.Reader) (io.ReadCloser, error) { return gzip.NewReader(in) }

func unzstd(in io.Reader) (io.ReadCloser, error) {
	r, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(maxWindow))
	if err != nil {
		return nil, err
	}
	return r.IOReadCloser(), nil
}

// plain is the text of a file. Closing it leaves the file open.
func (f format) plain(in io.Reader, name string) (io.ReadCloser, error) {
	if f.unpack == nil {
		return io.NopCloser(in), nil
	}
	r, err := f.unpack(in)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return unpacked{r}, nil
}

// unpacked is a decompressor. What fails in it is the input.
type unpacked struct{ io.ReadCloser }

func (u unpacked) Read(p []byte) (int, error) {
	n, err := u.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = mapreduce.BadInput(err)
	}
	return n, err
}

func separated(comma byte, unpack func(io.Reader) (io.ReadCloser, error)) format {
	o := delimited.Options{Comma: comma}
	return format{
		unpack: unpack,
		header: func(in io.Reader, name string) ([]string, error) {
			_, names, err := openTable(in, name, o)
			return names, err
		},
		open: func(in io.Reader, name string, columns []string) (records, error) {
			r, names, err := openTable(in, name, o)
			if err != nil {
				return nil, err
			}
			t := &tableRows{r: r, cells: make([]cell, len(columns))}
			for _, c := range columns {
				t.at = append(t.at, slices.Index(names, c))
			}
			return t, nil
		},
	}
}

var errNoHeader = errors.New("no header: the first line names the columns")

// openTable reads the header of a CSV or TSV file.
func openTable(in io.Reader, name string, o delimited.Options) (*delimited.Reader, []string, error) {
	r, err := delimited.NewReader(in, name, o)
	if err != nil {
		return nil, nil, err
	}
	var head delimited.Record
	if err := r.Read(&head); errors.Is(err, io.EOF) {
		return nil, nil, fmt.Errorf("%s: %w", name, errNoHeader)
	} else if err != nil {
		return nil, nil, fmt.Errorf("header: %w", err)
	}
	names := make([]string, head.Len())
	for i := range names {
		names[i] = string(head.Field(i))
		if slices.Contains(names[:i], names[i]) {
			return nil, nil, fmt.Errorf("%s: two columns are called %q", name, names[i])
		}
		if names[i] == "" {
			return nil, nil, fmt.Errorf("%s: column %d has no name", name, i+1)
		}
	}
	return r, names, nil
}

// tableRows reads CSV and TSV.
type tableRows struct {
	r     *delimited.Reader
	rec   delimited.Record
	at    []int // field of each column, or -1
	cells []cell
}

func (t *tableRows) read(rec *record) error {
	if err := t.r.Read(&t.rec); err != nil {
		return err
	}
	for i, at := range t.at {
		if at >= 0 {
			t.cells[i] = cell{t.rec.Field(at), true}
		}
	}
	rec.line, rec.cells = t.rec.Line, t.cells
	return nil
}

// lineRows reads JSON lines.
type lineRows struct {
	r     *jsonl.Reader
	row   jsonl.Row
	cells []cell
}

func openLines(in io.Reader, name string, columns []string) (records, error) {
	r, err := jsonl.NewReader(in, name, jsonl.Options{Columns: columns})
	if err != nil {
		return nil, err
	}
	return &lineRows{r: r, cells: make([]cell, len(columns))}, nil
}

func (l *lineRows) read(rec *record) error {
	if err := l.r.Read(&l.row); err != nil {
		return err
	}
	for i, v := range l.row.Values {
		l.cells[i] = cell{v.Text, v.Kind != jsonl.Absent && v.Kind != jsonl.Null}
	}
	rec.line, rec.cells = l.row.Line, l.cells
	return nil
}
