package table

import (
	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
)

// Texts returns a required column of lists of UTF-8 text. A nil list is written as an empty one. The slice set and those
// in it are valid only during the call of set.
func Texts[R any](name string, get func(*R) [][]byte, set func(*R, [][]byte)) Column[R] {
	list := arrow.ListOfNonNullable(arrow.BinaryTypes.String)
	return Column[R]{
		field:  arrow.Field{Name: name, Type: list},
		dict:   true,
		buffer: func() buffer[R] { return &textsBuffer[R]{get: get, list: list, offsets: []int32{0}, texts: newTexts()} },
		cursor: func() cursor[R] { return &textsCursor[R]{set: set} },
	}
}

// textsBuffer holds the texts of all lists one after the other.
type textsBuffer[R any] struct {
	get     func(*R) [][]byte
	list    *arrow.ListType
	offsets []int32 // of lists, in texts
	texts   texts
}

func (b *textsBuffer[R]) add(rows []R) (int, error) {
	n, before := b.texts.len(), b.texts.size()
	for i := range rows {
		list, size := b.get(&rows[i]), 0
		for _, v := range list {
			size += len(v) + 4
		}
		if size > maxValue {
			return 0, listTooLong(size)
		}
		for _, v := range list {
			if err := addText(&b.texts, v); err != nil {
				return 0, err
			}
		}
		b.offsets = append(b.offsets, int32(b.texts.len()))
	}
	return b.texts.size() - before + 4*len(rows), b.texts.check(n)
}

func (b *textsBuffer[R]) truncate(n int) {
	b.offsets = b.offsets[:n+1]
	b.texts.truncate(int(b.offsets[n]))
}

func (b *textsBuffer[R]) take() arrow.Array {
	a := newList(b.list, b.offsets, b.texts.take(arrow.BinaryTypes.String, 0, nil))
	b.offsets = b.offsets[:1]
	return a
}

type textsCursor[R any] struct {
	set     func(*R, [][]byte)
	offsets []int32
	values  textValues
	row     [][]byte // used again
}

func (c *textsCursor[R]) load(a arrow.Array) error {
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

func (c *textsCursor[R]) read(from int, rows []R) {
	for i := range rows {
		c.row = c.row[:0]
		for k := c.offsets[from+i]; k < c.offsets[from+i+1]; k++ {
			c.row = append(c.row, c.values.bytes(int(k)))
		}
		c.set(&rows[i], c.row)
	}
}
