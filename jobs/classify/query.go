package classify

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/shardmill/shardmill/formats/rowgroup"
)

// query reads rows of Parquet results: only of row groups that may hold what is wanted, and of these some columns.
type query struct {
	columns []string         // nil for all; what a file has not got is null
	column  string           // that must have one of the values
	wanted  []rowgroup.Value // Int, Float or Text
	// visit gets the rows, which may have other values of the column too, and tells whether to go on with the file.
	visit func(names []string, row []rowgroup.Value) (more bool)
}

// file asks one file.
func (q query) file(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // only read
	info, err := f.Stat()
	if err != nil {
		return err
	}
	d, err := rowgroup.Describe(f, info.Size(), path)
	if err != nil {
		return err
	}
	lo, hi := q.groups(d)
	if lo == hi {
		return nil
	}
	names, from := q.names(d.Info)
	r, err := rowgroup.NewReader(f, info.Size(), path, rowgroup.Options{Columns: names, Lo: lo, Hi: hi})
	if err != nil {
		return err
	}
	return q.rows(r, names, from)
}

// groups are the row groups from the first to the last that may hold what is wanted.
func (q query) groups(d rowgroup.Details) (lo, hi int) {
	at := slices.IndexFunc(d.Columns, func(c rowgroup.Column) bool { return c.Name == q.column })
	for g := range d.Groups {
		may := at >= 0 && slices.ContainsFunc(q.wanted, d.Chunks[g][at].MayHold)
		if may && hi == 0 {
			lo = g
		}
		if may {
			hi = g + 1
		}
	}
	return lo, hi
}

// names are the columns to read, and for each of those asked for which of them it is, or -1.
func (q query) names(info rowgroup.Info) (names []string, from []int) {
	for _, c := range info.Columns {
		if c.Kind != rowgroup.Unsupported && (q.columns == nil || slices.Contains(q.columns, c.Name)) {
			names = append(names, c.Name)
		}
	}
	for _, c := range q.columns {
		from = append(from, slices.Index(names, c))
	}
	return names, from
}

func (q query) rows(r *rowgroup.Reader, names []string, from []int) error {
	values := make([]rowgroup.Value, len(q.columns))
	for {
		var row rowgroup.Row
		if err := r.Read(&row); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if q.columns == nil {
			if !q.visit(names, row.Values) {
				return nil
			}
			continue
		}
		for i, at := range from {
			values[i] = rowgroup.Value{}
			if at >= 0 {
				values[i] = row.Values[at]
			}
		}
		if !q.visit(q.columns, values) {
			return nil
		}
	}
}

// part is the file of a dataset that has the rows of one partition.
func part(dataset string, n int) string {
	return filepath.Join(dataset, fmt.Sprintf("part-%06d.parquet", n))
}
