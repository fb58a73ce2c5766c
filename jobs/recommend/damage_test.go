package recommend_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shardmill/shardmill/jobs"
	"github.com/shardmill/shardmill/jobs/recommend"
	"github.com/shardmill/shardmill/mapreduce"
	"github.com/shardmill/shardmill/mapreduce/mrtest"
)

// TestDamagedSide changes a byte in each of the side files that a half-step reads, all of which this process has mapped before or
// has mapped already: they are made again, and the results are the same.
func TestDamagedSide(t *testing.T) {
	input := smallCrowd(t)
	change := modelOf(recommend.ALS).change
	clean := config(t, change, input)
	mrtest.Run(t, jobs.Standard(), smallJob(), clean, mapreduce.ExitComplete)
	for _, files := range []string{
		"01-split/data/user_ids/*", "02-matrix/data/user_items/*", "05-users-01/data/users_01/*", "06-items-01/data/items_01/*",
	} {
		t.Run(strings.ReplaceAll(files, "/", "|"), func(t *testing.T) {
			cfg := config(t, change, input)
			hits := 0
			cfg.Hook = func(point string) {
				if point == "planned:07-users-02" && hits == 0 {
					hits = flip(t, filepath.Join(cfg.Dir, "stages", files))
				}
			}
			mrtest.Run(t, jobs.Standard(), smallJob(), cfg, mapreduce.ExitComplete)
			if hits == 0 {
				t.Fatal("no file was damaged")
			}
			redone := 0
			for _, e := range mrtest.Events(t, cfg.Dir) {
				if e.Kind == mapreduce.EventRedo {
					redone++
				}
			}
			if redone < hits {
				t.Errorf("%d files were damaged, %d tasks ran again", hits, redone)
			}
			mrtest.SameResults(t, clean.Dir, cfg.Dir)
		})
	}
}

// flip changes a bit in the middle of each file, in place.
func flip(t *testing.T, pattern string) int {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		info, err := f.Stat()
		if err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 1)
		_, err = f.ReadAt(b, info.Size()/2)
		b[0] ^= 4
		_, err2 := f.WriteAt(b, info.Size()/2)
		if err := errors.Join(err, err2, f.Close()); err != nil {
			t.Fatal(err)
		}
	}
	return len(paths)
}
