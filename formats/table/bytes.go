package table

import (
	"fmt"

	"github.com/apache/arrow/go/v15/arrow"
)

// Bytes returns a required column of any bytes. A slice set is valid only during the call of set.
func Bytes[R any](name string, get func(*R) []byte, set func(*R, []byte)) Column[R] {
	return Column[R]{
		field:  arrow.Field{Name: name, Type: arrow.BinaryTypes.Binary},
		buffer: func() buffer[R] { return &bytesBuffer[R]{get: get, texts: newTexts()} },
		cursor: func() cursor[R] { return &bytesCursor[R]{textCursor[R]{set: set}} },
	}
}

// FixedBytes is Bytes for values that all have the same length, above 0.
func FixedBytes[R any](name string, width int, get func(*R) []byte, set func(*R, []byte)) Column[R] {
	of := &arrow.FixedSizeBinaryType{ByteWidth: width}
	return Column[R]{
		field:  arrow.Field{Name: name, Type: of},
		buffer: func() buffer[R] { return &fixedBytesBuffer[R]{get: get, of: of} },
		cursor: func() cursor[R] { return &fixedBytesCursor[R]{set: set, of: of} },
	}
}

type bytesBuffer[R any] struct {
	get func(*R) []byte
	texts
}

func (b *bytesBuffer[R]) add(rows []R) (int, error) {
	before := b.size()
	if err := addTexts(&b.texts, rows, b.get); err != nil {
		return 0, err
	}
	return b.size() - before, nil
}

func (b *bytesBuffer[R]) take() arrow.Array { return b.texts.take(arrow.BinaryTypes.Binary, 0, nil) }

type bytesCursor[R any] struct{ textCursor[R] }

func (c *bytesCursor[R]) load(a arrow.Array) error { return c.loadAs(arrow.BinaryTypes.Binary, a) }

type fixedBytesBuffer[R any] struct {
	get    func(*R) []byte
	of     *arrow.FixedSizeBinaryType
	values []byte
}

func (b *fixedBytesBuffer[R]) add(rows []R) (int, error) {
	get, values, width := b.get, b.values, b.of.ByteWidth
	for i := range rows {
		v := get(&rows[i])
		if len(v) != width {
			b.values = values
			return 0, fmt.Errorf("value of %d bytes, want %d", len(v), width)
		}
		values = append(values, v...)
	}
	b.values = values
	return len(rows) * width, nil
}

func (b *fixedBytesBuffer[R]) truncate(n int) { b.values = b.values[:n*b.of.ByteWidth] }

func (b *fixedBytesBuffer[R]) take() arrow.Array {
	a := newArray(b.of, len(b.values)/b.of.ByteWidth, 0, nil, b.values)
	b.values = b.values[:0]
	return a
}

type fixedBytesCursor[R any] struct {
	set    func(*R, []byte)
	of     *arrow.FixedSizeBinaryType
	values []byte
}

func (c *fixedBytesCursor[R]) load(a arrow.Array) error {
	if !arrow.TypeEqual(a.DataType(), c.of) {
		return typeError(a, c.of)
	}
	bytes, width := valueBytes(a, 1), c.of.ByteWidth
	from, to := a.Data().Offset()*width, (a.Data().Offset()+a.Len())*width
	if len(bytes) < to {
		return errShort
	}
	c.values = bytes[from:to]
	return nil
}

func (c *fixedBytesCursor[R]) read(from int, rows []R) {
	set, width := c.set, c.of.ByteWidth
	values := c.values[from*width:]
	for i := range rows {
		set(&rows[i], values[:width])
		values = values[width:]
	}
}
