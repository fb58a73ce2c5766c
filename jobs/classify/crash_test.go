package classify_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
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
	k := killer{
		d:    mrtest.Driver{Job: "classify", Config: cfg, Code: mapreduce.ExitRejects},
		span: time.Since(start),
	}
	seed, rounds := fromEnv(t, "KILL_SEED", uint64(start.UnixNano())), fromEnv(t, "KILL_ROUNDS", 8)
	t.Logf("KILL_SEED=%d KILL_ROUNDS=%d", seed, rounds)
	k.rnd = rand.New(rand.NewPCG(seed, 1))
	for range rounds {
		dir := filepath.Join(t.TempDir(), "job")
		k.untilDone(t, dir)
		mrtest.SameResults(t, clean, dir)
		mrtest.NothingLeft(t, dir)
		nothingTwice(t, mrtest.Events(t, dir))
	}
	t.Logf("%d drivers and %d workers killed", k.drivers, k.workers)
	if k.drivers+k.workers == 0 {
		t.Error("nothing was killed: the moments are wrong")
	}
}

// killer kills processes of one job at random moments.
type killer struct {
	d                mrtest.Driver
	span             time.Duration // of a run that is left alone
	rnd              *rand.Rand
	drivers, workers int // killed
}

// untilDone runs a driver, kills it or a worker of it after a while, and repeats until one ends by itself.
func (k *killer) untilDone(t *testing.T, dir string) {
	t.Helper()
	for range 60 {
		cmd, token := k.d.Start(t, dir, "")
		time.Sleep(time.Duration(k.rnd.Int64N(int64(k.span))))
		pid := cmd.Process.Pid
		if pids := mrtest.Children(pid); k.rnd.IntN(2) == 0 && len(pids) > 0 {
			pid = pids[k.rnd.IntN(len(pids))]
			k.workers++
		} else {
			k.drivers++
		}
		_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended just now
		switch code := mrtest.Wait(t, cmd, token); code {
		case k.d.Code:
			return
		case -1: // killed
		default:
			t.Fatalf("the driver ended with exit code %d: %s", code, cmd.Stderr)
		}
	}
	t.Fatal("the job does not end")
}

// nothingTwice reads the history: an attempt never starts after its task was committed.
func nothingTwice(t *testing.T, events []mapreduce.Event) {
	t.Helper()
	committed := map[string]bool{}
	for _, e := range events {
		switch name := e.Stage + "/" + e.Task; {
		case e.Kind == mapreduce.EventProgress:
			committed[name] = true
		case e.Kind == mapreduce.EventStart && committed[name]:
			t.Errorf("%s ran again after it was committed", name)
		case e.Kind == mapreduce.EventRedo:
			t.Errorf("%s was taken back: %s", name, e.Text)
		}
	}
	if len(committed) == 0 {
		t.Error("no task was committed")
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
