package mapreduce_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shardmill/shardmill/mapreduce"
	"github.com/shardmill/shardmill/mapreduce/mrtest"
)

// damages are ways for a file to go wrong.
func damages() map[string]func(path string) error {
	return map[string]func(string) error{
		"removed": os.Remove,
		"flipped": func(path string) error {
			b, err := os.ReadFile(path)
			if err == nil && len(b) > 0 {
				b[len(b)/2] ^= 0x10
			}
			return errors.Join(err, os.WriteFile(path, b, 0o644))
		},
		"cut": func(path string) error {
			info, err := os.Stat(path)
			if err != nil {
				return err
			}
			return os.Truncate(path, info.Size()/2)
		},
	}
}

// spoil damages the files of a job directory that match a pattern.
func spoil(t *testing.T, dir, pattern string, damage func(string) error) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no file %s: %v", pattern, err)
	}
	for _, p := range paths {
		if err := damage(p); err != nil {
			t.Fatal(err)
		}
	}
}

// damageCase is a point of the driver at which files are damaged. The point "" is after the end: the next run
// finds it.
type damageCase struct{ point, files string }

func damageCases() []damageCase {
	return []damageCase{
		{"planned:01-count", "stages/00-split/data/shards/split-000000.a1-0001.jsonl"},
		{"planned:01-count", "stages/00-split/data/shards/*"},
		{"start:01-count/map-000002", "stages/00-split/data/shards/*-0002.jsonl"},
		{"start:01-count/reduce-000000", "stages/01-count/runs/map-000001.a1.run"},
		{"start:01-count/reduce-000002", "stages/01-count/runs/*"},
		{"start:02-weigh/map-000000", "stages/01-count/data/dict/reduce-000001.a1.jsonl"},
		{"start:02-weigh/map-000000", "stages/00-split/data/shards/*"}, // which this process has read, and verified, before
		{"planned:03-total", "stages/02-weigh/data/weights/*"},
		{"finish", "stages/02-weigh/data/lines/map-000001.a1.jsonl"},
		{"finish", "stages/03-total/data/totals/*"},
		{"", "stages/03-total/data/totals/*"},
		{"", "stages/02-weigh/data/lines/map-000000.a1.jsonl"},
		{"", "out/lines/*"},
		{"", "stages/00-split/tasks/*"},
		{"", "stages/01-count/tasks/map-000001.json"},
		{"", "stages/01-count/tasks/reduce-000001.json"},
		{"", "stages/02-weigh/tasks/map-000000.json"},
		{"", "stages/03-total/tasks/*"},
		{"", "stages/*/DONE.json"},
		{"", "stages/02-weigh/DONE.json"},
		{"", "stages/00-split/plan.json"},
		{"", "stages/02-weigh/plan.json"},
		{"", "stages/03-total/plan.json"},
	}
}

// Whatever is lost or damaged, and when: the job makes it again, and the results are the same.
func TestDamage(t *testing.T) {
	inputs := mrtest.Inputs(t, text(70), text(25))
	clean := in(t, inputs)
	mrtest.Run(t, options(), multiJob(), clean, mapreduce.ExitComplete)
	for _, c := range damageCases() {
		for name, damage := range damages() {
			t.Run(name+" "+strings.ReplaceAll(c.point+" "+c.files, "/", "|"), func(t *testing.T) {
				t.Parallel()
				cfg := in(t, inputs)
				hit := false
				cfg.Hook = func(point string) {
					if point == c.point && !hit {
						hit = true
						spoil(t, cfg.Dir, c.files, damage)
					}
				}
				mrtest.Run(t, options(), multiJob(), cfg, mapreduce.ExitComplete)
				if c.point == "" {
					hit = true
					spoil(t, cfg.Dir, c.files, damage)
					mrtest.Run(t, options(), multiJob(), cfg, mapreduce.ExitComplete)
				}
				if !hit {
					t.Fatal("the point was not passed")
				}
				mrtest.SameResults(t, clean.Dir, cfg.Dir)
				mrtest.NothingLeft(t, cfg.Dir)
			})
		}
	}
}

// In child processes a damaged run file and a damaged shard are found as well.
func TestDamageWithWorkers(t *testing.T) {
	inputs := mrtest.Inputs(t, text(70))
	clean := in(t, inputs)
	mrtest.Run(t, options(), wordsJob(), clean, mapreduce.ExitComplete)
	cfg := base(t, inputs)
	hits := 0
	cfg.Hook = func(point string) {
		switch {
		case point == "planned:01-count":
			spoil(t, cfg.Dir, "stages/00-split/data/shards/*", damages()["flipped"])
		case point == "start:01-count/reduce-000000" && hits == 0:
			spoil(t, cfg.Dir, "stages/01-count/runs/map-00000[02].*", damages()["flipped"])
		default:
			return
		}
		hits++
	}
	s := mrtest.Run(t, options(), wordsJob(), cfg, mapreduce.ExitComplete)
	mrtest.SameResults(t, clean.Dir, cfg.Dir)
	if s.Stages[1].Attempts < s.Stages[1].Tasks+2 {
		t.Errorf("stages %+v: nothing ran again", s.Stages)
	}
}

// A file that is damaged whenever it is made ends the job.
func TestDamageWithoutEnd(t *testing.T) {
	cfg := in(t, mrtest.Inputs(t, text(30)))
	cfg.Hook = func(point string) {
		if point == "finish" {
			spoil(t, cfg.Dir, "stages/01-count/data/counts/reduce-000001.*", damages()["flipped"])
		}
	}
	s, err := mapreduce.Run(t.Context(), options(), wordsJob(), cfg)
	mrtest.Code(t, s, err, mapreduce.ExitFailed)
	if !strings.Contains(err.Error(), "01-count/reduce-000001") {
		t.Errorf("error %v", err)
	}
}

// A damaged file of rejects is made again.
func TestDamagedRejects(t *testing.T) {
	inputs := mrtest.Inputs(t, text(30)+"a !reject\n")
	clean, cfg := in(t, inputs), in(t, inputs)
	mrtest.Run(t, options(), wordsJob(), clean, mapreduce.ExitRejects)
	hit := false
	cfg.Hook = func(point string) {
		if point == "finish" && !hit {
			hit = true
			spoil(t, cfg.Dir, "stages/01-count/rejects/*", damages()["flipped"])
		}
	}
	mrtest.Run(t, options(), wordsJob(), cfg, mapreduce.ExitRejects)
	mrtest.SameResults(t, clean.Dir, cfg.Dir)
}

// A version that is not known is never taken for damage.
func TestOtherVersions(t *testing.T) {
	for _, file := range []string{"FORMAT", "job.json", "stages/01-count/plan.json", "stages/01-count/DONE.json", "stages/01-count/tasks/map-000000.json"} {
		cfg := in(t, mrtest.Inputs(t, text(10)))
		mrtest.Run(t, options(), wordsJob(), cfg, mapreduce.ExitComplete)
		spoil(t, cfg.Dir, file, func(path string) error {
			b, err := os.ReadFile(path)
			s := strings.Replace(string(b), `"version": 1`, `"version": 99`, 1)
			s = strings.Replace(s, "shardmill-job 1", "shardmill-job 99", 1)
			return errors.Join(err, os.WriteFile(path, []byte(s), 0o644))
		})
		s, err := mapreduce.Run(t.Context(), options(), wordsJob(), cfg)
		if mrtest.Code(t, s, err, mapreduce.ExitFormat); !strings.Contains(err.Error(), "99") {
			t.Errorf("%s: %v", file, err)
		}
	}
}
