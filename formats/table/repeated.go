package table

import (
	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
)

// Repeated is String for texts that many rows in a row share, such as the file that they came from: a run of equal
// texts is stored once, as Arrow's run-end encoded layout has it.
func Repeated[R any](name string, get func(*R) string, set func(*R, string)) Column[R] {
	return repeatedColumn(name, get, func(rows []R, v string) (n int) {
		for n < len(rows) && get(&rows[n]) == v {
			n++
		}
		return n
	}, func(rows []R, v string) {
		for i := range rows {
			set(&rows[i], v)
		}
	})
}

// RepeatedField is Repeated for a field of the record, of which at returns the address: the same field of every record, and
// also of a zero one. It is quicker: no function is called for each record.
func RepeatedField[R any](name string, at func(*R) *string) Column[R] {
	f, ok := fieldOf(at)
	if !ok {
		return Repeated(name, func(r *R) string { return *at(r) }, func(r *R, v string) { *at(r) = v })
	}
	return repeatedColumn(name, func(r *R) string { return *f.of(r) }, func(rows []R, v string) (n int) {
		for n < len(rows) && *f.of(&rows[n]) == v {
			n++
		}
		return n
	}, func(rows []R, v string) {
		for i := range rows {
			*f.of(&rows[i]) = v
		}
	})
}

// repeatedColumn is a column by the functions that a repeatedBuffer and a repeatedCursor have.
func repeatedColumn[R any](name string, get func(*R) string, same func([]R, string) int, set func([]R, string)) Column[R] {
	runs := arrow.RunEndEncodedOf(arrow.PrimitiveTypes.Int32, arrow.BinaryTypes.String)
	return Column[R]{
		field:  arrow.Field{Name: name, Type: runs},
		buffer: func() buffer[R] { return &repeatedBuffer[R]{get: get, same: same, of: runs, texts: newTexts()} },
		cursor: func() cursor[R] { return &repeatedCursor[R]{set: set, of: runs} },
	}
}

// repeatedBuffer holds one text for each run.
type repeatedBuffer[R any] struct {
	get  func(*R) string
	same func(rows []R, v string) int // how many of the first rows have a text
	of   *arrow.RunEndEncodedType
	ends runEnds
	last string // text of the last run
	texts
}

func (b *repeatedBuffer[R]) add(rows []R) (int, error) {
	runs, before, n := b.len(), b.size(), b.ends.rows()
	for len(rows) > 0 {
		same := 0
		if n > 0 {
			same = b.same(rows, b.last)
		}
		n, rows = n+int32(same), rows[same:]
		b.ends.end(n)
		if len(rows) == 0 {
			break
		}
		v := b.get(&rows[0])
		if err := addText(&b.texts, v); err != nil {
			return 0, err
		}
		n, rows = n+1, rows[1:]
		b.ends, b.last = append(b.ends, n), v
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
	set  func(rows []R, v string)
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
		c.set(run, c.last)
		from += len(run)
		rows = rows[len(run):]
	}
}
