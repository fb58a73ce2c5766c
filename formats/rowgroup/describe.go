package rowgroup

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/schema"

	"github.com/shardmill/shardmill/formats"
	"github.com/shardmill/shardmill/formats/table"
)

// Details is all that the footer of a file says.
type Details struct {
	Info
	CreatedBy string            // the program that wrote the file
	Metadata  map[string]string // of the whole file
	Chunks    [][]Chunk         // by row group, then column; of a column with parts, none
}

// Chunk is a column in a row group. Min and Max stand where the writer gave them: no value is below or above them. They may be
// shortened texts; of texts that are made, such as dates, there are none.
type Chunk struct {
	Bytes, Raw int64  // as they lie in the file, and decompressed
	Codec      string // "ZSTD"
	Nulls      int64  // -1 where the writer did not say
	Min, Max   Value
	HasMinMax  bool
}

// MayHold tells whether the column may have a value in the row group, as far as the footer says. The value must be an Int, a Float
// or a Text.
func (c Chunk) MayHold(v Value) bool {
	if !c.HasMinMax || c.Min.Kind != v.Kind {
		return true
	}
	switch v.Kind {
	case Int:
		return c.Min.Int <= v.Int && v.Int <= c.Max.Int
	case Float:
		return !(v.Float < c.Min.Float || v.Float > c.Max.Float)
	case Text:
		return bytes.Compare(c.Min.Text, v.Text) <= 0 && bytes.Compare(v.Text, c.Max.Text) <= 0
	}
	return true
}

// Describe reads the footer of a file as Inspect does.
func Describe(r io.ReaderAt, size int64, name string) (d Details, err error) {
	defer table.Recover(name, &err)
	f, err := readFooter(r, size, name)
	if err != nil {
		return Details{}, err
	}
	d = Details{CreatedBy: f.meta.GetCreatedBy(), Metadata: map[string]string{}, Info: Info{Groups: f.groups}}
	for _, kv := range f.meta.KeyValueMetadata() {
		d.Metadata[kv.Key] = kv.GetValue()
	}
	for _, field := range f.fields {
		d.Columns = append(d.Columns, field.Column)
	}
	for g := range f.groups {
		chunks := make([]Chunk, len(f.fields))
		for i, field := range f.fields {
			if chunks[i], err = f.chunk(g, field); err != nil {
				return Details{}, fmt.Errorf("%s: footer: row group %d: column %q: %w", name, g, field.Name, err)
			}
		}
		d.Chunks = append(d.Chunks, chunks)
	}
	return d, nil
}

func (f *footer) chunk(group int, column field) (Chunk, error) {
	c := Chunk{Nulls: -1}
	if column.Kind == Unsupported {
		return c, nil
	}
	meta, err := f.meta.RowGroup(group).ColumnChunk(column.leaf)
	if err != nil {
		return c, fmt.Errorf("%w: %w", formats.ErrDamaged, err)
	}
	c.Bytes, c.Raw, c.Codec = meta.TotalCompressedSize(), meta.TotalUncompressedSize(), meta.Compression().String()
	stats, err := meta.Statistics()
	if err != nil || stats == nil {
		return c, nil //nolint:nilerr // statistics that cannot be read are as none
	}
	if stats.HasNullCount() {
		c.Nulls = stats.NullCount()
	}
	if stats.HasMinMax() && stats.Type() == column.physical && column.sortable() {
		least, ok := column.plainValue(stats.EncodeMin())
		most, ok2 := column.plainValue(stats.EncodeMax())
		if ok && ok2 {
			c.Min, c.Max, c.HasMinMax = least, most, true
		}
	}
	return c, nil
}

// sortable tells whether Values of the column are in the order of what they were made of, as statistics have it.
func (f field) sortable() bool {
	if f.Kind != Text {
		return true
	}
	_, decimal := f.logical.(*schema.DecimalLogicalType)
	return f.physical == parquet.Types.ByteArray && !decimal
}

// plainValue makes a value of a plain-encoded one of statistics.
func (f field) plainValue(b []byte) (Value, bool) {
	if f.physical == parquet.Types.ByteArray {
		b = append(binary.LittleEndian.AppendUint32(nil, uint32(len(b))), b...)
	}
	conv := f.conversion()
	if conv.numbers != nil {
		return plainValue(numbers(f.physical), conv.numbers, b)
	}
	return plainValue(byteValues(f.physical, f.width), conv.bytes, b)
}

func plainValue[T any](body func(parquet.Encoding, []byte) (decoder[T], error), set setter[T], b []byte) (v Value, ok bool) {
	decode, err := body(parquet.Encodings.Plain, bytes.Clone(b))
	if err != nil || len(b) == 0 {
		return v, false
	}
	var one [1]T
	if n, err := decode(one[:]); err != nil || n != 1 || set(&v, one[0]) != nil {
		return v, false
	}
	v.Text = bytes.Clone(v.Text) // the setter may keep its memory
	return v, true
}
