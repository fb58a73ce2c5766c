package textlines_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/shardmill/shardmill/formats/compressed"
	"github.com/shardmill/shardmill/jobs"
	"github.com/shardmill/shardmill/jobs/internal/textlines"
	"github.com/shardmill/shardmill/mapreduce"
	"github.com/shardmill/shardmill/mapreduce/mrtest"
)

// mostBytes is the longest line of the tests.
const mostBytes = 100

// found is what a job has found.
type found struct{ lines, rejects []string }

type line struct{ text string }

// source reads lines as "FILE:NUMBER TEXT", in parts of so many bytes, but for those of files with "hidden" in their names.
func source(partBytes int64) *mapreduce.Source[line] {
	return &mapreduce.Source[line]{
		Shards: mapreduce.Dataset[line]{Ext: "none", Create: func(*mapreduce.Env, io.Writer) (mapreduce.Sink[line], error) {
			return nil, errors.New("there are no shards")
		}},
		Target: mapreduce.Target{Bytes: partBytes}, InPlace: true,
		List: func(ctx context.Context, l *mapreduce.Lister) error {
			return textlines.List(ctx, l, func(e mapreduce.Entry) (compressed.Kind, bool, error) {
				f, kind, err := compressed.Open(e.Path)
				if err == nil {
					err = f.Close()
				}
				return kind, !strings.Contains(e.Name, "hidden"), err
			})
		},
		Scan: textlines.Scan,
		Cut: func(_ *mapreduce.Env, files iter.Seq[[]mapreduce.Scanned], c *mapreduce.Cutter) error {
			for file := range files {
				parts, starts, err := textlines.Starts(file)
				if err != nil || len(parts) != len(file) || len(starts) != len(file)+1 {
					return fmt.Errorf("%d parts, %d starts of %d, %w", len(parts), len(starts), len(file), err)
				}
				for i, s := range file {
					if err := c.Range(s, mapreduce.Range{Offset: starts[i].Offset, Line: starts[i].Line, Rows: -1}); err != nil {
						return err
					}
				}
			}
			return nil
		},
		Read: func(_ context.Context, _ *mapreduce.Env, rg mapreduce.Range, rows *mapreduce.Rows[line]) error {
			return textlines.Read(rg, rows, mostBytes, func(text []byte, number int64) error {
				return rows.Row(line{fmt.Sprintf("%s:%d %s", filepath.Base(rg.Name), number, text)})
			})
		},
	}
}

// run reads inputs in parts of so many bytes.
func run(t testing.TB, partBytes int64, inputs ...string) (f found, s mapreduce.Summary, err error) {
	t.Helper()
	job := mapreduce.New("lines", 1, struct{}{}, func(struct{}) ([]mapreduce.Stage, error) {
		take := mapreduce.MapFunc[line](func(_ context.Context, _ int, l *line, _ *mapreduce.Out) error {
			f.lines = append(f.lines, l.text)
			return nil
		})
		return []mapreduce.Stage{mapreduce.NewStage("take", source(partBytes), 16, take.Mapper)}, nil
	})
	dir, err := os.MkdirTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	cfg := mapreduce.Config{
		Dir: filepath.Join(dir, "job"), Inputs: inputs, InProcess: true, Workers: 1, MaxRejects: mapreduce.MaxRejects{Share: 1},
	}
	s, err = mapreduce.Run(context.Background(), jobs.Standard(), job, cfg)
	for _, r := range mrtest.Rejects(t, jobs.Standard(), cfg.Dir) {
		f.rejects = append(f.rejects, fmt.Sprintf("%s:%d %s", filepath.Base(r.Input), r.Line, r.Reason))
	}
	return f, s, err
}

func put(t testing.TB, dir, name string, text []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	mrtest.Write(t, path, text)
	return path
}

func zipped(t testing.TB, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(text)); err != nil || z.Close() != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestParts: parts of any size have the lines of the whole, which are those between line ends, each once, and the same rejects.
func TestParts(t *testing.T) {
	texts := []string{"", "a", "日本", "bad \xff", strings.Repeat("x", mostBytes), strings.Repeat("x", mostBytes+1), "", "", "b", "bad \xff", "last"}
	for _, end := range []string{"\n", "\r\n"} {
		for _, last := range []string{"", end} {
			path := put(t, t.TempDir(), "a.txt", []byte(strings.Join(texts, end)+last))
			for _, partBytes := range []int64{7, 64, 1 << 20} {
				got, s, err := run(t, partBytes, path)
				mrtest.Code(t, s, err, mapreduce.ExitRejects)
				checkLines(t, got, texts)
			}
		}
	}
}

func checkLines(t *testing.T, got found, texts []string) {
	t.Helper()
	var want found
	for i, text := range texts {
		switch at := fmt.Sprintf("a.txt:%d ", i+1); {
		case strings.HasPrefix(text, "bad"):
			want.rejects = append(want.rejects, at+"not valid UTF-8")
		case len(text) > mostBytes:
			want.rejects = append(want.rejects, at)
		default:
			want.lines = append(want.lines, at+text)
		}
	}
	if !slices.Equal(got.lines, want.lines) || !slices.EqualFunc(got.rejects, want.rejects, strings.HasPrefix) {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestList: files of a folder are read in order, compressed ones as a whole, and those that are not taken are passed over.
func TestList(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "a.txt", []byte("one\ntwo"))
	put(t, dir, "b.txt", zipped(t, "three\nfour\n"))
	put(t, dir, "c-hidden.txt", []byte("five\n"))
	put(t, dir, "d.txt", nil)
	got, _, err := run(t, 3, dir)
	want := []string{"a.txt:1 one", "a.txt:2 two", "b.txt:1 three", "b.txt:2 four"}
	if err != nil || !slices.Equal(got.lines, want) {
		t.Errorf("%q, %v, want %q", got.lines, err, want)
	}
}

// TestBadInput: what is wrong with a file is the input's fault, and names it.
func TestBadInput(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	whole := zipped(t, "one\ntwo\n")
	for path, says := range map[string]string{
		put(t, dir, "cut.gz", whole[:len(whole)-9]):             "unexpected EOF",
		put(t, dir, "utf16.txt", []byte("\xff\xfeo\x00\n\x00")): "UTF-16",
		filepath.Join(dir, "empty"):                             "no file in this folder",
		filepath.Join(dir, "none.txt"):                          "none.txt",
	} {
		_, s, err := run(t, 1<<20, path)
		mrtest.Code(t, s, err, mapreduce.ExitInput)
		if err == nil || !strings.Contains(err.Error(), says) || strings.Count(err.Error(), path) != 1 {
			t.Errorf("%v: does not say %q and %s once", err, says, path)
		}
	}
}
