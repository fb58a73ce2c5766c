package table

import (
	"math/bits"
	"slices"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
)

// number is a type whose values Arrow keeps as Go does.
type number interface {
	int32 | int64 | float32 | float64
}

func fixedColumn[R any, T number](name string, t arrow.DataType, width int, get func(*R) T, set func(*R, T)) Column[R] {
	return Column[R]{
		field:  arrow.Field{Name: name, Type: t},
		buffer: func() buffer[R] { return &fixedBuffer[R, T]{get: get, of: t, width: width} },
		cursor: func() cursor[R] { return &fixedCursor[R, T]{set: set, of: t, width: width} },
	}
}

type fixedBuffer[R any, T number] struct {
	get    func(*R) T
	of     arrow.DataType
	width  int
	values []T
}

func (b *fixedBuffer[R, T]) add(rows []R) (int, error) {
	before := len(b.values)
	b.values = slices.Grow(b.values, len(rows))[:before+len(rows)]
	get, values := b.get, b.values[before:]
	for i := range values {
		values[i] = get(&rows[i])
	}
	return len(rows) * b.width, nil
}

func (b *fixedBuffer[R, T]) truncate(n int) { b.values = b.values[:n] }

func (b *fixedBuffer[R, T]) take() arrow.Array {
	a := newArray(b.of, len(b.values), 0, nil, arrow.GetBytes(b.values))
	b.values = b.values[:0]
	return a
}

type fixedCursor[R any, T number] struct {
	set    func(*R, T)
	of     arrow.DataType
	width  int
	values []T
}

func (c *fixedCursor[R, T]) load(a arrow.Array) error {
	if a.DataType().ID() != c.of.ID() {
		return typeError(a, c.of)
	}
	bytes := valueBytes(a, 1)
	from, to := a.Data().Offset(), a.Data().Offset()+a.Len()
	if len(bytes) < to*c.width {
		return errShort
	}
	c.values = arrow.GetData[T](bytes)[from:to]
	return nil
}

func (c *fixedCursor[R, T]) read(from int, rows []R) {
	set, values := c.set, c.values[from:from+len(rows)]
	for i, v := range values {
		set(&rows[i], v)
	}
}

// bitmap holds bits, the first in the lowest bit of the first byte.
type bitmap struct {
	bytes []byte
	n     int
}

func (b *bitmap) add(v bool) {
	if b.n%8 == 0 {
		b.bytes = append(b.bytes, 0)
	}
	if v {
		b.bytes[b.n/8] |= 1 << (b.n % 8)
	}
	b.n++
}

func (b *bitmap) truncate(n int) {
	b.bytes, b.n = b.bytes[:(n+7)/8], n
	if n%8 != 0 {
		b.bytes[n/8] &= 1<<(n%8) - 1
	}
}

// ones counts the bits that are set.
func (b *bitmap) ones() (n int) {
	for _, v := range b.bytes {
		n += bits.OnesCount8(v)
	}
	return n
}

func (b *bitmap) reset() { b.bytes, b.n = b.bytes[:0], 0 }

func bit(b []byte, i int) bool { return b[i/8]>>(i%8)&1 != 0 }

type boolBuffer[R any] struct {
	get  func(*R) bool
	bits bitmap
}

func (b *boolBuffer[R]) add(rows []R) (int, error) {
	for i := range rows {
		b.bits.add(b.get(&rows[i]))
	}
	return len(rows), nil
}

func (b *boolBuffer[R]) truncate(n int) { b.bits.truncate(n) }

func (b *boolBuffer[R]) take() arrow.Array {
	a := newArray(arrow.FixedWidthTypes.Boolean, b.bits.n, 0, nil, b.bits.bytes)
	b.bits.reset()
	return a
}

type boolCursor[R any] struct {
	set    func(*R, bool)
	bits   []byte
	offset int
}

func (c *boolCursor[R]) load(a arrow.Array) error {
	if a.DataType().ID() != arrow.BOOL {
		return typeError(a, arrow.FixedWidthTypes.Boolean)
	}
	c.bits, c.offset = valueBytes(a, 1), a.Data().Offset()
	if len(c.bits) < (c.offset+a.Len()+7)/8 {
		return errShort
	}
	return nil
}

func (c *boolCursor[R]) read(from int, rows []R) {
	for i := range rows {
		c.set(&rows[i], bit(c.bits, c.offset+from+i))
	}
}

// newArray returns an array of n values over buffers that stay with their owner.
func newArray(t arrow.DataType, n, nulls int, buffers ...[]byte) arrow.Array {
	over := make([]*memory.Buffer, len(buffers))
	for i, b := range buffers {
		if b != nil {
			over[i] = memory.NewBufferBytes(b)
		}
	}
	return array.MakeFromData(array.NewData(t, n, over, nil, nulls, 0))
}

// valueBytes returns the bytes of a buffer of an array, nil where there are none.
func valueBytes(a arrow.Array, i int) []byte {
	if b := a.Data().Buffers(); i < len(b) && b[i] != nil {
		return b[i].Bytes()
	}
	return nil
}
