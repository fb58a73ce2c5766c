package mapreduce_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/shardmill/shardmill/mapreduce"
	"github.com/shardmill/shardmill/mapreduce/mrtest"
)

// The same command with another identity is refused, naming each difference.
func TestIdentity(t *testing.T) {
	inputs := mrtest.Inputs(t, text(30))
	made := in(t, inputs)
	made.Params = params(t, map[string]any{"Spare": "red"})
	mrtest.Run(t, options(), wordsJob(), made, mapreduce.ExitComplete)
	for _, c := range []struct {
		change func(*mapreduce.Config)
		job    mapreduce.Job
		want   []string
	}{
		{func(c *mapreduce.Config) { c.Partitions = 7 }, wordsJob(), []string{"--partitions is 3 there and 7 here"}},
		{func(c *mapreduce.Config) { c.Limit = 5 }, wordsJob(), []string{"--limit is 0 there and 5 here"}},
		{func(c *mapreduce.Config) { c.Params, c.Limit = nil, 9 }, wordsJob(), []string{`--Spare is "red" there and "" here`, "--limit"}},
		{func(c *mapreduce.Config) { c.Inputs = []string{inputs, inputs} }, wordsJob(), []string{"it has 1 input, and 2 are given here"}},
		{func(c *mapreduce.Config) { c.Inputs = []string{filepath.Join(inputs, "a.txt")} }, wordsJob(), []string{"input 1"}},
		{func(c *mapreduce.Config) { c.Params = nil }, rankJob(), []string{"job words, not rank"}},
	} {
		cfg := made
		c.change(&cfg)
		before := mrtest.Tree(t, made.Dir, "stages", "out")
		s, err := mapreduce.Run(t.Context(), options(), c.job, cfg)
		mrtest.Code(t, s, err, mapreduce.ExitUsage)
		var identity *mapreduce.IdentityError
		if !errors.As(err, &identity) || len(identity.Differences) != len(c.want) {
			t.Errorf("%v, expected %q", err, c.want)
		}
		for _, w := range append(c.want, "--out") {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%v, expected %q", err, w)
			}
		}
		mrtest.SameFiles(t, before, mrtest.Tree(t, made.Dir, "stages", "out"))
	}
}

// Run options may change.
func TestRunOptionsAreNoIdentity(t *testing.T) {
	cfg := in(t, mrtest.Inputs(t, text(30)))
	mrtest.Run(t, options(), wordsJob(), cfg, mapreduce.ExitComplete)
	cfg.Workers, cfg.WorkerMemory, cfg.Tries, cfg.FailFast, cfg.Tool, cfg.InProcess = 1, 1<<30, 9, true, "other", false
	mrtest.Run(t, options(), wordsJob(), cfg, mapreduce.ExitComplete)
}

// interrupted runs a job up to a point.
func interrupted(t *testing.T, job mapreduce.Job, cfg mapreduce.Config, point string) {
	t.Helper()
	cmd, token := mrtest.Driver{Job: job.Name(), Config: cfg}.Start(t, cfg.Dir, point)
	if code := mrtest.Wait(t, cmd, token); code != -1 {
		t.Fatalf("exit code %d: %s", code, cmd.Stderr)
	}
}

