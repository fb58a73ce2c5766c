package recommend_test

import (
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shardmill/shardmill/jobs"
	"github.com/shardmill/shardmill/jobs/recommend"
	"github.com/shardmill/shardmill/mapreduce"
	"github.com/shardmill/shardmill/mapreduce/mrtest"
)

// children is a run of several tasks of each stage in child processes.
func children(t *testing.T, change func(p *recommend.Params), inputs ...string) mapreduce.Config {
	t.Helper()
	cfg := config(t, change, inputs...)
	cfg.InProcess, cfg.Workers, cfg.Partitions = false, 2, 3
	return cfg
}

// TestSameBytes: the number of workers shows nowhere.
func TestSameBytes(t *testing.T) {
	in := smallCrowd(t)
	for _, algorithm := range []string{"rp3beta", "bm25", recommend.Popularity} {
		first := ""
		for _, workers := range []int{1, 2, 4} {
			cfg := children(t, func(p *recommend.Params) { p.Algorithm = algorithm }, in)
			cfg.Workers = workers
			mrtest.Run(t, jobs.Standard(), smallJob(), cfg, mapreduce.ExitComplete)
			if first == "" {
				first = cfg.Dir
			}
			mrtest.SameResults(t, first, cfg.Dir)
		}
	}
}

// TestAnyPartitions: how many partitions there are shows only in how rows lie in parts.
func TestAnyPartitions(t *testing.T) {
	in := smallCrowd(t)
	var first map[int64][]listed
	for _, partitions := range []int{1, 2, 7, 50} {
		cfg := config(t, nil, in)
		cfg.Partitions = partitions
		mrtest.Run(t, jobs.Standard(), smallJob(), cfg, mapreduce.ExitComplete)
		got := lists(t, cfg.Dir)
		if first == nil {
			first = got
		}
		for user, list := range first {
			if !slices.Equal(list, got[user]) {
				t.Fatalf("%d partitions: user %d: %v, want %v", partitions, user, got[user], list)
			}
		}
	}
}

// TestCrashPoints kills the driver at points of every stage.
func TestCrashPoints(t *testing.T) {
	cfg := children(t, nil, smallCrowd(t))
	points := mrtest.Points(t, jobs.Standard(), smallJob(), cfg, mapreduce.ExitComplete)
	seen := map[string]bool{}
	some := slices.DeleteFunc(slices.Clone(points), func(p string) bool {
		stage := kindOfPoint(p)
		if seen[stage] {
			return true
		}
		seen[stage] = true
		return false
	})
	for _, stage := range []string{"00-scan", "01-split", "02-matrix", "03-transpose", "04-similarity", "05-score"} {
		if !slices.ContainsFunc(some, func(p string) bool { return strings.Contains(p, stage) }) {
			t.Errorf("no point in %s: %q", stage, points)
		}
	}
	if testing.Short() {
		some = some[:3]
	}
	mrtest.Driver{Job: "small", Config: cfg, Code: mapreduce.ExitComplete}.Walk(t, cfg.Dir, some)
}

// kindOfPoint is a point without the number of its task.
func kindOfPoint(p string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return -1
		}
		return r
	}, strings.NewReplacer("00-", "a", "01-", "b", "02-", "c", "03-", "d", "04-", "e", "05-", "f").Replace(p))
}

// TestKill kills a worker or the driver at random moments and repeats the same command until it ends.
func TestKill(t *testing.T) {
	cfg := children(t, nil, smallCrowd(t))
	start := time.Now()
	mrtest.Run(t, jobs.Standard(), smallJob(), cfg, mapreduce.ExitComplete)
	k := mrtest.Killer{Driver: mrtest.Driver{Job: "small", Config: cfg, Code: mapreduce.ExitComplete}, Span: time.Since(start)}
	seed := uint64(start.UnixNano())
	t.Logf("seed %d", seed)
	k.Rand = rand.New(rand.NewPCG(seed, 1))
	for range 6 {
		dir := filepath.Join(t.TempDir(), "job")
		k.UntilDone(t, dir)
		mrtest.SameResults(t, cfg.Dir, dir)
		mrtest.NothingLeft(t, dir)
		mrtest.NothingTwice(t, mrtest.Events(t, dir))
	}
	t.Logf("%d drivers and %d workers killed", k.Drivers, k.Workers)
	if k.Drivers+k.Workers == 0 {
		t.Error("nothing was killed: the moments are wrong")
	}
}
