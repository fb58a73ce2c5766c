package parquetfile_test

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/shardmill/shardmill/formats/parquetfile"
	"github.com/shardmill/shardmill/formats/table"
)

type headRow struct {
	name  string
	ok    bool
	count int64
	score float64
}

func TestHead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.parquet")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w, err := parquetfile.Create(f, table.Columns[headRow]{
		table.NullString("name", func(r *headRow) (string, bool) { return r.name, r.ok }, nil),
		table.Int64("count", func(r *headRow) int64 { return r.count }, nil),
		table.Float64("score", func(r *headRow) float64 { return r.score }, nil),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []headRow{{"ann", true, 1, .5}, {"", false, -2, 2}, {"ü", true, 3, 1e300}} {
		if err := w.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	all := [][]string{{"ann", "1", "0.5"}, {"", "-2", "2"}, {"ü", "3", "1e+300"}}
	for n, want := range [][][]string{{}, all[:1], all[:2], all, all} {
		names, rows, err := parquetfile.Head(path, n)
		if err != nil || !reflect.DeepEqual(names, []string{"name", "count", "score"}) || !reflect.DeepEqual(rows, want) {
			t.Errorf("the first %d rows: %v %v, %v", n, names, rows, err)
		}
	}
	if _, _, err := parquetfile.Head(filepath.Join(t.TempDir(), "absent"), 1); !os.IsNotExist(err) {
		t.Errorf("a file that is not there: %v", err)
	}
}
