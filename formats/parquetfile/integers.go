package parquetfile

import (
	"encoding/binary"
	"fmt"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/file"
	"github.com/apache/arrow/go/v15/parquet/metadata"
)

// integersColumn writes lists of 64-bit integers, as the library does with the same properties and without statistics. That
// copies all levels of a page again for each eight lists or so of other lengths than those before.
type integersColumn struct {
	pager *pager
	props *parquet.WriterProperties
	levels
	plain []byte // values of the open page
	page  []byte
}

func newIntegersColumn(p *pager, props *parquet.WriterProperties) *integersColumn {
	return &integersColumn{pager: p, props: props, levels: newLevels(int(p.meta.Descr().MaxDefinitionLevel()))}
}

func (c *integersColumn) write(a arrow.Array) error {
	list, ok := a.(*array.List)
	if !ok {
		return fmt.Errorf("it is a %T, want lists", a)
	}
	integers, ok := list.ListValues().(*array.Int64)
	if !ok {
		return fmt.Errorf("it is a list of %T, want 64-bit integers", list.ListValues())
	}
	values := integers.Int64Values()
	def, rep := listLevels(list.Offsets())
	for len(def) > 0 {
		n := min(int(c.props.WriteBatchSize()), len(def))
		c.put(def[:n], rep[:n])
		for _, d := range def[:n] {
			if int(d) == c.depth {
				c.plain = binary.LittleEndian.AppendUint64(c.plain, uint64(values[0]))
				values = values[1:]
			}
		}
		def, rep = def[n:], rep[n:]
		if int64(len(c.plain)) < c.props.DataPageSize() {
			continue
		}
		if err := c.endPage(); err != nil {
			return err
		}
	}
	return nil
}

// endPage writes the open page, if it has lists.
func (c *integersColumn) endPage() error {
	count := c.count
	if count == 0 {
		return nil
	}
	c.page = append(c.appendTo(c.page[:0]), c.plain...)
	c.plain = c.plain[:0]
	data := memory.NewBufferBytes(c.pager.Compress(nil, c.page))
	_, err := c.pager.WriteDataPage(file.NewDataPageV1WithStats(data, int32(count), parquet.Encodings.Plain,
		parquet.Encodings.RLE, parquet.Encodings.RLE, int32(len(c.page)), metadata.EncodedStatistics{Signed: true}))
	return err
}

func (c *integersColumn) close() (int64, error) {
	if err := c.endPage(); err != nil {
		return 0, err
	}
	if err := c.pager.Close(false, false); err != nil {
		return 0, err
	}
	return c.pager.meta.TotalCompressedSize(), nil
}
