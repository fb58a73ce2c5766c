package tabular

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/shardmill/shardmill/formats"
	"github.com/shardmill/shardmill/formats/compressed"
	"github.com/shardmill/shardmill/formats/rowgroup"
	"github.com/shardmill/shardmill/formats/table"
	"github.com/shardmill/shardmill/mapreduce"
)

// records reads the rows of a file or of a part. At the end the error is io.EOF; a *formats.RowError is a bad row,
// after which reading goes on.
type records interface {
	read(rec *Record) error
	close() error
}

// blocks are records that are read several at a time.
type blocks interface {
	records
	// readBlock sets b to the next rows. Errors are those of read, and come with no row.
	readBlock(b *Block) error
}

// files opens what is read, so that digests are taken: a *mapreduce.Rows.
type files interface {
	Open(path string) (io.ReadCloser, error)
	OpenRange(rg mapreduce.Range) (io.ReadCloser, error)
}

// format is how a file is read.
type format struct {
	layout layout
	comma  byte   // of separated text
	sep    string // of plain text
	form   *Form  // what the user says of it
}

type layout uint8

const (
	separated layout = iota // CSV and TSV
	jsonLines
	rowGroups
	plain // text separated by several bytes
)

func (l layout) String() string {
	return [...]string{"CSV and TSV", "JSON lines", "Parquet files", "plain text"}[l]
}

const knownFormats = ".csv, .tsv, .jsonl or .ndjson, with or without .gz or .zst, and .parquet"

// formatOf tells by its name how a file is read.
func formatOf(name string) (format, error) {
	plain := strings.ToLower(name)
	switch ext := filepath.Ext(plain); ext {
	case ".parquet":
		return format{layout: rowGroups}, nil
	case ".gz", ".zst", ".zstd":
		plain = strings.TrimSuffix(plain, ext)
	}
	switch filepath.Ext(plain) {
	case ".csv":
		return format{comma: ','}, nil
	case ".tsv":
		return format{comma: '\t'}, nil
	case ".jsonl", ".ndjson":
		return format{layout: jsonLines}, nil
	}
	return format{}, fmt.Errorf("%s: its name ends in none of %s", name, knownFormats)
}

// open opens a range for the columns. A file that has not got one of them has no cells of it; for Parquet
// the first needs of them must be there, and of JSON lines these hold no objects or arrays.
func (f format) open(in files, rg mapreduce.Range, columns []string, needs int) (records, error) {
	switch f.layout {
	case rowGroups:
		return openGroups(in, rg, columns, needs, f.form)
	case jsonLines:
		return openLines(in, rg, columns, needs)
	case plain:
		return openPlain(in, rg, f, columns)
	default:
		return openSeparated(in, rg, f, columns)
	}
}

// openText opens the text of a range, decompressed; its first byte is at rg.Offset. A range that has no end is a whole file.
func openText(in files, rg mapreduce.Range) (io.ReadCloser, error) {
	file, err := in.OpenRange(rg) // so that the file is known to be the one that was scanned
	if err != nil || isPart(rg) {
		return file, err
	}
	text, _, err := compressed.NewReader(file, rg.Name)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return text, nil
}

// isPart tells whether a range is less than a file.
func isPart(rg mapreduce.Range) bool { return rg.Hi > 0 }

// asInput marks errors that lie in the input and not in reading it. That of compressed data names the file,
// as those around it do, and stands alone.
func asInput(err error) error {
	var data *compressed.DataError
	if errors.As(err, &data) {
		return mapreduce.BadInput(data)
	}
	var column *table.ColumnError
	if errors.As(err, &column) {
		return mapreduce.BadInput(err)
	}
	for _, e := range []error{
		errHeader, errSameColumn, formats.ErrUTF16, formats.ErrDamaged, rowgroup.ErrNotParquet, rowgroup.ErrUnsupported, table.ErrColumns,
	} {
		if errors.Is(err, e) {
			return mapreduce.BadInput(err)
		}
	}
	return err
}
