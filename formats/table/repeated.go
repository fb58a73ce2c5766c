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
	runs, before := b.len(), b.size()
	get, n, last := b.get, b.ends.rows(), b.last
	for i := range rows {
		if v := get(&rows[i]); v != last || n == 0 {
			b.ends.end(n)
			if err := addText(&b.texts, v); err != nil {
				return 0, err
			}
			b.ends = append(b.ends, n)
			last = v
		}
		n++
	}
	b.ends.end(n)
	b.last = last
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
	for len(rows) > 0 {
		if from >= c.end {
			c.runs.text(c.next, &c.last)
			c.end = int(c.ends[c.next])
			c.next++
		}
		run := rows[:min(len(rows), c.end-from)]
		set, v := c.set, c.last
		for i := range run {
			set(&run[i], v)
		}
		from += len(run)
		rows = rows[len(run):]
	}
}
