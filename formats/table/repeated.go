package table

import (
	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
)

// Repeated is String for texts that many rows in a row share, such as the file that they came from: a run of equal
// texts is stored once, as Arrow's run-end encoded layout has it. Parquet files cannot have such columns.
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
	ends []int32 // ends[i] is the number of values up to the end of run i
	last string  // text of the last run
	texts
}

func (b *repeatedBuffer[R]) add(rows []R) (int, error) {
	runs, before, n := b.len(), b.size(), b.rows()
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

// rows returns the number of values.
func (b *repeatedBuffer[R]) rows() int32 {
	if n := len(b.ends); n > 0 {
		return b.ends[n-1]
	}
	return 0
}

func (b *repeatedBuffer[R]) truncate(n int) {
	runs := 0
	for runs < len(b.ends) && int(b.ends[runs]) < n {
		runs++
	}
	if n > 0 { // the run that has value n-1
		b.ends[runs] = int32(n)
		runs++
	}
	b.ends = b.ends[:runs]
	b.texts.truncate(runs)
	if runs > 0 {
		b.last = string(b.data[b.offsets[runs-1]:])
	}
}

func (b *repeatedBuffer[R]) take() arrow.Array {
	rows := int(b.rows())
	ends := newArray(b.of.RunEnds(), len(b.ends), 0, nil, arrow.GetBytes(b.ends)).Data()
	runs := []arrow.ArrayData{ends, b.texts.take(0, nil).Data()}
	b.ends = b.ends[:0]
	return array.NewRunEndEncodedData(array.NewData(b.of, rows, []*memory.Buffer{nil}, runs, 0, 0))
}

type repeatedCursor[R any] struct {
	set  func(*R, string)
	of   *arrow.RunEndEncodedType
	ends []int32
	runs textValues
	next int // run that begins at a value not read yet, or later
	end  int // of the run before it
	last string
}

func (c *repeatedCursor[R]) load(a arrow.Array) error {
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
	ends := arrow.GetData[int32](valueBytes(runs.RunEndsArr(), 1))
	if n := runs.RunEndsArr().Len(); n > len(ends) || n != len(c.runs.offsets)-1 || a.Data().Offset() != 0 {
		return errShort
	}
	c.ends = ends[:len(c.runs.offsets)-1]
	return checkEnds(c.ends, a.Len())
}

// checkEnds checks that ends rise from 1 or more, and the last one to n values.
func checkEnds(ends []int32, n int) error {
	last := int32(0)
	for _, e := range ends {
		if e <= last {
			return errRuns
		}
		last = e
	}
	if int(last) < n {
		return errRuns
	}
	return nil
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
