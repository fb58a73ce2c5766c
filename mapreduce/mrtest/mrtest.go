// Package mrtest tests jobs: it runs them in the test's process or in child processes, compares job
// directories byte for byte, and walks the points at which a driver can die.
//
// A test binary that uses child processes is started again as worker and as driver. Its TestMain is
//
//	func TestMain(m *testing.M) { os.Exit(mrtest.Main(m, options(), myJobs()...)) }
package mrtest

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/shardmill/shardmill/mapreduce"
)

// Main runs the tests, or, in a process that was started for it, a worker or a driver. It returns the
// exit code.
func Main(m *testing.M, opts mapreduce.Options, jobs ...mapreduce.Job) int {
	switch {
	case mapreduce.IsWorker():
		return mapreduce.WorkerMain(opts, jobs...)
	case os.Getenv(driverEnv) != "":
		return driverMain(opts, jobs)
	}
	if os.Getenv("GORACE") == "" {
		// Race detection lets a process wait a second before it exits: too long for so many workers.
		if err := os.Setenv("GORACE", "atexit_sleep_ms=0"); err != nil {
			return fail(err)
		}
	}
	return m.Run()
}

// Inputs writes a folder of input files, one for each of contents, and returns its path.
func Inputs(t testing.TB, contents ...string) string {
	t.Helper()
	dir := t.TempDir()
	for i, c := range contents {
		Write(t, filepath.Join(dir, string(rune('a'+i))+".txt"), []byte(c))
	}
	return dir
}

// Write writes a file.
func Write(t testing.TB, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

// Run runs a job and fails the test unless it ends with the exit code.
func Run(t testing.TB, opts mapreduce.Options, job mapreduce.Job, cfg mapreduce.Config, code int) mapreduce.Summary {
	t.Helper()
	s, err := mapreduce.Run(context.Background(), opts, job, cfg)
	Code(t, s, err, code)
	return s
}

// Code fails the test unless a run ended with the exit code.
func Code(t testing.TB, s mapreduce.Summary, err error, code int) {
	t.Helper()
	if got := mapreduce.ExitCode(s, err); got != code {
		t.Fatalf("exit code %d, expected %d: %v", got, code, err)
	}
}

// Events reads the history of a job directory.
func Events(t testing.TB, dir string) []mapreduce.Event {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, "events.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }() // only read
	var events []mapreduce.Event
	for s := bufio.NewScanner(f); s.Scan(); {
		var e mapreduce.Event
		if err := json.Unmarshal(s.Bytes(), &e); err != nil {
			continue // torn by a kill
		}
		events = append(events, e)
	}
	return events
}

// Started counts the attempts of each task, "01-count/map-000000", in events.
func Started(events []mapreduce.Event) map[string]int {
	n := map[string]int{}
	for _, e := range events {
		if e.Kind == mapreduce.EventStart {
			n[e.Stage+"/"+e.Task]++
		}
	}
	return n
}

// Committed lists the tasks that have a record in a job directory.
func Committed(t testing.TB, dir string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "stages", "*", "tasks", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	names := make([]string, len(paths))
	for i, p := range paths {
		stage := filepath.Base(filepath.Dir(filepath.Dir(p)))
		name := filepath.Base(p)
		names[i] = stage + "/" + name[:len(name)-len(".json")]
	}
	return names
}
