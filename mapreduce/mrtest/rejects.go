package mrtest

import (
	"errors"
	"io"
	"path/filepath"
	"testing"

	"github.com/shardmill/shardmill/mapreduce"
)

// Rejects reads all rows of rejects/ of a job directory.
func Rejects(t testing.TB, opts mapreduce.Options, dir string) (all []mapreduce.Reject) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "rejects", "*."+opts.RejectParts.Ext))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range paths {
		r, err := opts.RejectParts.Open(nil, p)
		for err == nil {
			var row mapreduce.Reject
			if err = r.Read(&row); err == nil {
				all = append(all, row)
			}
		}
		if !errors.Is(err, io.EOF) || r.Close() != nil {
			t.Fatalf("%s: %v", p, err)
		}
	}
	return all
}
