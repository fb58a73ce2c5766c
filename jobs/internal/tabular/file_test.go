package tabular

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/shardmill/shardmill/mapreduce"
)

func TestEachRow(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string
		line       int64 // of an error
	}{
		{"a.csv", "id,x,y\n1,a,b\n2,,c\n", []string{"1 a", "2 "}, 0},
		{"a.tsv", "x\tid\na\t1\n", []string{"1 a"}, 0},
		{"a.jsonl", "{\"id\": 1, \"x\": \"a\"}\n\n{\"id\": 2}\n", []string{"1 a", "2 "}, 0},
		{"a.csv", "id,x\n1,a\n2,b,c\n3,c\n", []string{"1 a"}, 3},
		{"a.jsonl", "{\"id\": 1}\nno\n", []string{"1 "}, 2},
		{"a.csv", "id,x\n1,a\nbad,b\n3,c\n", []string{"1 a"}, 3},
	} {
		path := filepath.Join(t.TempDir(), c.name)
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		var got []string
		err := EachRow(path, c.name, []string{"id", "x"}, func(r *Record) error {
			id := string(r.Cells[0].AppendText(nil))
			if id == "bad" {
				return errors.New("bad")
			}
			got = append(got, id+" "+string(r.Cells[1].AppendText(nil)))
			return nil
		})
		var line *LineError
		if errors.As(err, &line) != (c.line > 0) || c.line > 0 && (line.Line != c.line || mapreduce.ClassOf(err) != mapreduce.Input) || c.line == 0 && err != nil {
			t.Errorf("%s %q: %v", c.name, c.text, err)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s %q: %q", c.name, c.text, got)
		}
	}
}

func TestEachRowRefuses(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.parquet"), []byte("PAR1 not"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"none.csv", "a.parquet", "a.txt"} {
		if err := EachRow(filepath.Join(dir, name), name, []string{"id"}, func(*Record) error { return nil }); mapreduce.ClassOf(err) != mapreduce.Input {
			t.Errorf("%s: %v", name, err)
		}
	}
}
