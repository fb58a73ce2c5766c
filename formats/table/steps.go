package table

import (
	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
)

// Steps is Int64 for numbers that mostly rise by the same step from row to row, such as those of lines. What is
// stored is the difference to the row before, for the first row of a record batch to 0, and a run of equal ones once, as
// Arrow's run-end encoded layout has it.
func Steps[R any](name string, get func(*R) int64, set func(*R, int64)) Column[R] {
	return stepsColumn(name, get, func(rows []R, v, step int64) (n int) {
		for ; n < len(rows) && get(&rows[n])-v == step; n++ {
			v += step
		}
		return n
	}, func(rows []R, v, step int64) {
		for i := range rows {
			v += step
			set(&rows[i], v)
		}
	})
}

// StepsField is Steps for a field of the record, of which at returns the address, as with RepeatedField. It is quicker: no
// function is called for each record.
func StepsField[R any](name string, at func(*R) *int64) Column[R] {
	f, ok := fieldOf(at)
	if !ok {
		return Steps(name, func(r *R) int64 { return *at(r) }, func(r *R, v int64) { *at(r) = v })
	}
	return stepsColumn(name, func(r *R) int64 { return *f.of(r) }, func(rows []R, v, step int64) (n int) {
		for ; n < len(rows) && *f.of(&rows[n])-v == step; n++ {
			v += step
		}
		return n
	}, func(rows []R, v, step int64) {
		for i := range rows {
			v += step
			*f.of(&rows[i]) = v
		}
	})
}

// stepsColumn is a column by the functions that a stepsBuffer and a stepsCursor have.
func stepsColumn[R any](name string, get func(*R) int64, same func([]R, int64, int64) int, set func([]R, int64, int64)) Column[R] {
	runs := arrow.RunEndEncodedOf(arrow.PrimitiveTypes.Int32, arrow.PrimitiveTypes.Int64)
	return Column[R]{
		field:  arrow.Field{Name: name, Type: runs},
		buffer: func() buffer[R] { return &stepsBuffer[R]{get: get, same: same, of: runs} },
		cursor: func() cursor[R] { return &stepsCursor[R]{set: set, of: runs} },
	}
}

// stepsBuffer holds one step for each run. Differences wrap around, and so do their sums.
type stepsBuffer[R any] struct {
	get   func(*R) int64
	same  func(rows []R, v, step int64) int // how many of the first rows go on from a value by a step
	of    *arrow.RunEndEncodedType
	ends  runEnds
	steps []int64
	last  int64 // value
}

// runBytes is the size of a run: its end and its step.
const runBytes = 4 + 8

func (b *stepsBuffer[R]) add(rows []R) (int, error) {
	before, n := len(b.ends), b.ends.rows()
	for len(rows) > 0 {
		if k := len(b.steps); k > 0 {
			same := b.same(rows, b.last, b.steps[k-1])
			b.last += int64(same) * b.steps[k-1]
			n, rows = n+int32(same), rows[same:]
			b.ends.end(n)
		}
		if len(rows) > 0 {
			v := b.get(&rows[0])
			n, rows = n+1, rows[1:]
			b.ends, b.steps, b.last = append(b.ends, n), append(b.steps, v-b.last), v
		}
	}
	return (len(b.ends) - before) * runBytes, nil
}

func (b *stepsBuffer[R]) truncate(n int) {
	b.ends.truncate(n)
	b.steps, b.last = b.steps[:len(b.ends)], 0
	from := int32(0)
	for i, end := range b.ends {
		b.last += b.steps[i] * int64(end-from)
		from = end
	}
}

func (b *stepsBuffer[R]) take() arrow.Array {
	a := b.ends.take(b.of, newArray(b.of.Encoded(), len(b.steps), 0, nil, arrow.GetBytes(b.steps)))
	b.steps, b.last = b.steps[:0], 0
	return a
}

type stepsCursor[R any] struct {
	set   func(rows []R, v, step int64) // to what goes on from a value by a step
	of    *arrow.RunEndEncodedType
	ends  runEnds
	steps fixedCursor[R, int64] // of which only load is used
	next  int                   // run that begins at end
	end   int                   // of the run that is read
	step  int64
	last  int64 // value
}

func (c *stepsCursor[R]) load(a arrow.Array) (err error) {
	runs, ok := a.(*array.RunEndEncoded)
	if !ok {
		return typeError(a, c.of)
	}
	*c = stepsCursor[R]{set: c.set, of: c.of}
	steps := runs.Values()
	c.steps.of, c.steps.width = c.of.Encoded(), 8
	if err := c.steps.load(steps); err != nil || a.Len() == 0 {
		return err
	}
	if steps.NullN() > 0 {
		return errNulls
	}
	c.ends, err = endsOf(runs, len(c.steps.values))
	return err
}

func (c *stepsCursor[R]) read(from int, rows []R) {
	for len(rows) > 0 {
		if from >= c.end {
			c.step, c.end = c.steps.values[c.next], int(c.ends[c.next])
			c.next++
		}
		run := rows[:min(len(rows), c.end-from)]
		c.set(run, c.last, c.step)
		c.last += int64(len(run)) * c.step
		from += len(run)
		rows = rows[len(run):]
	}
}
