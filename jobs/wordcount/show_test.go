package wordcount_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shardmill/shardmill/formats"
	"github.com/shardmill/shardmill/formats/parquetfile"
	"github.com/shardmill/shardmill/formats/table"
	"github.com/shardmill/shardmill/jobs/wordcount"
)

// writeCounts writes one part of the results.
func writeCounts(t *testing.T, out string, part int, rows ...wordcount.Count) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(out, "counts"), 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(filepath.Join(out, "counts", fmt.Sprintf("part-%06d.parquet", part)))
	if err != nil {
		t.Fatal(err)
	}
	w, err := parquetfile.Create(f, table.Columns[wordcount.Count]{
		table.String("word", func(c *wordcount.Count) string { return c.Word }, nil),
		table.Int64("count", func(c *wordcount.Count) int64 { return c.Count }, nil),
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
}

func TestShow(t *testing.T) {
	out := t.TempDir()
	writeCounts(t, out, 0, wordcount.Count{Word: "b", Count: 2}, wordcount.Count{Word: "rare", Count: 1}, wordcount.Count{Word: "z", Count: 9})
	writeCounts(t, out, 1, wordcount.Count{Word: "a", Count: 2}, wordcount.Count{Word: "B", Count: 2})
	all := []wordcount.Count{{Word: "z", Count: 9}, {Word: "B", Count: 2}, {Word: "a", Count: 2}, {Word: "b", Count: 2}, {Word: "rare", Count: 1}}
	for _, n := range []int{1, 2, 4, 5, 100} {
		got, err := wordcount.Show(out, n)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(all[:min(n, len(all))], got); diff != "" {
			t.Errorf("the first %d (-want +got):\n%s", n, diff)
		}
	}
}

func TestShowNothing(t *testing.T) {
	out := t.TempDir()
	writeCounts(t, out, 0)
	if got, err := wordcount.Show(out, 5); err != nil || len(got) > 0 {
		t.Errorf("no words: %v, %v", got, err)
	}
}

func TestShowRefusesOtherFiles(t *testing.T) {
	out := t.TempDir()
	writeCounts(t, out, 0, wordcount.Count{Word: "a", Count: 1})
	bad := filepath.Join(out, "counts", "part-000001.parquet")
	if err := os.WriteFile(bad, []byte("PAR1 not really PAR1"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := wordcount.Show(out, 5); !errors.Is(err, formats.ErrForeign) {
		t.Errorf("a file of others: %v", err)
	}
	if err := os.Chmod(bad, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := wordcount.Show(out, 5); err == nil || os.Geteuid() != 0 && !errors.Is(err, fs.ErrPermission) {
		t.Errorf("a file that may not be read: %v", err)
	}
}
