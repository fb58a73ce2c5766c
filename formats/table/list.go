package table

import (
	"fmt"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/shardmill/shardmill/formats"
)

func listColumn[R any, T number](name string, of arrow.DataType, width int, get func(*R) []T, set func(*R, []T)) Column[R] {
	list := arrow.ListOfNonNullable(of)
	return Column[R]{
		field:  arrow.Field{Name: name, Type: list},
		buffer: func() buffer[R] { return &listBuffer[R, T]{get: get, list: list, width: width, offsets: []int32{0}} },
		cursor: func() cursor[R] {
			return &listCursor[R, T]{set: set, values: fixedCursor[R, T]{of: of, width: width}}
		},
	}
}

type listBuffer[R any, T number] struct {
	get     func(*R) []T
	list    *arrow.ListType
	width   int
	offsets []int32
	values  []T
}

func (b *listBuffer[R, T]) add(rows []R) (int, error) {
	before := len(b.values)
	for i := range rows {
		v := b.get(&rows[i])
		if n := b.width * len(v); n > maxValue {
			return 0, listTooLong(n)
		}
		if b.width*len(b.values) > maxValue {
			return 0, errMany
		}
		b.values = append(b.values, v...)
		b.offsets = append(b.offsets, int32(len(b.values)))
	}
	return b.width*(len(b.values)-before) + 4*len(rows), nil
}

func listTooLong(bytes int) error {
	return fmt.Errorf("list of %d bytes: %w", bytes, formats.ErrTooLong)
}

func (b *listBuffer[R, T]) truncate(n int) {
	b.offsets = b.offsets[:n+1]
	b.values = b.values[:b.offsets[n]]
}

func (b *listBuffer[R, T]) take() arrow.Array {
	a := newList(b.list, b.offsets, newArray(b.list.Elem(), len(b.values), 0, nil, arrow.GetBytes(b.values)))
	b.offsets, b.values = b.offsets[:1], b.values[:0]
	if b.width*cap(b.values) > keepBytes {
		b.values = nil
	}
	return a
}

// newList returns an array of lists of the values.
func newList(of *arrow.ListType, offsets []int32, values arrow.Array) arrow.Array {
	buffers := []*memory.Buffer{nil, memory.NewBufferBytes(arrow.GetBytes(offsets))}
	return array.NewListData(array.NewData(of, len(offsets)-1, buffers, []arrow.ArrayData{values.Data()}, 0, 0))
}

type listCursor[R any, T number] struct {
	set     func(*R, []T)
	offsets []int32
	values  fixedCursor[R, T] // of which only load is used
}

func (c *listCursor[R, T]) load(a arrow.Array) (err error) {
	list, err := as[*array.List](a)
	if err != nil {
		return err
	}
	if err := c.values.load(list.ListValues()); err != nil {
		return err
	}
	c.offsets, err = offsetsOf(list)
	return err
}

func (c *listCursor[R, T]) read(from int, rows []R) {
	for i := range rows {
		c.set(&rows[i], append([]T{}, c.values.values[c.offsets[from+i]:c.offsets[from+i+1]]...))
	}
}

// offsetsOf returns the offsets of the lists in their values, none of which may be null.
func offsetsOf(list *array.List) ([]int32, error) {
	if list.ListValues().NullN() > 0 {
		return nil, errNulls
	}
	if list.Len() == 0 {
		return nil, nil
	}
	from, offsets := list.Data().Offset(), list.Offsets()
	if len(offsets) <= from+list.Len() {
		return nil, errShort
	}
	offsets = offsets[from : from+list.Len()+1]
	return offsets, checkOffsets(offsets, list.ListValues().Len())
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
