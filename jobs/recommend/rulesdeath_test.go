package recommend_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/shardmill/shardmill/jobs"
	"github.com/shardmill/shardmill/jobs/recommend"
	"github.com/shardmill/shardmill/mapreduce"
	"github.com/shardmill/shardmill/mapreduce/mrtest"
)

// ruledJob is a job in children under rules of all kinds, and its results.
func ruledJob(t *testing.T) mapreduce.Config {
	t.Helper()
	in := smallCrowd(t)
	has, items := hadBy(t, in)
	s := drawRules(rand.New(rand.NewPCG(11, 12)), int64(len(has)), items)
	s.allow, s.block, s.most, s.perBrand, s.perK, s.least = nil, map[int64]bool{3: true, 5: true}, 20, 1, 4, 8
	s.users = map[int64]bool{1000: true}
	for user := range has {
		s.users[user] = user%3 > 0
	}
	cfg := children(t, func(p *recommend.Params) { s.apply(t, p) }, in)
	mrtest.Run(t, jobs.Standard(), smallJob(), cfg, mapreduce.ExitComplete)
	return cfg
}

// TestWorkerDiesUnderRules kills a worker that makes the rules, and one that scores by them: the results are as if nothing had been.
func TestWorkerDiesUnderRules(t *testing.T) {
	clean := ruledJob(t)
	for _, place := range recommend.RulePlaces() {
		t.Run(place, func(t *testing.T) {
			path, cfg := mortal(t, "once"), clean
			cfg.Dir = filepath.Join(t.TempDir(), "job")
			mrtest.Run(t, jobs.Standard(), recommend.MortalJob(place, smallBytes), cfg, mapreduce.ExitComplete)
			if _, err := os.Stat(path); err == nil {
				t.Fatal("no worker died")
			}
			stage, _, _ := strings.Cut(place, " ")
			retried := slices.DeleteFunc(mrtest.Events(t, cfg.Dir), func(e mapreduce.Event) bool { return e.Kind != mapreduce.EventRetry })
			if len(retried) != 1 || !strings.HasPrefix(retried[0].Stage+"/"+retried[0].Task, stage+"-") {
				t.Errorf("tried again: %+v, expected one of %s", retried, stage)
			}
			mrtest.SameResults(t, clean.Dir, cfg.Dir)
			mrtest.NothingLeft(t, cfg.Dir)
		})
	}
}

// TestDriverDiesUnderRules kills the driver when the rules have been made, and when half of the lists have: the same command ends with the same results.
func TestDriverDiesUnderRules(t *testing.T) {
	cfg := ruledJob(t)
	d := mrtest.Driver{Job: "small", Config: cfg, Code: mapreduce.ExitComplete}
	for _, point := range []string{"committed:02-matrix/reduce-000000", "committed:05-score/map-000001"} {
		dir := filepath.Join(t.TempDir(), "job")
		cmd, token := d.Start(t, dir, point)
		if code := mrtest.Wait(t, cmd, token); code != -1 {
			t.Fatalf("%s: the driver was not killed: exit code %d: %s", point, code, cmd.Stderr)
		}
		d.Finish(t, dir)
		mrtest.SameResults(t, cfg.Dir, dir)
		mrtest.NothingLeft(t, dir)
	}
}

// TestRuleFileChanges: a file of rules that becomes another one after its worker has looked at it, and before the rules are made, is an error. One that is
// written again as it was is none.
func TestRuleFileChanges(t *testing.T) {
	in := smallCrowd(t)
	for text, want := range map[string]string{"1\n2\n3\n": "changed since this job started", "3\n4\n": ""} {
		block := filepath.Join(t.TempDir(), "block.txt")
		mrtest.Write(t, block, []byte("3\n4\n"))
		cfg := config(t, func(p *recommend.Params) { p.Block = block }, in)
		job := recommend.MeddlingJob(smallBytes, func() {
			_ = os.Remove(block)
			_ = os.WriteFile(block, []byte(text), 0o600)
		})
		_, err := mapreduce.Run(t.Context(), jobs.Standard(), job, cfg)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "--block")) {
			t.Errorf("with %q: %v, want %q", text, err, want)
		}
	}
}
