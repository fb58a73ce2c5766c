package parquetfile

import (
	"context"
	"encoding/binary"
	"fmt"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/file"
	"github.com/apache/arrow/go/v15/parquet/metadata"
	"github.com/apache/arrow/go/v15/parquet/pqarrow"

	"github.com/shardmill/shardmill/formats/internal/sink"
)

const magic = "PAR1"

// target is a file that is being written: what pqarrow.FileWriter is, but with columns and pages of our own. The
// bytes are the same.
type target struct {
	out     *sink.Sink
	props   *parquet.WriterProperties
	meta    *metadata.FileMetaDataBuilder
	zstd    *compressor
	store   *store
	groups  int
	group   *metadata.RowGroupMetaDataBuilder // the open one, nil before the first
	columns []column
	rows    int // in the open group
}

// column writes one column of one row group.
type column interface {
	// write appends the values of an array, which it does not keep.
	write(arrow.Array) error
	// close writes the column to the file and returns its size in bytes.
	close() (int64, error)
}

func newTarget(s *arrow.Schema, out *sink.Sink, props *parquet.WriterProperties, z *compressor, spill Spill) (*target, error) {
	columns, err := pqarrow.ToParquet(s, props, pqarrow.DefaultWriterProps())
	if err != nil {
		return nil, err
	}
	var pairs metadata.KeyValueMetadata
	for i, key := range s.Metadata().Keys() {
		if err := pairs.Append(key, s.Metadata().Values()[i]); err != nil {
			return nil, err
		}
	}
	t := &target{out: out, props: props, meta: metadata.NewFileMetadataBuilder(columns, props, pairs), zstd: z, store: &store{Spill: spill}}
	_, err = out.Write([]byte(magic))
	return t, err
}

// open closes the open row group and opens another.
func (t *target) open() error {
	if err := t.end(); err != nil {
		return err
	}
	t.group = t.meta.AppendRowGroup()
	for i := range t.group.NumColumns() {
		c, err := t.column(i)
		if err != nil {
			return err
		}
		t.columns = append(t.columns, c)
	}
	t.groups++
	return nil
}

func (t *target) column(i int) (column, error) {
	meta := t.group.NextColumnChunk()
	p, err := newPager(meta, t.groups, i, t.zstd, t.out, t.store)
	if err != nil {
		return nil, err
	}
	leaf := meta.Descr()
	counted := leaf.MaxDefinitionLevel() > 0 && t.props.StatisticsEnabledFor(leaf.Path()) // statistics count empty lists
	switch kind := leaf.PhysicalType(); {
	case kind == parquet.Types.ByteArray:
		return newTextColumn(p, t.props), nil
	case kind == parquet.Types.Int32:
		return newInt32Column(p, t.props), nil
	case kind == parquet.Types.Int64:
		return newInt64Column(p, t.props), nil
	case kind == parquet.Types.Float && !counted:
		return newFloat32Column(p, t.props), nil
	case kind == parquet.Types.Double && !counted:
		return newFloat64Column(p, t.props), nil
	}
	return &libraryColumn{pager: p, ColumnChunkWriter: file.NewColumnChunkWriter(meta, p, t.props)}, nil
}

// end closes the open row group, if there is one.
func (t *target) end() error {
	if t.group == nil {
		return nil
	}
	size := int64(0)
	for _, c := range t.columns {
		n, err := c.close()
		if err != nil {
			return err
		}
		size += n
	}
	t.group.SetNumRows(t.rows)
	if err := t.group.Finish(size, int16(t.groups-1)); err != nil {
		return err
	}
	t.group, t.columns, t.rows = nil, nil, 0
	return nil
}

// write appends a record batch to the open row group.
func (t *target) write(rec arrow.Record) error {
	for i, c := range t.columns {
		if err := c.write(rec.Column(i)); err != nil {
			return fmt.Errorf("column %q: %w", rec.ColumnName(i), err)
		}
	}
	t.rows += int(rec.NumRows())
	return nil
}

// close completes the file.
func (t *target) close() error {
	if err := t.end(); err != nil {
		return err
	}
	meta, err := t.meta.Finish()
	if err != nil {
		return err
	}
	n, err := meta.WriteTo(t.out, nil)
	if err != nil {
		return err
	}
	end := binary.LittleEndian.AppendUint32(nil, uint32(n))
	_, err = t.out.Write(append(end, magic...))
	return err
}

// libraryColumn leaves the encoding to the library.
type libraryColumn struct {
	pager *pager
	file.ColumnChunkWriter
}

func (c *libraryColumn) write(a arrow.Array) error {
	leaf, def, rep := a, []int16(nil), []int16(nil)
	if list, ok := a.(*array.List); ok {
		leaf = list.ListValues()
		def, rep = listLevels(list.Offsets())
	}
	ctx := pqarrow.NewArrowWriteContext(context.Background(), nil)
	return pqarrow.WriteArrowToColumn(ctx, c.ColumnChunkWriter, leaf, def, rep, false)
}

func (c *libraryColumn) close() (int64, error) {
	if err := c.Close(); err != nil {
		return 0, err
	}
	return c.pager.meta.TotalCompressedSize(), nil
}
