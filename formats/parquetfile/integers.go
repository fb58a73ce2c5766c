package parquetfile

import (
	"fmt"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/metadata"
	"github.com/apache/arrow/go/v15/parquet/schema"
)

// integersColumn writes required integers, or lists of them, as the library does with the same properties. That hashes each
// value of a dictionary through several interfaces, and copies all levels of a page again for each eight lists or so of
// other lengths than those before.
type integersColumn[T integer] struct {
	coded
	dict  *numbers[T] // nil without one, and after it grew too large
	spare *spareNumbers[T]
	of    func(arrow.Array) ([]T, bool)
	stats integerStats[T] // nil where there are to be none

	// The open page.
	levels
	plain           []byte // values where there is no dictionary
	any             bool   // there is a value
	least, greatest T
	pageStats       integerStats[T]
}

// integerStats are *metadata.Int32Statistics or *metadata.Int64Statistics.
type integerStats[T integer] interface {
	metadata.TypedStatistics
	Update(values []T, nulls int64)
}

func newInt32Column(p *pager, props *parquet.WriterProperties) *integersColumn[int32] {
	of := func(a arrow.Array) ([]int32, bool) {
		n, ok := a.(*array.Int32)
		if !ok {
			return nil, false
		}
		return n.Int32Values(), true
	}
	return newIntegersColumn(p, props, &p.zstd.int32s, of, func() integerStats[int32] {
		return metadata.NewInt32Statistics(p.meta.Descr(), memory.DefaultAllocator)
	})
}

func newInt64Column(p *pager, props *parquet.WriterProperties) *integersColumn[int64] {
	of := func(a arrow.Array) ([]int64, bool) {
		n, ok := a.(*array.Int64)
		if !ok {
			return nil, false
		}
		return n.Int64Values(), true
	}
	return newIntegersColumn(p, props, &p.zstd.int64s, of, func() integerStats[int64] {
		return metadata.NewInt64Statistics(p.meta.Descr(), memory.DefaultAllocator)
	})
}

func newIntegersColumn[T integer](p *pager, props *parquet.WriterProperties, spare *spareNumbers[T], of func(arrow.Array) ([]T, bool), stats func() integerStats[T]) *integersColumn[T] {
	leaf := p.meta.Descr()
	c := &integersColumn[T]{coded: newCoded(p, props), spare: spare, of: of, levels: newLevels(int(leaf.MaxDefinitionLevel()))}
	if c.inDict {
		c.dict = spare.get()
	}
	if props.StatisticsEnabledFor(leaf.Path()) {
		c.stats, c.pageStats = stats(), stats()
	}
	return c
}

func (c *integersColumn[T]) write(a arrow.Array) error {
	list, ok := a.(*array.List)
	if ok {
		a = list.ListValues()
	}
	values, typed := c.of(a)
	if !typed || ok != (c.depth > 0) {
		return fmt.Errorf("it is a %T, want integers of another width", a)
	}
	if ok {
		return c.writeLists(values, list.Offsets())
	}
	for len(values) > 0 {
		n := min(int(c.props.WriteBatchSize()), len(values))
		c.add(values[:n])
		c.count += n
		values = values[n:]
		if err := c.check(); err != nil {
			return err
		}
	}
	return nil
}

// writeLists writes lists of values. As the library has it, a page may end within a list.
func (c *integersColumn[T]) writeLists(values []T, offsets []int32) error {
	def, rep := listLevels(offsets)
	for len(def) > 0 {
		n, k := min(int(c.props.WriteBatchSize()), len(def)), 0
		for _, d := range def[:n] {
			if int(d) == c.depth {
				k++
			}
		}
		c.put(def[:n], rep[:n])
		c.add(values[:k])
		values, def, rep = values[k:], def[n:], rep[n:]
		if err := c.check(); err != nil {
			return err
		}
	}
	return nil
}

// add appends some values to the open page.
func (c *integersColumn[T]) add(values []T) {
	if c.dict != nil {
		c.dict.add(values)
	} else {
		c.plain = append(c.plain, arrow.GetBytes(values)...)
	}
	if c.stats == nil || len(values) == 0 {
		return
	}
	if !c.any {
		c.any, c.least, c.greatest = true, values[0], values[0]
	}
	least, greatest := c.least, c.greatest
	for _, v := range values {
		least, greatest = min(least, v), max(greatest, v)
	}
	c.least, c.greatest = least, greatest
}

// check ends the page and the dictionary where they are large enough.
func (c *integersColumn[T]) check() error {
	size := int64(len(c.plain))
	if c.dict != nil {
		size = c.dict.pageSize()
	}
	if size >= c.props.DataPageSize() {
		if err := c.endPage(); err != nil {
			return err
		}
	}
	if c.dict != nil && int64(len(c.dict.plain())) >= c.props.DictionaryPageSizeLimit() {
		c.fellBack = true
		return c.endDictionary()
	}
	return nil
}

// endPage completes the open page, if it has rows.
func (c *integersColumn[T]) endPage() error {
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
func (c *integersColumn[T]) endStats() (metadata.EncodedStatistics, error) {
	if c.stats == nil {
		return metadata.EncodedStatistics{Signed: c.pager.meta.Descr().SortOrder() == schema.SortSIGNED}, nil
	}
	c.pageStats.Update([]T{c.least, c.greatest}, 0)
	c.any = false
	stats, err := c.encoded(c.pageStats)
	c.stats.Merge(c.pageStats)
	c.pageStats.Reset()
	return stats, err
}

// endDictionary writes the dictionary and its pages. Values after it are plain.
func (c *integersColumn[T]) endDictionary() error {
	if err := c.endPage(); err != nil {
		return err
	}
	d := c.dict
	c.dict = nil
	defer c.spare.put(d)
	return c.coded.endDictionary(d.plain(), d.n)
}

func (c *integersColumn[T]) close() (int64, error) {
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
