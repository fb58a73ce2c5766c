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
	list  [][]byte
	ints  []int64
	v     []float32
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
		table.Texts("list", func(r *headRow) [][]byte { return r.list }, nil),
		table.Int64s("ints", func(r *headRow) []int64 { return r.ints }, nil),
		table.Floats("v", func(r *headRow) []float32 { return r.v }, nil),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []headRow{
		{"ann", true, 1, .5, [][]byte{[]byte("x"), []byte("größer")}, []int64{-1, 2}, nil},
		{"", false, -2, 2, nil, nil, []float32{.5}},
		{"ü", true, 3, 1e300, [][]byte{[]byte("")}, []int64{7}, []float32{1, 2}},
	} {
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
	all := [][]string{
		{"ann", "1", "0.5", "[x, größer]", "[-1, 2]", "[]"}, {"", "-2", "2", "[]", "[]", "[0.5]"}, {"ü", "3", "1e+300", "[]", "[7]", "[1, 2]"},
	}
	for n, want := range [][][]string{{}, all[:1], all[:2], all, all} {
		names, rows, err := parquetfile.Head(path, n)
		if err != nil || !reflect.DeepEqual(names, []string{"name", "count", "score", "list", "ints", "v"}) || !reflect.DeepEqual(rows, want) {
			t.Errorf("the first %d rows: %v %v, %v", n, names, rows, err)
		}
	}
	if _, _, err := parquetfile.Head(filepath.Join(t.TempDir(), "absent"), 1); !os.IsNotExist(err) {
		t.Errorf("a file that is not there: %v", err)
	}
}
