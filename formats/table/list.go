package table

import (
	"fmt"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/shardmill/shardmill/formats"
)

type floatsBuffer[R any] struct {
	get     func(*R) []float32
	list    *arrow.ListType
	offsets []int32
	values  []float32
}

func (b *floatsBuffer[R]) add(rows []R) (int, error) {
	before := len(b.values)
	for i := range rows {
		v := b.get(&rows[i])
		if n := 4 * len(v); n > maxValue {
			return 0, fmt.Errorf("list of %d bytes: %w", n, formats.ErrTooLong)
		}
		if 4*len(b.values) > maxValue {
			return 0, errMany
		}
		b.values = append(b.values, v...)
		b.offsets = append(b.offsets, int32(len(b.values)))
	}
	return 4 * (len(b.values) - before + len(rows)), nil
}

func (b *floatsBuffer[R]) truncate(n int) {
	b.offsets = b.offsets[:n+1]
	b.values = b.values[:b.offsets[n]]
}

func (b *floatsBuffer[R]) take() arrow.Array {
	values := newArray(b.list.Elem(), len(b.values), 0, nil, arrow.GetBytes(b.values)).Data()
	buffers := []*memory.Buffer{nil, memory.NewBufferBytes(arrow.GetBytes(b.offsets))}
	a := array.NewListData(array.NewData(b.list, len(b.offsets)-1, buffers, []arrow.ArrayData{values}, 0, 0))
	b.offsets, b.values = b.offsets[:1], b.values[:0]
	if cap(b.values) > keepBytes/4 {
		b.values = nil
	}
	return a
}

type floatsCursor[R any] struct {
	set     func(*R, []float32)
	offsets []int32
	values  []float32
}

func (c *floatsCursor[R]) load(a arrow.Array) error {
	list, err := as[*array.List](a)
	if err != nil {
		return err
	}
	child, err := as[*array.Float32](list.ListValues())
	if err != nil {
		return err
	}
	if child.NullN() > 0 {
		return errNulls
	}
	c.offsets, c.values = nil, child.Float32Values()
	if list.Len() == 0 {
		return nil
	}
	from, offsets := list.Data().Offset(), list.Offsets()
	if len(offsets) <= from+list.Len() || len(valueBytes(child, 1)) < 4*(child.Data().Offset()+child.Len()) {
		return errShort
	}
	c.offsets = offsets[from : from+list.Len()+1]
	return checkOffsets(c.offsets, len(c.values))
}

func (c *floatsCursor[R]) read(from int, rows []R) {
	for i := range rows {
		c.set(&rows[i], append([]float32{}, c.values[c.offsets[from+i]:c.offsets[from+i+1]]...))
	}
}

// checkOffsets checks that offsets, of which there is one at least, start at 0 or later, never fall, and end within n values.
func checkOffsets(offsets []int32, n int) error {
	last := int32(0)
	for _, o := range offsets {
		if o < last {
			return errShort
		}
		last = o
	}
	if int(last) > n {
		return errShort
	}
	return nil
}

func typeError(a arrow.Array, want arrow.DataType) error {
	return fmt.Errorf("it is a %s, want %s", a.DataType(), want)
}
