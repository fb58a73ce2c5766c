package mrtest

import (
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// patience is how long processes and goroutines may take to end.
const patience = 5 * time.Second

// NoLeaks notes goroutines and open files, and fails the test if it ends with more. Call it before anything
// else; it does not work in parallel tests.
func NoLeaks(t testing.TB) {
	t.Helper()
	goroutines, files := runtime.NumGoroutine(), openFiles()
	t.Cleanup(func() {
		ok := eventually(func() bool { return runtime.NumGoroutine() <= goroutines && openFiles() <= files })
		if ok {
			return
		}
		stacks := make([]byte, 1<<20)
		stacks = stacks[:runtime.Stack(stacks, true)]
		t.Errorf("%d goroutines and %d open files became %d and %d:\n%s",
			goroutines, files, runtime.NumGoroutine(), openFiles(), stacks)
	})
}

// openFiles is the number of open files of this process, 0 where the system does not tell.
func openFiles() int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(entries)
}

// NoProcesses fails the test if a process lives on whose environment holds a text.
func NoProcesses(t testing.TB, text string) {
	t.Helper()
	if !eventually(func() bool { return len(processes(text)) == 0 }) {
		t.Errorf("processes are left: %v", processes(text))
	}
}

// processes lists the processes, other than this one, that were started with a text in their environment.
func processes(text string) []string {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var found []string
	for _, e := range entries {
		b, err := os.ReadFile("/proc/" + e.Name() + "/environ")
		if err == nil && strings.Contains(string(b), text) {
			found = append(found, e.Name())
		}
	}
	return found
}

func eventually(ok func() bool) bool {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if ok() {
			return true
		}
	}
	return ok()
}