func TestChangedInput(t *testing.T) {
	content := text(60)
	for _, c := range []struct {
		name  string
		to    string // content of the file
		check bool   // with CheckContent
		asDir bool   // the input is the folder of the file
		code  int
	}{
		{"touched", content, false, false, mapreduce.ExitComplete},
		{"same size", strings.Replace(content, "line 7", "line X", 1), false, false, mapreduce.ExitInput},
		{"longer", content + "x\n", false, false, mapreduce.ExitInput},
		{"gone", "", false, false, mapreduce.ExitComplete},
		{"in a folder", content + "x\n", false, true, mapreduce.ExitComplete},
		{"in a folder, checked", content + "x\n", true, true, mapreduce.ExitInput},
		{"in a folder, checked, equal", content, true, true, mapreduce.ExitComplete},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := mrtest.Inputs(t, content)
			file := filepath.Join(dir, "a.txt")
			cfg := in(t, file)
			if c.asDir {
				cfg.Inputs = []string{dir}
			}
			interrupted(t, wordsJob(), cfg, "start:01-count/map-000001")
			if c.to == "" {
				if err := os.Remove(file); err != nil {
					t.Fatal(err)
				}
			} else {
				mrtest.Write(t, file, []byte(c.to))
				if err := os.Chtimes(file, time.Time{}, time.Now().Add(time.Hour)); err != nil {
					t.Fatal(err)
				}
			}
			cfg.CheckContent = c.check
			s, err := mapreduce.Run(t.Context(), options(), wordsJob(), cfg)
			mrtest.Code(t, s, err, c.code)
			if c.code == mapreduce.ExitComplete {
				checkCounts(t, cfg.Dir, content)
			} else if !strings.Contains(err.Error(), "a.txt changed") {
				t.Errorf("error %v", err)
			}
		})
	}
}

// What rows name is looked at only when asked.
func TestCheckContent(t *testing.T) {
	named := filepath.Join(t.TempDir(), "photo")
	mrtest.Write(t, named, []byte("four"))
	inputs := mrtest.Inputs(t, text(30)+"file "+named+"\n")
	for _, c := range []struct {
		content string
		check   bool
		code    int
	}{{"four", true, mapreduce.ExitComplete}, {"longer", false, mapreduce.ExitComplete}, {"longer", true, mapreduce.ExitInput}} {
		mrtest.Write(t, named, []byte("four"))
		cfg := in(t, inputs)
		interrupted(t, wordsJob(), cfg, "planned:01-count")
		mrtest.Write(t, named, []byte(c.content))
		cfg.CheckContent = c.check
		s, err := mapreduce.Run(t.Context(), options(), wordsJob(), cfg)
		mrtest.Code(t, s, err, c.code)
		if err != nil && !strings.Contains(err.Error(), named) {
			t.Errorf("error %v", err)
		}
	}
}

// A job that cannot start leaves nothing behind.
func TestStartFails(t *testing.T) {
	inputs := mrtest.Inputs(t, text(3))
	for _, c := range []struct {
		change func(*mapreduce.Config)
		code   int
	}{
		{func(c *mapreduce.Config) { c.Inputs = nil }, mapreduce.ExitUsage},
		{func(c *mapreduce.Config) { c.Inputs = []string{"/no/such/file"} }, mapreduce.ExitInput},
		{func(c *mapreduce.Config) { c.Inputs = []string{filepath.Join(inputs, "*.no")} }, mapreduce.ExitInput},
		{func(c *mapreduce.Config) { c.Params = []byte(`{"Unknown": 1}`) }, mapreduce.ExitUsage},
		{func(c *mapreduce.Config) { c.Params = []byte(`{} {}`) }, mapreduce.ExitUsage},
	} {
		cfg := in(t, inputs)
		c.change(&cfg)
		s, err := mapreduce.Run(t.Context(), options(), wordsJob(), cfg)
		mrtest.Code(t, s, err, c.code)
		if exists(cfg.Dir, "") {
			t.Errorf("%v: the job directory is there", err)
		}
		if s.State != "" && s.State != mapreduce.StateFailed {
			t.Errorf("state %q", s.State)
		}
	}
	cfg := in(t, inputs)
	cfg.Dir = inputs
	s, err := mapreduce.Run(t.Context(), options(), wordsJob(), cfg)
	mrtest.Code(t, s, err, mapreduce.ExitUsage)
}

func TestGlob(t *testing.T) {
	dir := mrtest.Inputs(t, "a a\n", "b\n", "c\n")
	cfg := in(t, filepath.Join(dir, "[ab].txt"))
	mrtest.Run(t, options(), wordsJob(), cfg, mapreduce.ExitComplete)
	checkCounts(t, cfg.Dir, "a a b")
}
