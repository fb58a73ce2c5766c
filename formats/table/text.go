package table

import (
	"fmt"
	"math/bits"
	"unicode/utf8"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/shardmill/shardmill/formats"
	"github.com/shardmill/shardmill/formats/internal/chars"
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

// addText appends a text, which check must find good.
func addText[S string | []byte](t *texts, v S) error {
	if max(len(v), len(t.data)) > maxValue {
		return tooLong(len(v))
	}
	t.data = append(t.data, v...)
	t.offsets = append(t.offsets, int32(len(t.data)))
	return nil
}

// addTexts is addText for a text of each row, of which it may have appended some after an error.
func addTexts[R any, S string | []byte](t *texts, rows []R, get func(*R) S) error {
	data, offsets := t.data, t.offsets // which the compiler keeps in registers
	defer func() { t.data, t.offsets = data, offsets }()
	for i := range rows {
		v := get(&rows[i])
		if max(len(v), len(data)) > maxValue {
			return tooLong(len(v))
		}
		data = append(data, v...)
		offsets = append(offsets, int32(len(data)))
	}
	return nil
}

// tooLong says why a text of n bytes is not added.
func tooLong(n int) error {
	if n > maxValue {
		return fmt.Errorf("text of %d bytes: %w", n, formats.ErrTooLong)
	}
	return errMany
}

func (t *texts) len() int { return len(t.offsets) - 1 }

// check checks that all texts behind the first n are UTF-8. Where together they are ASCII, each of them is.
func (t *texts) check(n int) error {
	if chars.ASCII(t.data[t.offsets[n]:]) {
		return nil
	}
	for i := n; i < t.len(); i++ {
		if !utf8.Valid(t.data[t.offsets[i]:t.offsets[i+1]]) {
			return formats.ErrNotUTF8
		}
	}
	return nil
}

// size returns the bytes of the texts and their offsets.
func (t *texts) size() int { return len(t.data) + 4*len(t.offsets) }

func (t *texts) truncate(n int) {
	t.offsets = t.offsets[:n+1]
	t.data = t.data[:t.offsets[n]]
}

func (t *texts) take(of arrow.DataType, nulls int, valid []byte) arrow.Array {
	data := t.data
	if data == nil {
		data = []byte{}
	}
	a := newArray(of, t.len(), nulls, valid, arrow.GetBytes(t.offsets), data)
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

func (b *textBuffer[R, S]) add(rows []R) (int, error) {
	n, before := b.len(), b.size()
	if err := addTexts(&b.texts, rows, b.get); err != nil {
		return 0, err
	}
	return b.size() - before, b.check(n)
}

func (b *textBuffer[R, S]) take() arrow.Array { return b.texts.take(arrow.BinaryTypes.String, 0, nil) }

type nullTextBuffer[R any, S string | []byte] struct {
	get func(*R) (S, bool)
	texts
	valid bitmap
}

func (b *nullTextBuffer[R, S]) add(rows []R) (int, error) {
	n, before := b.len(), b.size()
	for i := range rows {
		v, ok := b.get(&rows[i])
		if !ok {
			v = v[:0]
		}
		if err := addText(&b.texts, v); err != nil {
			return 0, err
		}
		b.valid.add(ok)
	}
	return b.size() - before, b.check(n)
}

func (b *nullTextBuffer[R, S]) truncate(n int) {
	b.texts.truncate(n)
	b.valid.truncate(n)
}

// take pads the bitmap to a power of two as Arrow's builders do: files have that padding.
func (b *nullTextBuffer[R, S]) take() arrow.Array {
	for padded := 1 << bits.Len(uint(b.valid.n-1)) / 8; len(b.valid.bytes) < padded; {
		b.valid.bytes = append(b.valid.bytes, 0)
	}
	a := b.texts.take(arrow.BinaryTypes.String, b.valid.n-b.valid.ones(), b.valid.bytes)
	b.valid.reset()
	return a
}
