package parquetfile

import (
	"fmt"
	"slices"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/metadata"
	"github.com/apache/arrow/go/v15/parquet/schema"
)

// floatsColumn writes required 32-bit floats, or lists of them, without statistics, as the library does with the same
// properties. That copies all levels of a page again for some lists each: 53,424 lists of 64 took it 4.4 s.
type floatsColumn struct {
	coded
	levels
	plain []byte // values of the open page
}

const floatSize = 4 // bytes

func newFloatsColumn(p *pager, props *parquet.WriterProperties) *floatsColumn {
	return &floatsColumn{coded: newCoded(p, props), levels: newLevels(int(p.meta.Descr().MaxDefinitionLevel()))}
}

func (c *floatsColumn) write(a arrow.Array) error {
	list, inLists := a.(*array.List)
	if inLists {
		a = list.ListValues()
	}
	values, typed := a.(*array.Float32)
	if !typed || inLists != (c.depth > 0) {
		return fmt.Errorf("it is a %T, want 32-bit floats", a)
	}
	if inLists {
		return c.writeLists(values.Float32Values(), list.Offsets())
	}
	c.grow(values.Len())
	for all := values.Float32Values(); len(all) > 0; {
		n := min(int(c.props.WriteBatchSize()), len(all))
		c.count += n
		if err := c.add(all[:n]); err != nil {
			return err
		}
		all = all[n:]
	}
	return nil
}

// writeLists writes lists of values. As the library has it, a page may end within a list.
func (c *floatsColumn) writeLists(values []float32, offsets []int32) error {
	def, rep := listLevels(offsets)
	c.grow(len(values))
	for len(def) > 0 {
		n, k := min(int(c.props.WriteBatchSize()), len(def)), 0
		for _, d := range def[:n] {
			if int(d) == c.depth {
				k++
			}
		}
		c.put(def[:n], rep[:n])
		if err := c.add(values[:k]); err != nil {
			return err
		}
		values, def, rep = values[k:], def[n:], rep[n:]
	}
	return nil
}

// grow makes room for so many values, or those of a page.
func (c *floatsColumn) grow(n int) {
	page := c.props.DataPageSize() + c.props.WriteBatchSize()*floatSize // as it ends behind a batch
	if free := page - int64(len(c.plain)); free > 0 {
		c.plain = slices.Grow(c.plain, int(min(int64(n)*floatSize, free)))
	}
}

// add appends some values to the open page, and ends it where it is large enough.
func (c *floatsColumn) add(values []float32) error {
	c.plain = append(c.plain, arrow.GetBytes(values)...)
	if int64(len(c.plain)) >= c.props.DataPageSize() {
		return c.endPage()
	}
	return nil
}

// endPage completes the open page, if it has rows.
func (c *floatsColumn) endPage() error {
	count := c.count
	if count == 0 {
		return nil
	}
	page := append(c.appendTo(c.empty()), c.plain...)
	c.plain = c.plain[:0]
	stats := metadata.EncodedStatistics{Signed: c.pager.meta.Descr().SortOrder() == schema.SortSIGNED}
	return c.writePage(page, count, stats)
}

func (c *floatsColumn) close() (int64, error) {
	if err := c.endPage(); err != nil {
		return 0, err
	}
	return c.finish(false)
}
