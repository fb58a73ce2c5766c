package mapreduce_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/shardmill/shardmill/mapreduce"
	"github.com/shardmill/shardmill/mapreduce/mrtest"
)

// ranAgain lists the tasks that were started since before.
func ranAgain(t *testing.T, dir string, before map[string]int) []string {
	t.Helper()
	var again []string
	after := mrtest.Started(mrtest.Events(t, dir))
	for _, task := range slices.Sorted(maps.Keys(after)) {
		if after[task] > before[task] {
			again = append(again, task)
		}
	}
	return again
}

func TestRerun(t *testing.T) {
	inputs := mrtest.Inputs(t, text(60))
	all := []string{
		"01-count/map-000000", "01-count/map-000001", "01-count/map-000002",
		"01-count/reduce-000000", "01-count/reduce-000001", "01-count/reduce-000002",
	}
	reduces := all[3:]
	split := "00-split/split-000000"
	for _, c := range []struct {
		rerun mapreduce.Rerun
		keep  bool // KeepIntermediate
		want  []string
	}{
		{mapreduce.Rerun{From: "reduce"}, true, reduces},
		{mapreduce.Rerun{From: "01-count/reduce"}, true, reduces},
		{mapreduce.Rerun{From: "reduce"}, false, append([]string{split}, all...)},
		{mapreduce.Rerun{Task: "01-count/map-000001"}, true, append([]string{"01-count/map-000001"}, reduces...)},
		{mapreduce.Rerun{Task: "01-count/reduce-000001"}, true, []string{"01-count/reduce-000001"}},
		{mapreduce.Rerun{Task: split}, true, append([]string{split}, all...)},
		{mapreduce.Rerun{Rejected: true}, true, nil},
	} {
		cfg := in(t, inputs)
		cfg.KeepIntermediate = c.keep
		mrtest.Run(t, options(), wordsJob(), cfg, mapreduce.ExitComplete)
		clean, before := mrtest.Results(t, cfg.Dir), mrtest.Started(mrtest.Events(t, cfg.Dir))
		cfg.Rerun = c.rerun
		mrtest.Run(t, options(), wordsJob(), cfg, mapreduce.ExitComplete)
		if got := ranAgain(t, cfg.Dir, before); !slices.Equal(got, c.want) {
			t.Errorf("%+v: ran again: %q, expected %q", c.rerun, got, c.want)
		}
		mrtest.SameFiles(t, clean, mrtest.Results(t, cfg.Dir))
	}
}

func TestRerunOfWhatIsNotThere(t *testing.T) {
	cfg := in(t, mrtest.Inputs(t, text(20)))
	mrtest.Run(t, options(), wordsJob(), cfg, mapreduce.ExitComplete)
	for _, r := range []mapreduce.Rerun{
		{Task: "map-000001"},
		{Task: "01-count/map-000099"},
		{Task: "07-none/map-000000"},
		{Task: "01-count/reduce-000003"},
		{From: "map"},
		{From: "02-none/reduce"},
		{From: "00-split/reduce"},
	} {
		cfg.Rerun = r
		s, err := mapreduce.Run(t.Context(), options(), wordsJob(), cfg)
		mrtest.Code(t, s, err, mapreduce.ExitUsage)
	}
	cfg.Rerun = mapreduce.Rerun{}
	mrtest.Run(t, options(), wordsJob(), cfg, mapreduce.ExitComplete)
}

// What failed for want of something outside is done again when it is there; the other tasks are not.
func TestRerunRejected(t *testing.T) {
	marker := filepath.Join(t.TempDir(), "photo")
	content := withLines(text(60), "a !reject:"+marker)
	cfg := in(t, mrtest.Inputs(t, content))
	mrtest.Run(t, options(), wordsJob(), cfg, mapreduce.ExitRejects) // which makes the marker: the next time it passes
	if len(mrtest.Tree(t, cfg.Dir, "stages/01-count/runs", "stages/00-split/data")) == 0 {
		t.Fatal("shards and run files are gone although there are rejects")
	}
	before := mrtest.Started(mrtest.Events(t, cfg.Dir))
	cfg.Rerun = mapreduce.Rerun{Rejected: true}
	mrtest.Run(t, options(), wordsJob(), cfg, mapreduce.ExitComplete)
	want := []string{"01-count/map-000000", "01-count/reduce-000000", "01-count/reduce-000001", "01-count/reduce-000002"}
	if got := ranAgain(t, cfg.Dir, before); !slices.Equal(got, want) {
		t.Errorf("ran again: %q, expected %q", got, want)
	}
	checkCounts(t, cfg.Dir, content)
	if exists(cfg.Dir, "rejects") || len(mrtest.Tree(t, cfg.Dir, "stages/01-count/runs", "stages/00-split/data")) > 0 {
		t.Error("rejects, shards or run files are left")
	}
}

// A rerun that is cut off at any point leaves no output that is older than what it was made from.
func TestKillRerun(t *testing.T) {
	for _, point := range []string{"open", "start:01-count/map-000000", "committed:01-count/map-000000", "done:01-count", "planned:02-weigh", "finish"} {
		cfg := in(t, mrtest.Inputs(t, text(45)))
		cfg.KeepIntermediate = true
		mrtest.Run(t, options(), multiJob(), cfg, mapreduce.ExitComplete)
		clean := mrtest.Results(t, cfg.Dir)
		cfg.Rerun = mapreduce.Rerun{Task: "01-count/map-000000"}
		interrupted(t, multiJob(), cfg, point)
		cfg.Rerun = mapreduce.Rerun{}
		mrtest.Run(t, options(), multiJob(), cfg, mapreduce.ExitComplete)
		mrtest.SameFiles(t, clean, mrtest.Results(t, cfg.Dir))
	}
}

// When a map that runs again rejects other rows, everything made from it is made again.
func TestOtherRejects(t *testing.T) {
	marker := filepath.Join(t.TempDir(), "once")
	content := withLines(text(60), "a !reject:"+marker)
	cfg := in(t, mrtest.Inputs(t, content))
	mrtest.Run(t, options(), wordsJob(), cfg, mapreduce.ExitRejects)
	spoil(t, cfg.Dir, "stages/01-count/tasks/map-000000.json", os.Remove)
	mrtest.Run(t, options(), wordsJob(), cfg, mapreduce.ExitComplete)
	checkCounts(t, cfg.Dir, content)

	content = "a !reject:" + marker + "\n" + text(40)
	if err := os.Remove(marker); err != nil {
		t.Fatal(err)
	}
	cfg = in(t, mrtest.Inputs(t, strings.ReplaceAll(content, "\xff", "")))
	cfg.KeepIntermediate = true
	s, err := mapreduce.Run(t.Context(), options(), multiJob(), cfg)
	// The word is missing in the dictionary although the line is mapped by a later stage: that stage fails.
	mrtest.Code(t, s, err, mapreduce.ExitFailed)
	spoil(t, cfg.Dir, "stages/01-count/tasks/map-000000.json", os.Remove)
	mrtest.Run(t, options(), multiJob(), cfg, mapreduce.ExitComplete)
}
