package table

import (
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
)

// ValueText returns value i of an array as a text for people: a null is "", a list [a, b]. It panics on damage, as Arrow does.
func ValueText(a arrow.Array, i int) string {
	if a.IsNull(i) {
		return ""
	}
	list, ok := a.(*array.List)
	if !ok {
		return a.ValueStr(i)
	}
	var texts []string
	from, to := list.ValueOffsets(i)
	for k := from; k < to; k++ {
		texts = append(texts, ValueText(list.ListValues(), int(k)))
	}
	return "[" + strings.Join(texts, ", ") + "]"
}

// textValues are the texts of an array. Its methods stay inside the array's buffers after load.
type textValues struct {
	offsets []int32
	data    []byte
	valid   []byte // nil where all are
	from    int    // bit of valid that text 0 has
}

func (t *textValues) load(a arrow.Array) error { return t.loadAs(arrow.BinaryTypes.String, a) }

// loadAs loads an array of texts, or of bytes.
func (t *textValues) loadAs(of arrow.DataType, a arrow.Array) error {
	if a.DataType().ID() != of.ID() {
		return typeError(a, of)
	}
	*t = textValues{data: valueBytes(a, 2), valid: a.NullBitmapBytes(), from: a.Data().Offset()}
	if a.Len() == 0 {
		return nil
	}
	offsets := arrow.GetData[int32](valueBytes(a, 1))
	if len(offsets) <= t.from+a.Len() || len(t.valid) > 0 && len(t.valid) < (t.from+a.Len()+7)/8 {
		return errShort
	}
	t.offsets = offsets[t.from : t.from+a.Len()+1]
	return checkOffsets(t.offsets, len(t.data))
}

func (t *textValues) bytes(i int) []byte { return t.data[t.offsets[i]:t.offsets[i+1]] }

func (t *textValues) null(i int) bool { return len(t.valid) > 0 && !bit(t.valid, t.from+i) }

// text returns text i; one that equals the text before it shares its memory.
func (t *textValues) text(i int, last *string) string {
	if b := t.bytes(i); string(b) != *last {
		*last = string(b)
	}
	return *last
}

type stringCursor[R any] struct {
	set func(*R, string)
	textValues
	last string
}

func (c *stringCursor[R]) read(from int, rows []R) {
	for i := range rows {
		c.set(&rows[i], c.text(from+i, &c.last))
	}
}

type textCursor[R any] struct {
	set func(*R, []byte)
	textValues
}

func (c *textCursor[R]) read(from int, rows []R) {
	set, data, offsets := c.set, c.data, c.offsets[from:from+len(rows)+1]
	start := offsets[0]
	for i, end := range offsets[1:] {
		set(&rows[i], data[start:end])
		start = end
	}
}

type nullStringCursor[R any] struct {
	set func(*R, string, bool)
	textValues
	last string
}

func (c *nullStringCursor[R]) read(from int, rows []R) {
	for i := range rows {
		if c.null(from + i) {
			c.set(&rows[i], "", false)
		} else {
			c.set(&rows[i], c.text(from+i, &c.last), true)
		}
	}
}

type nullTextCursor[R any] struct {
	set func(*R, []byte, bool)
	textValues
}

func (c *nullTextCursor[R]) read(from int, rows []R) {
	for i := range rows {
		if c.null(from + i) {
			c.set(&rows[i], nil, false)
		} else {
			c.set(&rows[i], c.bytes(from+i), true)
		}
	}
}
