package classify_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/shardmill/shardmill/mapreduce"
)

// driverEnv makes the test binary run one classification and exit with its code.
const driverEnv = "CLASSIFY_TEST_DRIVER"

// TestDriver is not a test of its own: it is the driver process that TestKill kills.
func TestDriver(t *testing.T) {
	dir := os.Getenv(driverEnv)
	if dir == "" {
		t.Skip("runs as a child of TestKill only")
	}
	p := demoParams(t)
	p.ShardRows = 4
	cfg := config(t, dir, p, demo(t, "manifest.csv"))
	cfg.Partitions = 2
	s, err := run(t, cfg)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(mapreduce.ExitCode(s, err))
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
	mustRun(t, cfg, mapreduce.ExitRejects)
	want := tree(t, clean)

	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("KILL_SEED"); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		seed = n
	}
	rounds := 10
	if testing.Short() {
		rounds = 2
	}
	if s := os.Getenv("KILL_ROUNDS"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		rounds = n
	}
	t.Logf("KILL_SEED=%d KILL_ROUNDS=%d", seed, rounds)
	rnd := rand.New(rand.NewPCG(seed, 1))
	kills := 0
	for round := range rounds {
		dir := filepath.Join(t.TempDir(), "job")
		kills += killUntilDone(t, rnd, dir)
		sameTree(t, want, dir)
		emptyTmp(t, dir)
		noCommittedTaskTwice(t, dir)
		if t.Failed() {
			t.Fatalf("round %d", round)
		}
	}
	t.Logf("%d processes killed in %d rounds", kills, rounds)
	if kills == 0 {
		t.Error("nothing was killed: the moments are wrong")
	}
}

// killUntilDone runs a driver, kills it or a worker of it after a while, and repeats until it ends by itself.
func killUntilDone(t *testing.T, rnd *rand.Rand, dir string) (kills int) {
	t.Helper()
	for try := 0; ; try++ {
		if try == 60 {
			t.Fatal("does not end")
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		cmd := exec.CommandContext(ctx, os.Args[0], "-test.run", "^TestDriver$")
		cmd.Env = append(os.Environ(), driverEnv+"="+dir)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() { done <- cmd.Wait() }()
		driver := rnd.IntN(2) == 0
		select {
		case <-done:
		case <-time.After(time.Duration(rnd.IntN(350)) * time.Millisecond):
			workers := childrenOf(cmd.Process.Pid)
			switch {
			case driver:
				_ = cmd.Process.Signal(syscall.SIGKILL) // it may have ended just now
				kills++
			case len(workers) > 0:
				_ = syscall.Kill(workers[rnd.IntN(len(workers))], syscall.SIGKILL)
				kills++
			}
			<-done
			waitGone(t, workers)
		}
		cancel()
		code := cmd.ProcessState.ExitCode()
		if code == mapreduce.ExitRejects {
			return kills
		}
		if !cmd.ProcessState.Sys().(syscall.WaitStatus).Signaled() {
			t.Fatalf("the driver ended with exit code %d: %s", code, stderr.String())
		}
	}
}

// childrenOf lists the processes that a process started.
func childrenOf(pid int) []int {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return nil
	}
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, f := range tasks {
		if more, err := os.ReadFile(f); err == nil {
			b = append(append(b, ' '), more...)
		}
	}
	var pids []int
	for _, s := range strings.Fields(string(b)) {
		if n, err := strconv.Atoi(s); err == nil {
			pids = append(pids, n)
		}
	}
	return pids
}

// waitGone fails if a worker outlives its driver.
func waitGone(t *testing.T, pids []int) {
	t.Helper()
	for _, pid := range pids {
		deadline := time.Now().Add(5 * time.Second)
		for alive(pid) {
			if time.Now().After(deadline) {
				t.Fatalf("worker %d outlives its driver", pid)
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
}

func alive(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, state, ok := strings.Cut(string(b), ") ")
	return ok && !strings.HasPrefix(state, "Z")
}

// noCommittedTaskTwice reads the history: an attempt never starts after its task was committed.
func noCommittedTaskTwice(t *testing.T, dir string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "events.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	committed := map[string]bool{}
	for line := range strings.Lines(string(b)) {
		kind, stage, task := field(line, "kind"), field(line, "stage"), field(line, "task")
		switch name := stage + "/" + task; {
		case kind == mapreduce.EventProgress:
			committed[name] = true
		case kind == mapreduce.EventStart && committed[name]:
			t.Errorf("%s ran again after it was committed", name)
		case kind == mapreduce.EventRedo:
			t.Errorf("%s was taken back: %s", name, field(line, "text"))
		}
	}
	if len(committed) == 0 {
		t.Error("no task was committed")
	}
}

// field takes a string field out of a line of events.jsonl.
func field(line, name string) string {
	_, rest, _ := strings.Cut(line, `"`+name+`":"`)
	value, _, _ := strings.Cut(rest, `"`)
	return value
}
