package classify_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/shardmill/shardmill/jobs"
	"github.com/shardmill/shardmill/jobs/classify"
	"github.com/shardmill/shardmill/mapreduce"
	"github.com/shardmill/shardmill/mapreduce/mrtest"
)

// fromEnv reads a number, so that a run can be made longer, or repeated with its seed.
func fromEnv(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	s := os.Getenv(name)
	if s == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// TestKill kills a worker or the driver at random moments and repeats the same command until it ends.
// Results are those of a clean run, byte for byte; no committed task runs again; nothing is left behind.
func TestKill(t *testing.T) {
	needRuntime(t)
	p := demoParams(t)
	p.ShardRows = 4
	clean := filepath.Join(t.TempDir(), "clean")
	cfg := config(t, clean, p, demo(t, "manifest.csv"))
	cfg.Partitions = 2
	start := time.Now()
	mustRun(t, cfg, mapreduce.ExitRejects)
	k := mrtest.Killer{
		Driver: mrtest.Driver{Job: "classify", Config: cfg, Code: mapreduce.ExitRejects},
		Span:   time.Since(start),
	}
	seed, rounds := fromEnv(t, "KILL_SEED", uint64(start.UnixNano())), fromEnv(t, "KILL_ROUNDS", 8)
	t.Logf("KILL_SEED=%d KILL_ROUNDS=%d", seed, rounds)
	k.Rand = rand.New(rand.NewPCG(seed, 1))
	for range rounds {
		dir := filepath.Join(t.TempDir(), "job")
		k.UntilDone(t, dir)
		mrtest.SameResults(t, clean, dir)
		mrtest.NothingLeft(t, dir)
		mrtest.NothingTwice(t, mrtest.Events(t, dir))
	}
	t.Logf("%d drivers and %d workers killed", k.Drivers, k.Workers)
	if k.Drivers+k.Workers == 0 {
		t.Error("nothing was killed: the moments are wrong")
	}
}

// TestCrashPoints kills the driver at every point that it names.
func TestCrashPoints(t *testing.T) {
	needRuntime(t)
	p := demoParams(t)
	p.ShardRows = 25
	clean := filepath.Join(t.TempDir(), "clean")
	cfg := config(t, clean, p, demo(t, "manifest.csv"))
	points := mrtest.Points(t, jobs.Standard(), classify.Job(), cfg, mapreduce.ExitRejects)
	if testing.Short() {
		points = points[:3]
	}
	mrtest.Driver{Job: "classify", Config: cfg, Code: mapreduce.ExitRejects}.Walk(t, clean, points)
}
