package parquetfile

import (
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/parquet/metadata"

	"github.com/shardmill/shardmill/formats/table"
)

// Find reads the records of a file whose column has a value, and passes them to visit, in order, until that returns false.
// The column is a required one of text or of 64-bit integers, and need not be among cols. Only what is needed is read: the column
// in the row groups that may have the value, as their statistics say, and the other columns in those that have it, up to
// the last such record. Errors are those of Open.
func Find[R any, K string | int64](path string, cols table.Columns[R], column string, value K, visit func(r *R) bool) error {
	if err := cols.Check(); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	s, err := openSource(path)
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }() // only read
	for _, match := range []func(string, *arrow.Schema) ([]int, error){keyColumn[K](column).Match, cols.Match} {
		if _, err := match(path, s.schema); err != nil {
			return err
		}
	}
	groups, err := s.mayHold(column, value)
	if err != nil {
		return err
	}
	for _, g := range groups {
		at, err := findIn(s, g, column, value)
		if err != nil {
			return err
		}
		if more, err := visitAt(s, g, cols, at, visit); err != nil || !more {
			return err
		}
	}
	return nil
}

// mayHold returns the row groups whose statistics do not say that a value is not in a column.
func (s *source) mayHold(column string, value any) (groups []int, err error) {
	defer table.Recover(s.name, &err)
	leaf := s.schema.FieldIndices(column)[0]
	for _, g := range s.groups() {
		chunk, err := s.raw.MetaData().RowGroup(g).ColumnChunk(leaf)
		if err != nil {
			return nil, s.damaged(leaf, err)
		}
		stats, err := chunk.Statistics()
		if err != nil {
			return nil, s.damaged(leaf, err)
		}
		if stats == nil || !stats.HasMinMax() || within(stats, value) {
			groups = append(groups, g)
		}
	}
	return groups, nil
}

// within tells whether a value lies between the least and the greatest of statistics.
func within(stats metadata.TypedStatistics, value any) bool {
	switch s := stats.(type) {
	case *metadata.ByteArrayStatistics:
		v, ok := value.(string)
		return !ok || string(s.Min()) <= v && v <= string(s.Max())
	case *metadata.Int64Statistics:
		v, ok := value.(int64)
		return !ok || s.Min() <= v && v <= s.Max()
	}
	return true
}

// span is some records of a row group that follow each other: [lo, hi), counted from 0.
type span struct{ lo, hi int64 }

// findIn returns where a row group has a value.
func findIn[K string | int64](s *source, group int, column string, value K) (at []span, err error) {
	r, err := newReader(s, keyColumn[K](column), []int{group})
	if err != nil {
		return nil, err
	}
	for n := int64(0); ; n++ {
		var k K
		switch err := r.Read(&k); {
		case errors.Is(err, io.EOF):
			return at, nil
		case err != nil:
			return nil, err
		case k != value:
		case len(at) > 0 && at[len(at)-1].hi == n:
			at[len(at)-1].hi++
		default:
			at = append(at, span{n, n + 1})
		}
	}
}

// keyColumn is a column whose values are the records.
func keyColumn[K string | int64](name string) table.Columns[K] {
	var c any
	switch any(*new(K)).(type) {
	case string:
		c = table.String(name, nil, func(r *string, v string) { *r = v })
	case int64:
		c = table.Int64(name, nil, func(r *int64, v int64) { *r = v })
	}
	typed, _ := c.(table.Column[K])
	return table.Columns[K]{typed}
}

// visitAt passes records of a row group to visit, and tells whether that wants more.
func visitAt[R any](s *source, group int, cols table.Columns[R], at []span, visit func(*R) bool) (more bool, err error) {
	if len(at) == 0 {
		return true, nil
	}
	r, err := newReader(s, cols, []int{group})
	if err != nil {
		return false, err
	}
	next := int64(0)
	for _, sp := range at {
		if err := r.skip(sp.lo - next); err != nil {
			return false, err
		}
		for next = sp.lo; next < sp.hi; next++ {
			var row R
			if err := r.Read(&row); err != nil {
				return false, err
			}
			if !visit(&row) {
				return false, nil
			}
		}
	}
	return true, nil
}
