package mapreduce_test

import (
	"context"
	"flag"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/shardmill/shardmill/mapreduce"
	"github.com/shardmill/shardmill/mapreduce/mrtest"
)

// The tests that kill at random moments go on for a time each: go test -kill-time 10m.
var (
	killTime = flag.Duration("kill-time", 3*time.Second, "time for killing at random moments")
	thorough = flag.Bool("thorough", false, "kill at every point, also of the larger jobs")
)

// crashInputs are for a job of few tasks.
func crashInputs(t *testing.T) string { return mrtest.Inputs(t, text(45), text(15)+"a !reject b\n") }

// A driver that is killed at any of its points leaves a job directory that the next one completes.
func TestKillDriverAtPoints(t *testing.T) {
	inputs := crashInputs(t)
	for _, job := range []mapreduce.Job{wordsJob(), multiJob()} {
		t.Run(job.Name(), func(t *testing.T) {
			t.Parallel()
			code, step := mapreduce.ExitRejects, 1
			cfg := in(t, inputs)
			if job.Name() == "multi" {
				code, step = mapreduce.ExitComplete, 6
				cfg.Inputs = []string{mrtest.Inputs(t, text(45))}
			}
			cfg.Partitions = 2
			points := mrtest.Points(t, options(), job, cfg, code)
			t.Logf("%d points", len(points))
			points = someOf(points, step)
			mrtest.Driver{Job: job.Name(), Config: cfg, Code: code}.Walk(t, cfg.Dir, points)
		})
	}
}

// someOf leaves out points in the interest of time: it takes each step-th one.
func someOf(points []string, step int) (some []string) {
	switch {
	case *thorough:
		step = 1
	case testing.Short():
		step = 10
	}
	for i := step - 1; i < len(points); i += step {
		some = append(some, points[i])
	}
	return some
}

// The same with workers, at fewer points: none of them survives the driver.
func TestKillDriverWithWorkers(t *testing.T) {
	cfg := base(t, crashInputs(t))
	cfg.Partitions = 2
	mrtest.Run(t, options(), wordsJob(), cfg, mapreduce.ExitRejects)
	mrtest.Driver{Job: "words", Config: cfg, Code: mapreduce.ExitRejects}.Walk(t, cfg.Dir, []string{
		"start:00-split/split-000001", "start:01-count/map-000002", "promote:01-count/map-000001",
		"start:01-count/reduce-000001", "layout",
	})
}

// seed is printed, so that a failure can be looked at again.
func seed(t *testing.T) *rand.Rand {
	t.Helper()
	s := uint64(time.Now().UnixNano())
	if v, err := strconv.ParseUint(os.Getenv("SEED"), 10, 64); err == nil {
		s = v
	}
	t.Logf("SEED=%d", s)
	return rand.New(rand.NewPCG(s, s))
}

// Drivers that are killed or interrupted at random moments, again and again, come to the same results.
func TestKillDriverAtRandom(t *testing.T) {
	rng := seed(t)
	cfg := base(t, mrtest.Inputs(t, text(400)+"a !panic b\n"))
	cfg.Params = params(t, wordsParams{ShardRows: 20, Batch: 4, Timeout: time.Minute})
	start := time.Now()
	mrtest.Run(t, options(), wordsJob(), cfg, mapreduce.ExitRejects)
	killAtRandom(t, rng, mrtest.Driver{Job: "words", Config: cfg, Code: mapreduce.ExitRejects}, time.Since(start))
}

// killAtRandom kills drivers at moments of the time that a whole run takes, for the flag's time. Their results must be those
// of the job directory in the driver's Config.
func killAtRandom(t *testing.T, rng *rand.Rand, d mrtest.Driver, whole time.Duration) {
	t.Helper()
	start := time.Now()
	for n := 0; n == 0 || time.Since(start) < *killTime; n++ {
		dir := filepath.Join(t.TempDir(), strconv.Itoa(n))
		kills := 0
		for ; kills < 4; kills++ {
			cmd, token := d.Start(t, dir, "")
			time.Sleep(time.Duration(rng.Int64N(int64(whole))))
			signal := []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM, syscall.SIGINT}[rng.IntN(3)]
			if err := cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			if code := mrtest.Wait(t, cmd, token); code == d.Code {
				break
			} else if code != -1 && code != mapreduce.ExitInterrupted {
				t.Fatalf("after %v: exit code %d: %s", signal, code, cmd.Stderr)
			}
		}
		d.Finish(t, dir)
		mrtest.SameResults(t, d.Config.Dir, dir)
		mrtest.NothingLeft(t, dir)
	}
}

// Workers that are killed at random moments cost time only.
func TestKillWorkersAtRandom(t *testing.T) {
	rng := seed(t)
	inputs := mrtest.Inputs(t, text(300))
	clean := in(t, inputs)
	mrtest.Run(t, options(), wordsJob(), clean, mapreduce.ExitComplete)
	for end := time.Now().Add(*killTime); time.Now().Before(end); {
		cfg := base(t, inputs)
		cfg.Tries = 1000
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan int)
		go func() { done <- killWorkers(ctx, rng) }()
		mrtest.Run(t, options(), wordsJob(), cfg, mapreduce.ExitComplete)
		stop()
		t.Logf("%d workers killed", <-done)
		mrtest.SameResults(t, clean.Dir, cfg.Dir)
	}
}

// killWorkers kills children of this process that are workers, until the context ends.
func killWorkers(ctx context.Context, rng *rand.Rand) (killed int) {
	for ctx.Err() == nil {
		time.Sleep(time.Duration(rng.IntN(200)) * time.Millisecond)
		pids := mrtest.Children(os.Getpid())
		if len(pids) > 0 && syscall.Kill(pids[rng.IntN(len(pids))], syscall.SIGKILL) == nil {
			killed++
		}
	}
	return killed
}

// An interrupt at any point ends the run 130; nothing committed runs again, and no goroutine or file stays open.
func TestInterruptAtPoints(t *testing.T) {
	mrtest.NoLeaks(t)
	inputs := crashInputs(t)
	clean := in(t, inputs)
	clean.Partitions = 2
	for _, point := range mrtest.Points(t, options(), wordsJob(), clean, mapreduce.ExitRejects) {
		cfg := in(t, inputs)
		cfg.Partitions = 2
		ctx, cancel := context.WithCancel(t.Context())
		hook := func(p string) {
			if p == point {
				cancel()
			}
		}
		cfg.Hook = hook
		s, err := mapreduce.Run(ctx, options(), wordsJob(), cfg)
		cancel()
		if code := mapreduce.ExitCode(s, err); code != mapreduce.ExitInterrupted && err != nil {
			t.Fatalf("%s: exit code %d: %v", point, code, err)
		}
		cfg.Hook = nil
		mrtest.Run(t, options(), wordsJob(), cfg, mapreduce.ExitRejects)
		mrtest.SameResults(t, clean.Dir, cfg.Dir)
		mrtest.NothingLeft(t, cfg.Dir)
	}
}

func TestSecondDriver(t *testing.T) {
	cfg := in(t, mrtest.Inputs(t, text(30)))
	other := cfg
	cfg.Hook = func(p string) {
		if p != "planned:01-count" {
			return
		}
		s, err := mapreduce.Run(t.Context(), options(), wordsJob(), other)
		if mrtest.Code(t, s, err, mapreduce.ExitLocked); !strings.Contains(err.Error(), "pid "+strconv.Itoa(os.Getpid())) {
			t.Errorf("error %v", err)
		}
	}
	mrtest.Run(t, options(), wordsJob(), cfg, mapreduce.ExitComplete)
}
