package table

import (
	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
)

// Repeated is String for texts that many rows in a row share, such as the file that they came from: a run of equal
// texts is stored once, as Arrow's run-end encoded layout has it.
func Repeated[R any](name string, get func(*R) string, set func(*R, string)) Column[R] {
	runs := arrow.RunEndEncodedOf(arrow.PrimitiveTypes.Int32, arrow.BinaryTypes.String)
	return Column[R]{
		field:  arrow.Field{Name: name, Type: runs},
		buffer: func() buffer[R] { return &repeatedBuffer[R]{get: get, of: runs, texts: newTexts()} },
		cursor: func() cursor[R] { return &repeatedCursor[R]{set: set, of: runs} },
	}
}

// repeatedBuffer holds one text for each run.
type repeatedBuffer[R any] struct {
	get  func(*R) string
	of   *arrow.RunEndEncodedType
	ends runEnds
	last string // text of the last run
	texts
}

func (b *repeatedBuffer[R]) add(rows []R) (int, error) {
	runs, before, n := b.len(), b.size(), b.ends.rows()
	for i := range rows {
		v := b.get(&rows[i])
		if n++; n > 1 && v == b.last {
			b.ends[len(b.ends)-1] = n
			continue
		}
		if err := addText(&b.texts, v); err != nil {
			return 0, err
		}
		b.ends = append(b.ends, n)
		b.last = v
	}
	return b.size() - before, b.check(runs)
}

// size returns the bytes of all runs.
func (b *repeatedBuffer[R]) size() int { return b.texts.size() + 4*len(b.ends) }

func (b *repeatedBuffer[R]) truncate(n int) {
	b.ends.truncate(n)
	runs := len(b.ends)
	b.texts.truncate(runs)
	if runs > 0 {
		b.last = string(b.data[b.offsets[runs-1]:])
	}
}

func (b *repeatedBuffer[R]) take() arrow.Array {
	return b.ends.take(b.of, b.texts.take(arrow.BinaryTypes.String, 0, nil))
}

type repeatedCursor[R any] struct {
	set  func(*R, string)
	of   *arrow.RunEndEncodedType
	ends runEnds
	runs textValues
	next int // run that begins at a value not read yet, or later
	end  int // of the run before it
	last string
}

func (c *repeatedCursor[R]) load(a arrow.Array) (err error) {
	runs, ok := a.(*array.RunEndEncoded)
	if !ok {
		return typeError(a, c.of)
	}
	c.ends, c.next, c.end = nil, 0, 0
	if err := c.runs.load(runs.Values()); err != nil || a.Len() == 0 {
		return err
	}
	if runs.Values().NullN() > 0 {
		return errNulls
	}
	c.ends, err = endsOf(runs, len(c.runs.offsets)-1)
	return err
}

func (c *repeatedCursor[R]) read(from int, rows []R) {
	for i := range rows {
		if from+i >= c.end {
			c.enter(from + i)
		}
		c.set(&rows[i], c.last)
	}
}

// enter goes on to the run that has value i.
func (c *repeatedCursor[R]) enter(i int) {
	for i >= c.end {
		c.end = int(c.ends[c.next])
		c.next++
	}
	c.runs.text(c.next-1, &c.last)
}
