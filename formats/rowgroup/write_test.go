package rowgroup

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/compress"
	"github.com/apache/arrow/go/v15/parquet/file"
	"github.com/apache/arrow/go/v15/parquet/schema"
)

// spec is a column of a test file, of which arrow/go writes a physical value for each row.
type spec struct {
	name    string
	logical schema.LogicalType
	typ     parquet.Type
	width   int
	write   func(c file.ColumnChunkWriter, rows []int, levels []int16) error
	want    func(i int) Value
	codings []parquet.Encoding // that the writer knows, beside PLAIN and dictionaries
}

// null says which rows are null, where there are nulls: many pages have no other. But where they are encoded
// as differences, arrow/go v15 cannot write such pages.
func (s shape) null(i int) bool {
	return s.rep == parquet.Repetitions.Optional && (i%7 == 3 || s.coding == 0 && i%1000 > 600)
}

// shape is how a test file is written.
type shape struct {
	rep        parquet.Repetition
	dictionary bool
	coding     int // 0: PLAIN; n: the column's n-th other encoding, if there are so many
	page       parquet.DataPageVersion
	codec      compress.Compression
	groups     []int // rows of each
	pageBytes  int64
}

func (s shape) String() string {
	return fmt.Sprintf("%v/dictionary=%v/coding=%d/v%d/%v", s.rep, s.dictionary, s.coding, s.page+1, s.codec)
}

func (s shape) properties(specs []spec) *parquet.WriterProperties {
	options := []parquet.WriterProperty{
		parquet.WithDataPageVersion(s.page), parquet.WithCompression(s.codec), parquet.WithDictionaryDefault(s.dictionary),
		parquet.WithDataPageSize(s.pageBytes), parquet.WithBatchSize(100), parquet.WithDictionaryPageSizeLimit(1 << 16),
	}
	for _, c := range specs {
		if s.coding > 0 && s.coding <= len(c.codings) {
			options = append(options, parquet.WithEncodingFor(c.name, c.codings[s.coding-1]))
		}
	}
	return parquet.NewWriterProperties(options...)
}

func (s shape) file(t testing.TB, specs []spec) []byte {
	t.Helper()
	var fields schema.FieldList
	for _, c := range specs {
		node, err := schema.NewPrimitiveNodeLogical(c.name, s.rep, c.logical, c.typ, c.width, -1)
		if err != nil {
			t.Fatal(c.name, err)
		}
		fields = append(fields, node)
	}
	root, err := schema.NewGroupNode("schema", parquet.Repetitions.Required, fields, -1)
	if err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	w := file.NewParquetWriter(&buf, root, file.WithWriterProps(s.properties(specs)))
	first := 0
	for _, rows := range s.groups {
		g := w.AppendRowGroup()
		for _, c := range specs {
			if err := s.column(g, c, first, rows); err != nil {
				t.Fatalf("%v: %s: %v", s, c.name, err)
			}
		}
		if err := g.Close(); err != nil {
			t.Fatal(err)
		}
		first += rows
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func (s shape) column(g file.SerialRowGroupWriter, c spec, first, rows int) error {
	w, err := g.NextColumn()
	if err != nil {
		return err
	}
	var valid []int
	var levels []int16
	for i := first; i < first+rows; i++ {
		if s.null(i) {
			levels = append(levels, 0)
			continue
		}
		valid = append(valid, i)
		levels = append(levels, 1)
	}
	if s.rep == parquet.Repetitions.Required {
		levels = nil
	}
	if rows > 0 {
		err = c.write(w, valid, levels)
	}
	return errors.Join(err, w.Close())
}

// writer is what arrow/go's writers of columns have in common.
type writer[T any] interface {
	WriteBatch(values []T, levels, repetitions []int16) (int64, error)
}

// values returns the write of a spec.
func values[T any](value func(i int) T) func(file.ColumnChunkWriter, []int, []int16) error {
	return func(c file.ColumnChunkWriter, rows []int, levels []int16) error {
		w, ok := c.(writer[T])
		if !ok {
			return fmt.Errorf("%T does not write %T", c, value(0))
		}
		out := make([]T, len(rows))
		for k, i := range rows {
			out[k] = value(i)
		}
		_, err := w.WriteBatch(out, levels, nil)
		return err
	}
}

func byteArrays(value func(i int) []byte) func(file.ColumnChunkWriter, []int, []int16) error {
	return values(func(i int) parquet.ByteArray { return value(i) })
}

func fixedArrays(value func(i int) []byte) func(file.ColumnChunkWriter, []int, []int16) error {
	return values(func(i int) parquet.FixedLenByteArray { return value(i) })
}
