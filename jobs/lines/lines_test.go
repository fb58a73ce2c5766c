package lines_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/shardmill/shardmill/formats/parquetfile"
	"github.com/shardmill/shardmill/formats/table"
	"github.com/shardmill/shardmill/jobs"
	"github.com/shardmill/shardmill/jobs/lines"
	"github.com/shardmill/shardmill/mapreduce"
	"github.com/shardmill/shardmill/mapreduce/mrtest"
)

func TestMain(m *testing.M) { os.Exit(mrtest.Main(m, jobs.Standard(), echo())) }

func columns() table.Columns[lines.Line] {
	return table.Columns[lines.Line]{
		table.String("input", func(l *lines.Line) string { return l.Input }, func(l *lines.Line, v string) { l.Input = v }),
		table.Int64("line", func(l *lines.Line) int64 { return l.Number }, func(l *lines.Line, v int64) { l.Number = v }),
		table.String("text", func(l *lines.Line) string { return l.Text }, func(l *lines.Line, v string) { l.Text = v }),
	}
}

// echo writes the lines as they come.
func echo() mapreduce.Job {
	return mapreduce.New("echo", 1, struct{}{}, func(struct{}) ([]mapreduce.Stage, error) {
		out := &mapreduce.Dataset[lines.Line]{Name: "lines", Ext: "parquet", Create: func(_ *mapreduce.Env, w io.Writer) (mapreduce.Sink[lines.Line], error) {
			return parquetfile.Create(w, columns())
		}}
		write := mapreduce.MapFunc[lines.Line](func(_ context.Context, i int, l *lines.Line, o *mapreduce.Out) error {
			out.Write(o, i, *l)
			return nil
		})
		return []mapreduce.Stage{mapreduce.NewStage("echo", lines.Source(), 16, write.Mapper, out)}, nil
	})
}

func readAll(t *testing.T, dir string) []lines.Line {
	t.Helper()
	parts, err := filepath.Glob(filepath.Join(dir, "out", "lines", "*.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	var all []lines.Line
	for _, p := range parts {
		r, err := parquetfile.Open(p, columns())
		if err != nil {
			t.Fatal(err)
		}
		for {
			var l lines.Line
			if err := r.Read(&l); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			all = append(all, l)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// TestLines: files, folders and patterns give every line once, in input order, with its file and number; what
// is no text is a reject that names them.
func TestLines(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"b/2.txt": "three\r\n\nfive", "b/1.txt": "one\n", "b.txt": "folder names sort with their slash\n", "c.txt": "bad \xff\ngood\n",
	} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		mrtest.Write(t, path, []byte(text))
	}
	want := []lines.Line{
		{Input: "b.txt", Number: 1, Text: "folder names sort with their slash"},
		{Input: "b/1.txt", Number: 1, Text: "one"},
		{Input: "b/2.txt", Number: 1, Text: "three"},
		{Input: "b/2.txt", Number: 2, Text: ""},
		{Input: "b/2.txt", Number: 3, Text: "five"},
		{Input: "c.txt", Number: 2, Text: "good"},
	}
	for i := range want {
		want[i].Input = filepath.Join(dir, filepath.FromSlash(want[i].Input))
	}
	for _, inputs := range [][]string{{dir}, {filepath.Join(dir, "*")}, {filepath.Join(dir, "b.txt"), filepath.Join(dir, "b"), filepath.Join(dir, "c.txt")}} {
		job := filepath.Join(t.TempDir(), "job")
		cfg := mapreduce.Config{Dir: job, Inputs: inputs, Workers: 2}
		if s := mrtest.Run(t, jobs.Standard(), echo(), cfg, mapreduce.ExitRejects); s.Rows.Read != 7 || s.Rows.Rejected != 1 {
			t.Errorf("%v: rows %+v", inputs, s.Rows)
		}
		if got := readAll(t, job); !slices.Equal(got, want) {
			t.Errorf("%v gave %+v", inputs, got)
		}
	}
}

func TestNothingThere(t *testing.T) {
	for _, in := range []string{"nowhere.txt", "nowhere*.txt"} {
		cfg := mapreduce.Config{Dir: filepath.Join(t.TempDir(), "job"), Inputs: []string{filepath.Join(t.TempDir(), in)}}
		s, err := mapreduce.Run(context.Background(), jobs.Standard(), echo(), cfg)
		mrtest.Code(t, s, err, mapreduce.ExitInput)
		if !strings.Contains(err.Error(), in) {
			t.Errorf("got %v", err)
		}
	}
}
