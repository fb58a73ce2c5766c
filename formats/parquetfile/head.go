package parquetfile

import (
	"fmt"

	"github.com/shardmill/shardmill/formats/table"
)

// Head returns the names of a file's columns and its first n rows, or all if there are fewer, as text: for people
// who look at a file whose columns the program does not know. A null is "", a list [a, b]. Errors are those of Open.
func Head(path string, n int) (names []string, rows [][]string, err error) {
	defer table.Recover(path, &err)
	s, err := openSource(path)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = s.Close() }() // only read
	want := min(int64(n), s.rows)
	rows = make([][]string, want)
	for i := range s.schema.NumFields() {
		names = append(names, s.schema.Field(i).Name)
		if err := s.headColumn(i, rows); err != nil {
			return nil, nil, err
		}
	}
	return names, rows, nil
}

// headColumn appends the first values of a column to rows.
func (s *source) headColumn(i int, rows [][]string) error {
	c, err := s.column(i, s.groups())
	if err != nil || len(rows) == 0 {
		return err
	}
	for at := 0; at < len(rows); {
		values, err := s.next(c, int64(len(rows)-at))
		if err != nil {
			return err
		}
		if values.Len() == 0 {
			return fmt.Errorf("%s: column %q ends at row %d", s.name, s.schema.Field(i).Name, at)
		}
		for k := range values.Len() {
			rows[at+k] = append(rows[at+k], table.ValueText(values, k))
		}
		at += values.Len()
	}
	return nil
}
