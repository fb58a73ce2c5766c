package table

import (
	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
)

// runEnds are the ends of runs of equal values: runEnds[i] is the number of values up to the end of run i.
type runEnds []int32

// rows returns the number of values.
func (e runEnds) rows() int32 {
	if n := len(e); n > 0 {
		return e[n-1]
	}
	return 0
}

// end ends the last run, if there is one, so that there are n values.
func (e runEnds) end(n int32) {
	if k := len(e); k > 0 {
		e[k-1] = n
	}
}

// truncate drops the values behind the first n, which are not more than there are.
func (e *runEnds) truncate(n int) {
	ends, runs := *e, 0
	for runs < len(ends) && int(ends[runs]) < n {
		runs++
	}
	if n > 0 { // the run that has value n-1
		ends[runs] = int32(n)
		runs++
	}
	*e = ends[:runs]
}

// take returns an array of runs, of which values has one value each, and empties e.
func (e *runEnds) take(of *arrow.RunEndEncodedType, values arrow.Array) arrow.Array {
	ends := newArray(of.RunEnds(), len(*e), 0, nil, arrow.GetBytes(*e)).Data()
	runs := array.NewData(of, int(e.rows()), []*memory.Buffer{nil}, []arrow.ArrayData{ends, values.Data()}, 0, 0)
	*e = (*e)[:0]
	return array.NewRunEndEncodedData(runs)
}

// endsOf returns the ends of the runs of an array that is not empty, and has so many values of runs.
func endsOf(a *array.RunEndEncoded, values int) (runEnds, error) {
	ends := runEnds(arrow.GetData[int32](valueBytes(a.RunEndsArr(), 1)))
	if n := a.RunEndsArr().Len(); n > len(ends) || n != values || a.Data().Offset() != 0 {
		return nil, errShort
	}
	ends = ends[:values]
	return ends, ends.check(a.Len())
}

// check checks that ends rise from 1 or more, and the last one to n values.
func (e runEnds) check(n int) error {
	last := int32(0)
	for _, end := range e {
		if end <= last {
			return errRuns
		}
		last = end
	}
	if int(last) < n {
		return errRuns
	}
	return nil
}
