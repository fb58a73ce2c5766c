package lines_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/shardmill/shardmill/formats/parquetfile"
	"github.com/shardmill/shardmill/formats/table"
	"github.com/shardmill/shardmill/jobs"
	"github.com/shardmill/shardmill/jobs/lines"
	"github.com/shardmill/shardmill/mapreduce"
	"github.com/shardmill/shardmill/mapreduce/mrtest"
)

func TestMain(m *testing.M) { os.Exit(mrtest.Main(m, jobs.Standard(), echoes()...)) }

// echoes read whole files into shards, and parts of a few bytes through shards and in place.
func echoes() []mapreduce.Job {
	return []mapreduce.Job{echo("whole", 1<<20, false), echo("parts", 5, false), echo("in-place", 5, true)}
}

func columns() table.Columns[lines.Line] {
	return table.Columns[lines.Line]{
		table.String("input", func(l *lines.Line) string { return l.Input }, func(l *lines.Line, v string) { l.Input = v }),
		table.Int64("line", func(l *lines.Line) int64 { return l.Number }, func(l *lines.Line, v int64) { l.Number = v }),
		table.Text("text", func(l *lines.Line) []byte { return l.Text }, func(l *lines.Line, v []byte) { l.Text = append([]byte{}, v...) }),
	}
}

// echo writes the lines as they come.
func echo(name string, partBytes int64, inPlace bool) mapreduce.Job {
	return mapreduce.New(name, 1, struct{}{}, func(struct{}) ([]mapreduce.Stage, error) {
		out := &mapreduce.Dataset[lines.Line]{Name: "lines", Ext: "parquet", Create: func(_ *mapreduce.Env, w io.Writer) (mapreduce.Sink[lines.Line], error) {
			return parquetfile.Create(w, columns())
		}}
		write := mapreduce.MapFunc[lines.Line](func(_ context.Context, i int, l *lines.Line, o *mapreduce.Out) error {
			out.Write(o, i, *l)
			return nil
		})
		src := lines.Source(inPlace)
		src.Target.Bytes = partBytes
		return []mapreduce.Stage{mapreduce.NewStage("echo", src, 16, write.Mapper, out)}, nil
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
		"d/empty.txt": "", "d/mark.txt": "\xef\xbb\xbf", "d/marked.txt": "\xef\xbb\xbfx\r\n", "d/short.txt": "abc", "d/wide.txt": "日",
	} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		mrtest.Write(t, path, []byte(text))
	}
	want := []lines.Line{
		{Input: "b.txt", Number: 1, Text: []byte("folder names sort with their slash")},
		{Input: "b/1.txt", Number: 1, Text: []byte("one")},
		{Input: "b/2.txt", Number: 1, Text: []byte("three")},
		{Input: "b/2.txt", Number: 2, Text: []byte("")},
		{Input: "b/2.txt", Number: 3, Text: []byte("five")},
		{Input: "c.txt", Number: 2, Text: []byte("good")},
		{Input: "d/marked.txt", Number: 1, Text: []byte("x")},
		{Input: "d/short.txt", Number: 1, Text: []byte("abc")},
		{Input: "d/wide.txt", Number: 1, Text: []byte("日")},
	}
	for i := range want {
		want[i].Input = filepath.Join(dir, filepath.FromSlash(want[i].Input))
	}
	in := func(name string) string { return filepath.Join(dir, name) }
	for _, inputs := range [][]string{{dir}, {in("*")}, {in("b.txt"), in("b"), in("c.txt"), in("d")}} {
		for _, job := range echoes() {
			cfg := mapreduce.Config{Dir: filepath.Join(t.TempDir(), "job"), Inputs: inputs, Workers: 2, InProcess: len(inputs) > 1}
			s := mrtest.Run(t, jobs.Standard(), job, cfg, mapreduce.ExitRejects)
			if s.Rows.Read != int64(len(want))+1 || s.Rows.Rejected != 1 {
				t.Errorf("%v, %s: rows %+v", inputs, job.Name(), s.Rows)
			}
			if diff := gocmp.Diff(want, readAll(t, cfg.Dir)); diff != "" {
				t.Errorf("%v, %s (-want +got):\n%s", inputs, job.Name(), diff)
			}
			r := mrtest.Rejects(t, jobs.Standard(), cfg.Dir)
			if len(r) != 1 || r[0].Input != in("c.txt") || r[0].Line != 1 || r[0].Record != "bad \uFFFD" || r[0].Reason != "not valid UTF-8" {
				t.Errorf("%s: rejects %+v", job.Name(), r)
			}
		}
	}
}

func TestNothingThere(t *testing.T) {
	for _, in := range []string{"nowhere.txt", "nowhere*.txt"} {
		cfg := mapreduce.Config{Dir: filepath.Join(t.TempDir(), "job"), Inputs: []string{filepath.Join(t.TempDir(), in)}}
		s, err := mapreduce.Run(context.Background(), jobs.Standard(), echoes()[0], cfg)
		mrtest.Code(t, s, err, mapreduce.ExitInput)
		if !strings.Contains(err.Error(), in) {
			t.Errorf("got %v", err)
		}
	}
}

// A compressed file that ends early is wrong input, and named once.
func TestCutShort(t *testing.T) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte("one\ntwo\n")); err != nil || z.Close() != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "cut.txt.gz")
	mrtest.Write(t, path, b.Bytes()[:b.Len()-9])
	for _, job := range echoes() {
		cfg := mapreduce.Config{Dir: filepath.Join(t.TempDir(), "job"), Inputs: []string{path}}
		s, err := mapreduce.Run(context.Background(), jobs.Standard(), job, cfg)
		mrtest.Code(t, s, err, mapreduce.ExitInput)
		if want := path + ": gzip data: unexpected EOF"; !strings.HasSuffix(err.Error(), want) || strings.Count(err.Error(), path) != 1 {
			t.Errorf("%s: %v, expected %s", job.Name(), err, want)
		}
	}
}

// Lines keep their memory, but not that of a very long one.
func TestReset(t *testing.T) {
	for bytes, kept := range map[int]bool{0: true, 10: true, 16 << 10: true, 1 << 20: false} {
		l := lines.Line{Input: "a.txt", Number: 7, Text: make([]byte, bytes)}
		l.Reset()
		if l.Input != "" || l.Number != 0 || len(l.Text) > 0 || (cap(l.Text) == bytes) != kept {
			t.Errorf("%d bytes: %+v keeps %d", bytes, l, cap(l.Text))
		}
	}
}
