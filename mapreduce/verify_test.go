package mapreduce_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/shardmill/shardmill/mapreduce"
	"github.com/shardmill/shardmill/mapreduce/mrtest"
)

// findings are what all checks of a job directory found.
func findings(t *testing.T, dir string, jobs ...mapreduce.Job) (all []mapreduce.Finding) {
	t.Helper()
	err := mapreduce.Verify(t.Context(), options(), jobs, dir, func(f mapreduce.Finding) {
		if f.OK != (len(f.Problems) == 0) || f.Looked == "" {
			t.Errorf("a finding that contradicts itself, or says nothing: %+v", f)
		}
		all = append(all, f)
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// verify returns what was found, and the problems by check.
func verify(t *testing.T, dir string) (checks []string, problems map[string][]string) {
	t.Helper()
	problems = map[string][]string{}
	for _, f := range findings(t, dir, wordsJob(), multiJob()) {
		checks = append(checks, f.Check)
		if !f.OK {
			problems[f.Check] = f.Problems
		}
	}
	return checks, problems
}

// edited changes a text in a sealed file, and its checksum with it.
func edited(from, to string) func(path string) error {
	return func(path string) error {
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if !bytes.Contains(b, []byte(from)) {
			return fmt.Errorf("%s: no %q in it", path, from)
		}
		body := bytes.Replace(b[:bytes.LastIndex(b, []byte(",\n \"crc32c\""))], []byte(from), []byte(to), 1)
		sum := crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli))
		return os.WriteFile(path, fmt.Appendf(body, ",\n \"crc32c\": \"%08x\"\n}\n", sum), 0o644)
	}
}

func added(name string) func(path string) error {
	return func(path string) error {
		return os.WriteFile(filepath.Join(filepath.Dir(path), name), []byte("x"), 0o644)
	}
}

// replaced puts another file in the place of one, so that the file it was a link to stays.
func replaced(path string) error {
	b, err := os.ReadFile(path)
	if err == nil {
		b[len(b)/2] ^= 0x10
		err = os.Remove(path)
	}
	return errors.Join(err, os.WriteFile(path, b, 0o644))
}

// swapped exchanges a file with the one of the next part.
func swapped(path string) error {
	other := filepath.Join(filepath.Dir(path), "part-000001.jsonl")
	return errors.Join(os.Rename(path, path+".x"), os.Rename(other, path), os.Rename(path+".x", other))
}

func TestVerifyFinds(t *testing.T) {
	clean := in(t, mrtest.Inputs(t, text(40)+"a !reject\n"))
	mrtest.Run(t, options(), wordsJob(), clean, mapreduce.ExitRejects)
	all, problems := verify(t, clean.Dir)
	want := []string{"job.json", "plans", "task records", "complete", "accounting", "files of tasks", "results in out/", "rejects"}
	if !slices.Equal(all, want) || len(problems) > 0 {
		t.Fatalf("checks %q, problems %v", all, problems)
	}
	flipped, cut := damages()["flipped"], damages()["cut"]
	for _, c := range []struct {
		file   string
		damage func(string) error
		check  string // that finds it
		text   string
	}{
		{"job.json", flipped, "job.json", "job.json: "},
		{"job.json", os.Remove, "job.json", "it is missing"},
		{"stages/01-count/plan.json", flipped, "plans", "stages/01-count/plan.json: "},
		{"stages/01-count/tasks/map-000001.json", flipped, "task records", "tasks/map-000001.json: "},
		{"stages/01-count/tasks/map-000001.json", os.Remove, "task records", "tasks/map-000001.json: missing"},
		{"stages/01-count/tasks/map-000001.json", edited(`"read": `, `"read": 1`), "accounting", "rows mapped, dropped and rejected"},
		{"stages/01-count/tasks/map-000001.json", edited(`"read": `, `"read": 1`), "task records", "01-count/DONE.json: it is not the sum"},
		{"stages/01-count/tasks/map-000001.json", edited("map-000001", "map-000002"), "task records", "it is of 01-count/map-000002"},
		{"stages/01-count/tasks/reduce-000001.json", edited(`"crc32c": `, `"crc32c": 7, "was": `), "files of tasks", "reduce-000001.a1.jsonl: CRC-32C"},
		{"stages/01-count/tasks/reduce-000000.json", edited(`"input": `, `"input": 7, "was": `), "accounting", "reduce-000000: it has read other run files"},
		{"stages/00-split/tasks/split-000000.json", edited(`"rows": `, `"rows": 1`), "accounting", "split-000000: the plan of 01-count has another shard 0"},
		{"stages/01-count/DONE.json", flipped, "task records", "stages/01-count/DONE.json: "},
		{"stages/01-count/DONE.json", os.Remove, "complete", "stage 01-count is not done"},
		{"stages/01-count/runs/map-000000.a1.run", flipped, "files of tasks", "map-000000.a1.run: CRC-32C"},
		{"stages/01-count/rejects/*", cut, "files of tasks", "bytes instead of"},
		{"out/counts/part-000000.jsonl", flipped, "results in out/", "out/counts/part-000000.jsonl: damaged: it is the same file as stages/"},
		{"out/counts/part-000000.jsonl", replaced, "results in out/", "out/counts/part-000000.jsonl: CRC-32C"},
		{"out/counts/part-000000.jsonl", cut, "results in out/", "out/counts/part-000000.jsonl: "},
		{"out/counts/part-000000.jsonl", os.Remove, "results in out/", "out/counts/part-000000.jsonl: missing"},
		{"out/counts/part-000000.jsonl", swapped, "results in out/", "out/counts/part-000001.jsonl: "},
		{"out/counts/part-000000.jsonl", added("part-000009.jsonl"), "results in out/", "part-000009.jsonl: not a file of the job"},
		{"out/_SUCCESS", os.Remove, "complete", "there is no out/_SUCCESS"},
		{"out/_SUCCESS", added("_SUCCESS"), "results in out/", "_SUCCESS: it is not empty"},
		{"rejects/part-000000.jsonl", flipped, "rejects", "it is not what the rejects of the tasks give"},
		{"rejects/part-000000.jsonl", os.Remove, "rejects", "part-000000.jsonl: no such file"},
		{"rejects/part-000000.jsonl", added("x"), "rejects", "rejects/x: not a file of the job"},
	} {
		t.Run(c.check+" "+strings.ReplaceAll(c.file, "/", "|"), func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "job")
			if err := os.CopyFS(dir, os.DirFS(clean.Dir)); err != nil {
				t.Fatal(err)
			}
			relink(t, dir)
			spoil(t, dir, c.file, c.damage)
			_, problems := verify(t, dir)
			if found := strings.Join(problems[c.check], "\n"); found == "" || !strings.Contains(found, c.text) {
				t.Errorf("found %q, expected %q in %q", problems, c.text, c.check)
			}
		})
	}
}

