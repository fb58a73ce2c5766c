package mapreduce_test

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/shardmill/shardmill/mapreduce"
	"github.com/shardmill/shardmill/mapreduce/mrtest"
)

// profiles lists the files of a folder, which must all be gzip.
func profiles(t *testing.T, dir string) string {
	t.Helper()
	files := mrtest.Tree(t, dir, ".")
	for name, b := range files {
		if !strings.HasPrefix(string(b), "\x1f\x8b") {
			t.Errorf("%s is no gzip file", name)
		}
	}
	return strings.ReplaceAll(strings.Join(slices.Sorted(maps.Keys(files)), " "), ".pprof", "")
}

func TestProfile(t *testing.T) {
	const driver = "driver.cpu driver.heap"
	tests := map[string]struct {
		word      string
		inProcess bool
		code      int
		want      string
	}{
		"complete":   {"word", false, 0, driver + " worker-0.cpu worker-0.heap"},
		"failed":     {"!fail", false, 1, driver + " worker-0.cpu worker-0.heap"},
		"crash":      {"!panic:MARKER", false, 0, driver + " worker-1.cpu worker-1.heap worker-2.cpu worker-2.heap"}, // worker-0 died; -1 looks for the row
		"in process": {"word", true, 0, driver},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "new", "profiles")
			word := strings.Replace(tt.word, "MARKER", filepath.Join(t.TempDir(), "done"), 1)
			cfg := base(t, mrtest.Inputs(t, word+" and more\n"))
			cfg.Workers, cfg.InProcess, cfg.Profile = 1, tt.inProcess, dir
			mrtest.Run(t, options(), wordsJob(), cfg, tt.code)
			if got := profiles(t, dir); got != tt.want {
				t.Errorf("profiles %s, expected %s", got, tt.want)
			}
			// They are no part of the job: without them it goes on, and there are no others.
			cfg.Profile = ""
			mrtest.Run(t, options(), wordsJob(), cfg, tt.code)
			if got := profiles(t, dir); got != tt.want {
				t.Errorf("profiles %s after a run without", got)
			}
		})
	}
}

// Where no profile can be written nothing is done.
func TestProfileThatCannotBe(t *testing.T) {
	cfg := base(t, mrtest.Inputs(t, "word\n"))
	file := filepath.Join(cfg.Inputs[0], "a.txt")
	cfg.Profile = filepath.Join(file, "below")
	s, err := mapreduce.Run(context.Background(), options(), wordsJob(), cfg)
	mrtest.Code(t, s, err, mapreduce.ExitUsage)
	if !strings.Contains(err.Error(), "profile: ") || !strings.Contains(err.Error(), "a.txt: not a directory") {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(cfg.Dir); !os.IsNotExist(err) {
		t.Errorf("a job directory was made (%v)", err)
	}
}

// A job that is refused has a profile of the driver, and the next run can take its own.
func TestProfileOfRefusedJob(t *testing.T) {
	cfg := base(t, mrtest.Inputs(t, "word\n"))
	cfg.Profile = t.TempDir()
	good := cfg.Inputs
	cfg.Inputs = []string{filepath.Join(cfg.Inputs[0], "none.txt")}
	mrtest.Run(t, options(), wordsJob(), cfg, mapreduce.ExitInput)
	if got := profiles(t, cfg.Profile); got != "driver.cpu driver.heap" {
		t.Errorf("profiles %s", got)
	}
	cfg.Inputs = good
	mrtest.Run(t, options(), wordsJob(), cfg, 0)
}
