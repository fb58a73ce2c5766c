package mapreduce

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/shardmill/shardmill/mapreduce/internal/worker"
)

// A file whose time alone has changed is digested once in a process, and again when it has changed again.
func TestTouchedFileIsDigestedOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	write := func(text string, at time.Time) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	start := time.Unix(1_700_000_000, 0)
	write("as it was", start)
	rg := Range{Name: "f", Path: path, Size: 9}
	whole, err := rangeDigest(t.Context(), rg, func() {})
	if err != nil {
		t.Fatal(err)
	}
	rg.Whole, rg.ModTime, rg.Lo, rg.Hi = whole, start.UnixNano(), 0, 1

	known := touched{}
	read := func() error {
		tr := &taskRun{cell: worker.NewCell(), touched: known}
		return tr.readRanges(t.Context(), []Range{rg, rg}, func() error { return nil })
	}
	for _, step := range []struct {
		text    string
		at      time.Duration
		digests int
		ok      bool
	}{
		{"as it was", 0, 0, true},
		{"as it was", time.Hour, 1, true},
		{"otherwise", time.Hour, 1, true}, // which nobody looks at
		{"otherwise", 2 * time.Hour, 2, false},
		{"as it was", 3 * time.Hour, 3, true},
	} {
		write(step.text, start.Add(step.at))
		err := read()
		if (err == nil) != step.ok || err != nil && ClassOf(err) != Input {
			t.Errorf("%+v: %v", step, err)
		}
		if len(known) != step.digests {
			t.Errorf("%+v: %d digests known", step, len(known))
		}
	}
}
