package table

import "github.com/apache/arrow/go/v15/arrow"

// Bytes returns a required column of any bytes. A slice set is valid only during the call of set.
func Bytes[R any](name string, get func(*R) []byte, set func(*R, []byte)) Column[R] {
	return Column[R]{
		field:  arrow.Field{Name: name, Type: arrow.BinaryTypes.Binary},
		buffer: func() buffer[R] { return &bytesBuffer[R]{get: get, texts: newTexts()} },
		cursor: func() cursor[R] { return &bytesCursor[R]{textCursor[R]{set: set}} },
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
