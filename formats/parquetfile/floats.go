package parquetfile

import (
	"fmt"
	"slices"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/metadata"
	"github.com/apache/arrow/go/v15/parquet/schema"
)

// floatsColumn writes required floats, or lists of them without statistics, without a dictionary, as the library does with the same
// properties. That copies all levels of a page again for some lists each (53,424 lists of 64 took it 4.4 s), and grows its memory
// anew for each column.
type floatsColumn[T float] struct {
	coded
	levels
	of    func(arrow.Array) ([]T, bool)
	stats floatStats[T] // nil where there are to be none

	// The open page.
	plain           []byte // values
	any             bool   // there is a number
	least, greatest T      // of the numbers
	pageStats       floatStats[T]
}

type float interface{ float32 | float64 }

// floatStats are *metadata.Float32Statistics or *metadata.Float64Statistics.
type floatStats[T float] interface {
	metadata.TypedStatistics
	Update(values []T, nulls int64)
}

func newFloat32Column(p *pager, props *parquet.WriterProperties) *floatsColumn[float32] {
	of := func(a arrow.Array) ([]float32, bool) {
		n, ok := a.(*array.Float32)
		if !ok {
			return nil, false
		}
		return n.Float32Values(), true
	}
	return newFloatsColumn(p, props, of, func() floatStats[float32] {
		return metadata.NewFloat32Statistics(p.meta.Descr(), memory.DefaultAllocator)
	})
}

func newFloat64Column(p *pager, props *parquet.WriterProperties) *floatsColumn[float64] {
	of := func(a arrow.Array) ([]float64, bool) {
		n, ok := a.(*array.Float64)
		if !ok {
			return nil, false
		}
		return n.Float64Values(), true
	}
	return newFloatsColumn(p, props, of, func() floatStats[float64] {
		return metadata.NewFloat64Statistics(p.meta.Descr(), memory.DefaultAllocator)
	})
}

func newFloatsColumn[T float](p *pager, props *parquet.WriterProperties, of func(arrow.Array) ([]T, bool), stats func() floatStats[T]) *floatsColumn[T] {
	leaf := p.meta.Descr()
	c := &floatsColumn[T]{coded: newCoded(p, props), of: of, levels: newLevels(int(leaf.MaxDefinitionLevel())), plain: p.zstd.bytes.get()}
	if props.StatisticsEnabledFor(leaf.Path()) {
		c.stats, c.pageStats = stats(), stats()
	}
	return c
}

func (c *floatsColumn[T]) write(a arrow.Array) error {
	list, inLists := a.(*array.List)
	if inLists {
		a = list.ListValues()
	}
	values, typed := c.of(a)
	if !typed || inLists != (c.depth > 0) {
		return fmt.Errorf("it is a %T, want floats of another width", a)
	}
	if inLists {
		return c.writeLists(values, list.Offsets())
	}
	c.grow(values)
	for len(values) > 0 {
		n := min(int(c.props.WriteBatchSize()), len(values))
		c.count += n
		if err := c.add(values[:n]); err != nil {
			return err
		}
		values = values[n:]
	}
	return nil
}

// writeLists writes lists of values. As the library has it, a page may end within a list.
func (c *floatsColumn[T]) writeLists(values []T, offsets []int32) error {
	def, rep := listLevels(offsets)
	c.grow(values)
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

// grow makes room for values, or those of a page.
func (c *floatsColumn[T]) grow(values []T) {
	const greatest = 8                                                 // bytes of a value
	page := c.props.DataPageSize() + c.props.WriteBatchSize()*greatest // as it ends behind a batch
	if free := page - int64(len(c.plain)); free > 0 {
		c.plain = slices.Grow(c.plain, int(min(int64(len(arrow.GetBytes(values))), free)))
	}
}

// add appends some values to the open page, and ends it where it is large enough.
func (c *floatsColumn[T]) add(values []T) error {
	c.plain = append(c.plain, arrow.GetBytes(values)...)
	if c.stats != nil {
		c.measure(values)
	}
	if int64(len(c.plain)) >= c.props.DataPageSize() {
		return c.endPage()
	}
	return nil
}

// measure notes the least and the greatest number.
func (c *floatsColumn[T]) measure(values []T) {
	for _, v := range values {
		switch {
		case v != v: // statistics leave it out
		case !c.any:
			c.any, c.least, c.greatest = true, v, v
		case v < c.least:
			c.least = v
		case v > c.greatest:
			c.greatest = v
		}
	}
}

// endPage completes the open page, if it has rows.
func (c *floatsColumn[T]) endPage() error {
	count := c.count
	if count == 0 {
		return nil
	}
	page := append(c.appendTo(c.empty()), c.plain...)
	c.plain = c.plain[:0]
	stats, err := c.endStats()
	if err != nil {
		return err
	}
	return c.writePage(page, count, stats)
}

// endStats returns the statistics of the page, and adds them to those of the column.
func (c *floatsColumn[T]) endStats() (metadata.EncodedStatistics, error) {
	if c.stats == nil {
		return metadata.EncodedStatistics{Signed: c.pager.meta.Descr().SortOrder() == schema.SortSIGNED}, nil
	}
	var numbers []T // without any they still tell that there are no nulls
	if c.any {
		numbers = []T{c.least, c.greatest}
	}
	c.pageStats.Update(numbers, 0)
	c.any = false
	stats, err := c.encoded(c.pageStats)
	c.stats.Merge(c.pageStats)
	c.pageStats.Reset()
	return stats, err
}

func (c *floatsColumn[T]) close() (int64, error) {
	if err := c.endPage(); err != nil {
		return 0, err
	}
	if c.stats != nil {
		stats, err := c.encoded(c.stats)
		if err != nil {
			return 0, err
		}
		c.pager.meta.SetStats(stats)
	}
	c.pager.zstd.bytes.put(c.plain)
	return c.finish(false)
}
