package parquetfile

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/metadata"
	"github.com/apache/arrow/go/v15/parquet/schema"
)

// textColumn writes strings, or lists of them, as the library does with the same properties, but without an allocation and
// several calls through interfaces for each.
type textColumn struct {
	coded
	dict  *dictionary                   // nil without one, and after it grew too large
	stats *metadata.ByteArrayStatistics // nil where there are to be none

	// The open page.
	levels
	plain     []byte // values where there is no dictionary
	nulls     int    // and empty lists
	any       bool   // there is a value
	min, max  []byte
	pageStats *metadata.ByteArrayStatistics
}

func newTextColumn(p *pager, props *parquet.WriterProperties) *textColumn {
	leaf := p.meta.Descr()
	c := &textColumn{coded: newCoded(p, props), levels: newLevels(int(leaf.MaxDefinitionLevel()))}
	if props.StatisticsEnabledFor(leaf.Path()) {
		c.stats = metadata.NewByteArrayStatistics(leaf, memory.DefaultAllocator)
		c.pageStats = metadata.NewByteArrayStatistics(leaf, memory.DefaultAllocator)
	}
	if c.inDict {
		c.dict = newDictionary()
	}
	return c
}

func (c *textColumn) write(a arrow.Array) error {
	if list, ok := a.(*array.List); ok {
		return c.writeLists(list)
	}
	texts, ok := a.(*array.String)
	if !ok {
		return fmt.Errorf("it is a %T, want text", a)
	}
	for from := 0; from < texts.Len(); {
		to := min(from+int(c.props.WriteBatchSize()), texts.Len())
		c.add(texts, from, to)
		from = to
		if err := c.check(); err != nil {
			return err
		}
	}
	return nil
}

// writeLists writes lists of texts. As the library has it, a page may end within a list.
func (c *textColumn) writeLists(list *array.List) error {
	texts, ok := list.ListValues().(*array.String)
	if !ok {
		return fmt.Errorf("it is a list of %T, want text", list.ListValues())
	}
	def, rep := listLevels(list.Offsets())
	for at := 0; len(def) > 0; {
		n := min(int(c.props.WriteBatchSize()), len(def))
		at = c.addLists(texts, at, def[:n], rep[:n])
		def, rep = def[n:], rep[n:]
		if err := c.check(); err != nil {
			return err
		}
	}
	return nil
}

// addLists appends some levels to the open page, with the texts from one on, and returns the number of the next text.
func (c *textColumn) addLists(a *array.String, at int, def, rep []int16) int {
	offsets, data := a.ValueOffsets(), a.Data().Buffers()[2].Bytes()
	c.put(def, rep)
	for _, d := range def {
		if int(d) < c.depth {
			c.nulls++
			continue
		}
		c.value(data[offsets[at]:offsets[at+1]])
		at++
	}
	return at
}

// add appends some texts to the open page.
func (c *textColumn) add(a *array.String, from, to int) {
	offsets, data := a.ValueOffsets(), a.Data().Buffers()[2].Bytes()
	for i := from; i < to; i++ {
		if c.depth > 0 {
			if a.IsNull(i) {
				c.def.put(0)
				c.nulls++
				continue
			}
			c.def.put(1)
		}
		c.value(data[offsets[i]:offsets[i+1]])
	}
	c.count += to - from
}

func (c *textColumn) value(v []byte) {
	if c.dict != nil {
		if !c.dict.add(v) {
			return
		}
	} else {
		c.plain = binary.LittleEndian.AppendUint32(c.plain, uint32(len(v)))
		c.plain = append(c.plain, v...)
	}
	if c.stats == nil {
		return
	}
	if !c.any || bytes.Compare(v, c.min) < 0 {
		c.min = append(c.min[:0], v...)
	}
	if !c.any || bytes.Compare(v, c.max) > 0 {
		c.max = append(c.max[:0], v...)
	}
	c.any = true
}

// check ends the page and the dictionary where they are large enough.
func (c *textColumn) check() error {
	size := int64(len(c.plain))
	if c.dict != nil {
		size = c.dict.pageSize()
	}
	if size >= c.props.DataPageSize() {
		if err := c.endPage(); err != nil {
			return err
		}
	}
	if c.dict != nil && int64(len(c.dict.values)) >= c.props.DictionaryPageSizeLimit() {
		c.fellBack = true
		return c.endDictionary()
	}
	return nil
}

// endPage completes the open page, if it has rows.
func (c *textColumn) endPage() error {
	count := c.count
	if count == 0 {
		return nil
	}
	page := c.appendTo(c.empty())
	if c.dict != nil {
		page = c.dict.appendPage(page)
	} else {
		page = append(page, c.plain...)
		c.plain = c.plain[:0]
	}
	stats, err := c.endStats()
	if err != nil {
		return err
	}
	return c.writePage(page, count, stats)
}

// endStats returns the statistics of the page, and adds them to those of the column.
func (c *textColumn) endStats() (metadata.EncodedStatistics, error) {
	if c.stats == nil {
		return metadata.EncodedStatistics{Signed: c.pager.meta.Descr().SortOrder() == schema.SortSIGNED}, nil
	}
	var values []parquet.ByteArray
	if c.any {
		values = []parquet.ByteArray{append([]byte{}, c.min...), append([]byte{}, c.max...)} // nil would be none
	}
	c.pageStats.Update(values, int64(c.nulls))
	c.any, c.nulls = false, 0
	stats, err := c.encoded(c.pageStats)
	c.stats.Merge(c.pageStats)
	c.pageStats.Reset()
	return stats, err
}

// endDictionary writes the dictionary and its pages. Values after it are plain.
func (c *textColumn) endDictionary() error {
	if err := c.endPage(); err != nil {
		return err
	}
	values, n := c.dict.values, c.dict.n
	c.dict = nil
	return c.coded.endDictionary(values, n)
}

func (c *textColumn) close() (int64, error) {
	hasDict := c.dict != nil
	end := c.endPage
	if hasDict {
		end = c.endDictionary
	}
	if err := end(); err != nil {
		return 0, err
	}
	if c.stats != nil {
		stats, err := c.encoded(c.stats)
		if err != nil {
			return 0, err
		}
		c.pager.meta.SetStats(stats)
	}
	return c.finish(hasDict)
}
