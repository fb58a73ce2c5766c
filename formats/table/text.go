package table

import (
	"fmt"
	"math/bits"
	"unicode/utf8"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/shardmill/shardmill/formats"
)

// keepBytes bounds the memory for texts or lists that a column keeps from one batch to the next.
const keepBytes = 16 << 20

func textColumn[R any, S string | []byte](name string, get func(*R) S, cursor func() cursor[R]) Column[R] {
	return Column[R]{
		field:  arrow.Field{Name: name, Type: arrow.BinaryTypes.String},
		dict:   true,
		buffer: func() buffer[R] { return &textBuffer[R, S]{get: get, texts: newTexts()} },
		cursor: cursor,
	}
}

func nullTextColumn[R any, S string | []byte](name string, get func(*R) (S, bool), cursor func() cursor[R]) Column[R] {
	return Column[R]{
		field:  arrow.Field{Name: name, Type: arrow.BinaryTypes.String, Nullable: true},
		dict:   true,
		buffer: func() buffer[R] { return &nullTextBuffer[R, S]{get: get, texts: newTexts()} },
		cursor: cursor,
	}
}

// texts are strings one after the other: text i is data[offsets[i]:offsets[i+1]].
type texts struct {
	offsets []int32
	data    []byte
}

func newTexts() texts { return texts{offsets: []int32{0}} }

func addText[S string | []byte](t *texts, v S) (int, error) {
	if len(v) > maxValue {
		return 0, fmt.Errorf("text of %d bytes: %w", len(v), formats.ErrTooLong)
	}
	if !ascii(v) && !utf8.Valid([]byte(v)) { // the conversion does not copy
		return 0, formats.ErrNotUTF8
	}
	t.data = append(t.data, v...)
	t.offsets = append(t.offsets, int32(len(t.data)))
	return len(v) + 4, nil
}

func (t *texts) undo() {
	t.offsets = t.offsets[:len(t.offsets)-1]
	t.data = t.data[:t.offsets[len(t.offsets)-1]]
}

func (t *texts) take(nulls int, valid []byte) arrow.Array {
	data := t.data
	if data == nil {
		data = []byte{}
	}
	a := newArray(arrow.BinaryTypes.String, len(t.offsets)-1, nulls, valid, arrow.GetBytes(t.offsets), data)
	t.offsets, t.data = t.offsets[:1], t.data[:0]
	if cap(t.data) > keepBytes {
		t.data = nil
	}
	return a
}

type textBuffer[R any, S string | []byte] struct {
	get func(*R) S
	texts
}

func (b *textBuffer[R, S]) add(r *R) (int, error) { return addText(&b.texts, b.get(r)) }

func (b *textBuffer[R, S]) take() arrow.Array { return b.texts.take(0, nil) }

type nullTextBuffer[R any, S string | []byte] struct {
	get func(*R) (S, bool)
	texts
	valid bitmap
	nulls int
}

func (b *nullTextBuffer[R, S]) add(r *R) (int, error) {
	v, ok := b.get(r)
	if !ok {
		v = v[:0]
	}
	n, err := addText(&b.texts, v)
	if err != nil {
		return 0, err
	}
	b.valid.add(ok)
	if !ok {
		b.nulls++
	}
	return n, nil
}

func (b *nullTextBuffer[R, S]) undo() {
	b.texts.undo()
	if !b.valid.undo() {
		b.nulls--
	}
}

// take pads the bitmap to a power of two as Arrow's builders do: files have that padding.
func (b *nullTextBuffer[R, S]) take() arrow.Array {
	for padded := 1 << bits.Len(uint(b.valid.n-1)) / 8; len(b.valid.bytes) < padded; {
		b.valid.bytes = append(b.valid.bytes, 0)
	}
	a := b.texts.take(b.nulls, b.valid.bytes)
	b.valid.reset()
	b.nulls = 0
	return a
}