// relink makes the results links to the files of the tasks again, which a copy has lost.
func relink(t *testing.T, dir string) {
	t.Helper()
	for n := range 2 {
		from, _ := filepath.Glob(filepath.Join(dir, "stages", "01-count", "data", "counts", fmt.Sprintf("reduce-%06d.*", n)))
		to := filepath.Join(dir, "out", "counts", fmt.Sprintf("part-%06d.jsonl", n))
		if len(from) != 1 {
			t.Fatalf("files %q", from)
		}
		if err := errors.Join(os.Remove(to), os.Link(from[0], to)); err != nil {
			t.Fatal(err)
		}
	}
}

// A job whose shards and runs are gone is as good as one that has kept them; one in the middle says that it is not finished.
func TestVerifyAnyState(t *testing.T) {
	inputs := mrtest.Inputs(t, text(70), text(25))
	for _, keep := range []bool{false, true} {
		cfg := in(t, inputs)
		cfg.KeepIntermediate = keep
		mrtest.Run(t, options(), multiJob(), cfg, mapreduce.ExitComplete)
		if _, problems := verify(t, cfg.Dir); len(problems) > 0 {
			t.Errorf("keeping all: %v; found %q", keep, problems)
		}
	}
	cfg := in(t, inputs)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	cfg.Hook = func(point string) {
		if point == "committed:01-count/map-000001" {
			stop()
		}
	}
	if _, err := mapreduce.Run(ctx, options(), multiJob(), cfg); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	_, problems := verify(t, cfg.Dir)
	if len(problems) != 1 || !strings.Contains(strings.Join(problems["complete"], " "), "the job is not complete: stage 01-count is not done") {
		t.Errorf("of a job in the middle: %q", problems)
	}
}

func TestVerifyHeld(t *testing.T) {
	cfg := in(t, mrtest.Inputs(t, text(30)+"a !reject\n"))
	cfg.MaxRejects = mapreduce.MaxRejects{Set: true}
	mrtest.Run(t, options(), wordsJob(), cfg, mapreduce.ExitGate)
	checks, problems := verify(t, cfg.Dir)
	if len(problems) != 1 || !strings.Contains(strings.Join(problems["complete"], " "), "held back in held/") {
		t.Errorf("found %q", problems)
	}
	if !slices.Contains(checks, "results in held/") {
		t.Errorf("checks %q", checks)
	}
}

func TestVerifyCannotLook(t *testing.T) {
	cfg := in(t, mrtest.Inputs(t, text(10)))
	mrtest.Run(t, options(), wordsJob(), cfg, mapreduce.ExitComplete)
	none := func(mapreduce.Finding) { t.Error("something was found") }
	look := func(dir string, jobs ...mapreduce.Job) int {
		return mapreduce.ExitCode(mapreduce.Summary{}, mapreduce.Verify(t.Context(), options(), jobs, dir, none))
	}
	if code := look(t.TempDir(), wordsJob()); code != mapreduce.ExitNoJob {
		t.Errorf("no job directory: exit code %d", code)
	}
	spoil(t, cfg.Dir, "FORMAT", func(path string) error { return os.WriteFile(path, []byte("shardmill-job 9\n"), 0o644) })
	if code := look(cfg.Dir, wordsJob()); code != mapreduce.ExitFormat {
		t.Errorf("another format: exit code %d", code)
	}
}
