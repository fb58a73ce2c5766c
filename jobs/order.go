package jobs

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/shardmill/shardmill/formats/rowgroup"
	"github.com/shardmill/shardmill/mapreduce"
)

// sorted says in which order the rows of each file of a dataset are.
type sorted struct {
	dataset string
	by      []sortColumn
	rank    string // column that counts the rows of each value of the first one from 1, "" if there is none
	within  string // column whose values are sorted each for itself, where the file has it and several
}

type sortColumn struct {
	name string
	down bool
}

// orders are the sorted datasets of a job. The keys of rank are in the first column.
func orders(job string) []sorted {
	switch job {
	case "classify":
		return []sorted{
			{dataset: "predictions", by: []sortColumn{{name: "id"}}, rank: "rank"},
			{dataset: "ranked", by: []sortColumn{{name: "label_id"}, {"score", true}, {name: "id"}}, within: "model"},
		}
	case "rank":
		return []sorted{{dataset: "ranked", by: []sortColumn{{}}, rank: "rank"}, {dataset: "groups", by: []sortColumn{{}}}}
	case "evaluate":
		return []sorted{
			{dataset: "trials", by: []sortColumn{{name: "part", down: true}, {name: "rung"}, {name: "task"}}},
			{dataset: "metrics", by: []sortColumn{{name: "part", down: true}, {name: "rung"}}},
		}
	case "recommend":
		return []sorted{
			{dataset: "recommendations", by: []sortColumn{{name: "user"}}, rank: "rank"},
			{dataset: "similar_items", by: []sortColumn{{name: "item"}}, rank: "rank"},
			{dataset: "users", by: []sortColumn{{name: "user"}}},
			{dataset: "items", by: []sortColumn{{name: "item"}}},
		}
	case "wordcount":
		return []sorted{{dataset: "counts", by: []sortColumn{{name: "word"}}}}
	}
	return nil
}

// Verify is mapreduce.Verify with the standard formats and jobs, and checks the order of sorted datasets too.
func Verify(ctx context.Context, dir string, found func(mapreduce.Finding)) error {
	if err := mapreduce.Verify(ctx, Standard(), All(), dir, found); err != nil {
		return err
	}
	s, err := mapreduce.ReadStatus(dir)
	if err != nil {
		return nil //nolint:nilerr // job.json is damaged, which is among the findings
	}
	if s.Results == "" {
		s.Results = mapreduce.ResultsOut // as far as it is there
	}
	f := mapreduce.Finding{Check: "order of rows"}
	files, rows := 0, int64(0)
	for _, o := range orders(s.Job) {
		err := eachParquet(filepath.Join(dir, s.Results, o.dataset), func(path string) error {
			n, err := o.check(ctx, path)
			if errors.Is(err, context.Canceled) {
				return err
			}
			files++
			rows += n
			if err != nil {
				rel, _ := filepath.Rel(dir, path) // else the empty name, which is no worse
				f.Add(fmt.Sprintf("%s: %v", rel, err))
			}
			return nil
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	f.OK, f.Looked = len(f.Problems) == 0, fmt.Sprintf("rows of the files of sorted datasets: %d in %d", rows, files)
	found(f)
	return nil
}

// eachParquet visits the Parquet files of a dataset, in order of their names.
func eachParquet(dataset string, visit func(path string) error) error {
	return filepath.WalkDir(dataset, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".parquet" {
			return err
		}
		return visit(path)
	})
}

// check reads a file and compares each row with the one before it.
func (o sorted) check(ctx context.Context, path string) (rows int64, err error) {
	file, size, err := openSized(path)
	if err != nil {
		return 0, err
	}
	defer func() { _ = file.Close() }() // only read
	name := filepath.Base(path)
	info, err := rowgroup.Inspect(file, size, name)
	if err != nil {
		return 0, err
	}
	c := o.checker(info)
	r, err := rowgroup.NewReader(file, size, name, rowgroup.Options{Columns: c.columns, Hi: len(info.Groups)})
	if err != nil {
		return 0, err
	}
	for {
		var row rowgroup.Row
		switch err := r.Read(&row); {
		case errors.Is(err, io.EOF):
			return rows, nil
		case err != nil:
			return rows, err
		}
		rows++
		if what := c.next(row.Values); what != "" {
			return rows, fmt.Errorf("row %d: %s", rows, what)
		}
		if rows%4096 == 0 && ctx.Err() != nil {
			return rows, ctx.Err()
		}
	}
}

func openSized(path string) (*os.File, int64, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, 0, errors.Join(err, file.Close())
	}
	return file, info.Size(), nil
}

// orderChecker compares rows with the one before.
type orderChecker struct {
	sorted
	columns []string // of by, then rank and within as far as there are any
	last    []rowgroup.Value
	texts   [][]byte // memory of last
}

func (o sorted) checker(info rowgroup.Info) *orderChecker {
	c := &orderChecker{sorted: o}
	for _, b := range o.by {
		if b.name == "" && len(info.Columns) > 0 {
			b.name = info.Columns[0].Name
		}
		c.columns = append(c.columns, b.name)
	}
	has := func(name string) bool {
		return name != "" && slices.ContainsFunc(info.Columns, func(col rowgroup.Column) bool { return col.Name == name })
	}
	if o.rank != "" {
		c.columns = append(c.columns, o.rank)
	}
	if c.within = ""; has(o.within) {
		c.within = o.within
		c.columns = append(c.columns, o.within)
	}
	return c
}

// next tells what is wrong with a row, "" if nothing is.
func (c *orderChecker) next(row []rowgroup.Value) string {
	defer c.keep(row)
	n := len(c.by)
	if c.rank != "" && (c.last == nil || compareValues(row[0], c.last[0]) != 0) && row[n].Int != 1 {
		return fmt.Sprintf("the first of its %s has %s %d", c.columns[0], c.rank, row[n].Int)
	}
	if c.last == nil || c.within != "" && compareValues(row[len(row)-1], c.last[len(row)-1]) != 0 {
		return ""
	}
	for i, b := range c.by {
		d := compareValues(row[i], c.last[i])
		if b.down {
			d = -d
		}
		if d < 0 {
			return fmt.Sprintf("%s is not in order", c.columns[i])
		}
		if d > 0 {
			return ""
		}
	}
	if c.rank != "" && row[n].Int != c.last[n].Int+1 && row[n].Int != 1 {
		return fmt.Sprintf("%s %d follows %d", c.rank, row[n].Int, c.last[n].Int)
	}
	return ""
}

// keep copies a row, whose texts are valid until the next one.
func (c *orderChecker) keep(row []rowgroup.Value) {
	if c.texts == nil {
		c.texts = make([][]byte, len(row))
	}
	c.last = append(c.last[:0], row...)
	for i := range c.last {
		c.texts[i] = append(c.texts[i][:0], row[i].Text...)
		c.last[i].Text = c.texts[i]
	}
}

// compareValues orders values of one column: nulls first, numbers by size, texts by their bytes.
func compareValues(a, b rowgroup.Value) int {
	return cmp.Or(
		cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Int, b.Int), cmp.Compare(a.Float, b.Float), bytes.Compare(a.Text, b.Text),
	)
}
