package jobs

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shardmill/shardmill/formats/parquetfile"
	"github.com/shardmill/shardmill/formats/table"
)

// orderRow is a row of a sorted dataset.
type orderRow struct {
	id, model   string
	rank, label int32
	score       float32
}

func writeOrder(t *testing.T, rows ...orderRow) string {
	t.Helper()
	type row = orderRow
	path := filepath.Join(t.TempDir(), "part-000000.parquet")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w, err := parquetfile.Create(f, table.Columns[row]{
		table.String("id", func(r *row) string { return r.id }, nil),
		table.Int32("rank", func(r *row) int32 { return r.rank }, nil),
		table.Int32("label_id", func(r *row) int32 { return r.label }, nil),
		table.Float32("score", func(r *row) float32 { return r.score }, nil),
		table.String("model", func(r *row) string { return r.model }, nil),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if err := w.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

func ranks(id string, ranks ...int32) (rows []orderRow) {
	for _, r := range ranks {
		rows = append(rows, orderRow{id: id, rank: r})
	}
	return rows
}

func best(label int32, score float32, id, model string) []orderRow {
	return []orderRow{{id: id, label: label, score: score, model: model}}
}

func TestOrder(t *testing.T) {
	predictions, ranked := orders("classify")[0], orders("classify")[1]
	for name, c := range map[string]struct {
		of   sorted
		rows [][]orderRow
		want string // "" where all is well
	}{
		"none":              {predictions, nil, ""},
		"good":              {predictions, [][]orderRow{ranks("a", 1, 2, 3), ranks("b", 1), ranks("ba", 1, 2)}, ""},
		"an id twice":       {predictions, [][]orderRow{ranks("a", 1, 2, 1, 2)}, ""},
		"ids not in order":  {predictions, [][]orderRow{ranks("b", 1), ranks("a", 1)}, "row 2: id is not in order"},
		"begins with two":   {predictions, [][]orderRow{ranks("a", 2)}, "row 1: the first of its id has rank 2"},
		"next begins with":  {predictions, [][]orderRow{ranks("a", 1), ranks("b", 2)}, "row 2: the first of its id has rank 2"},
		"a gap":             {predictions, [][]orderRow{ranks("a", 1, 3)}, "row 2: rank 3 follows 1"},
		"a rank twice":      {predictions, [][]orderRow{ranks("a", 1, 2, 2)}, "row 3: rank 2 follows 2"},
		"ranked":            {ranked, [][]orderRow{best(1, .9, "x", "m"), best(1, .9, "y", "m"), best(1, .2, "a", "m"), best(2, .7, "a", "m")}, ""},
		"labels":            {ranked, [][]orderRow{best(2, .9, "x", "m"), best(1, .9, "y", "m")}, "row 2: label_id is not in order"},
		"scores":            {ranked, [][]orderRow{best(2, .1, "x", "m"), best(2, .9, "y", "m")}, "row 2: score is not in order"},
		"ids":               {ranked, [][]orderRow{best(2, .1, "y", "m"), best(2, .1, "x", "m")}, "row 2: id is not in order"},
		"the second model":  {ranked, [][]orderRow{best(2, .1, "y", "m"), best(1, .1, "x", "n")}, ""},
		"wrong in a model":  {ranked, [][]orderRow{best(2, .1, "y", "m"), best(1, .1, "x", "n"), best(0, .1, "x", "n")}, "row 3: label_id is not in order"},
		"the first column":  {orders("rank")[1], [][]orderRow{ranks("b", 1), ranks("a", 1)}, "row 2: id is not in order"},
		"keys are repeated": {orders("rank")[0], [][]orderRow{ranks("a", 1, 2), ranks("b", 1, 2, 3)}, ""},
	} {
		var rows []orderRow
		for _, r := range c.rows {
			rows = append(rows, r...)
		}
		n, err := c.of.check(t.Context(), writeOrder(t, rows...))
		switch {
		case c.want == "" && (err != nil || n != int64(len(rows))):
			t.Errorf("%s: %d of %d rows, %v", name, n, len(rows), err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: %v, expected %q", name, err, c.want)
		}
	}
}

// Every job says what of its results is sorted.
func TestOrdersOfAllJobs(t *testing.T) {
	for _, job := range All() {
		if len(orders(job.Name())) == 0 {
			t.Errorf("nothing of %s is known to be sorted", job.Name())
		}
	}
}
