// Package bench measures jobs, and what they are compared with, in child processes: for the benchmarks of the jobs.
//
// A child is the test binary started again with one test, which calls Serve:
//
//	func TestBenchChild(t *testing.T) { bench.Serve(t, work) }
//
// Call starts it. What a child costs is told by the system when it has ended (rusage), with all processes
// that it has waited for. What only a part of it costs, CPU measures inside.
package bench

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// Cores is the number of workers of a job that is measured, and of goroutines of what it is compared with.
const Cores = 2

// childEnv names the folder of a child's question and answer.
const childEnv = "SHARDMILL_BENCH_CHILD"

const question, answer = "question.json", "answer.json"

// Cost is what a child took with all processes that it started.
type Cost struct{ CPU, Wall float64 } // seconds

// Call starts a child to do what in says, and returns its answer. test is the name of the test that serves.
func Call[In, Out any](b *testing.B, test string, in In) (out Out, c Cost) {
	b.Helper()
	dir := b.TempDir()
	if err := writeJSON(filepath.Join(dir, question), in); err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], "-test.run", "^"+test+"$", "-test.timeout", "0")
	cmd.Env = append(os.Environ(), childEnv+"="+dir)
	cmd.Stderr = os.Stderr
	start := time.Now()
	if err := cmd.Run(); err != nil {
		b.Fatalf("child process: %v", err)
	}
	c.Wall = time.Since(start).Seconds()
	c.CPU = (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
	if err := readJSON(filepath.Join(dir, answer), &out); err != nil {
		b.Fatal(err)
	}
	return out, c
}

// Serve does what Call asks for. Where nothing is asked, which is in every other run of the tests, it skips the test.
func Serve[In, Out any](t *testing.T, work func(In) (Out, error)) {
	t.Helper()
	dir := os.Getenv(childEnv)
	if dir == "" {
		t.Skip("runs as a child of a benchmark only")
	}
	if err := os.Unsetenv(childEnv); err != nil {
		t.Fatal(err)
	}
	var in In
	if err := readJSON(filepath.Join(dir, question), &in); err != nil {
		t.Fatal(err)
	}
	out, err := work(in)
	if err == nil {
		err = writeJSON(filepath.Join(dir, answer), out)
	}
	if err != nil {
		_, _ = fmt.Fprintf(os.Stderr, "child process: %v\n", err)
		t.Fatal(err)
	}
}

func writeJSON(path string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return os.WriteFile(path, b, 0o600)
}

func readJSON(path string, v any) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, v)
}

// CPU is the CPU time of this process so far, all its threads, in seconds.
func CPU() float64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return (time.Duration(u.Utime.Nano()) + time.Duration(u.Stime.Nano())).Seconds()
}

// Series is a figure from each round.
type Series []float64

// Spread is the least, the middle and the greatest figure.
func (s Series) Spread() (least, median, greatest float64) {
	if len(s) == 0 {
		return 0, 0, 0
	}
	v := slices.Sorted(slices.Values(s))
	return v[0], v[len(v)/2], v[len(v)-1]
}

// Median is the middle figure.
func (s Series) Median() float64 {
	_, median, _ := s.Spread()
	return median
}

// Least is the least figure.
func (s Series) Least() float64 {
	least, _, _ := s.Spread()
	return least
}

// String is the median, and between which figures it lies.
func (s Series) String() string {
	least, median, greatest := s.Spread()
	return fmt.Sprintf("%.3g (%.3g to %.3g)", median, least, greatest)
}

// Setting is a whole number of at least 1 from the environment.
func Setting(b *testing.B, name string, otherwise int) int {
	b.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		b.Fatalf("%s=%s: a whole number of at least 1 is needed", name, text)
	}
	return n
}
