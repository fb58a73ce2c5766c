package worker

import (
	"context"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

func TestTimeout(t *testing.T) {
	log := logFile(t)
	p := start(t, Config{Log: log})
	if r := run(t, p, "beat-24", time.Second); r.Err != nil {
		t.Fatalf("slow but beating: %v", r.Err)
	}
	if r := run(t, p, "slide-24", time.Second); r.Err != nil {
		t.Fatalf("slow but sliding: %v", r.Err)
	}
	begin := time.Now()
	r := run(t, p, "hang", 400*time.Millisecond)
	if d := time.Since(begin); d < 300*time.Millisecond || d > 8*time.Second {
		t.Errorf("stopped after %v", d)
	}
	if r.Err == nil || r.Err.Class != task.Timeout || r.Reason != "no progress for 400ms" || r.Suspects != inFlight {
		t.Fatalf("%v, reason %q, suspects %v", r.Err, r.Reason, r.Suspects)
	}
	if text := readText(t, log); !strings.Contains(text, "SIGQUIT") || !strings.Contains(text, "worker.(*child).read") {
		t.Errorf("no goroutine dump in the log:\n%s", text)
	}
}

// A stopped process cannot write a dump; it has to go all the same.
func TestTimeoutOfStoppedProcess(t *testing.T) {
	p := start(t, Config{})
	dir := folder(t, "stop")
	r := p.Do(t.Context(), Request{Run: &Run{Folder: dir}, Timeout: 200 * time.Millisecond})
	if r.Err == nil || r.Err.Class != task.Timeout {
		t.Fatal(r.Err)
	}
	awaitGone(t, awaitPid(t, dir), 0)
}

// A worker that has left its process group has to go as well.
func TestTimeoutOutsideOfTheGroup(t *testing.T) {
	p := start(t, Config{})
	if r := run(t, p, "leave", 200*time.Millisecond); r.Err == nil || r.Err.Class != task.Timeout {
		t.Fatal(r.Err)
	}
}

func TestMemoryCap(t *testing.T) {
	const capacity = 256 * mib
	if runtime.GOOS != "linux" {
		t.Skip("memory is sampled on Linux only")
	}
	p := start(t, Config{MemoryCap: capacity})
	if r := run(t, p, "hog-64", 0); r.Err != nil {
		t.Fatalf("a modest task: %v", r.Err)
	}
	r := run(t, p, "hog-2048", 0)
	if r.Err == nil || r.Err.Class != task.Memory || r.Reason != "over the memory cap of 256 MiB" || r.Suspects != inFlight {
		t.Fatalf("%v, reason %q, suspects %v", r.Err, r.Reason, r.Suspects)
	}
	if u := p.Close(); u.PeakRSS < capacity || u.PeakRSS > 2<<30 {
		t.Errorf("peak %d", u.PeakRSS)
	}
}

func TestLimits(t *testing.T) {
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_CORE, &l); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{Cur: l.Max, Max: l.Max}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Setrlimit(unix.RLIMIT_CORE, &l) }) // as the tests found it
	p := start(t, Config{MemoryCap: 512 * mib})
	if r := run(t, p, "limits-512", 0); r.Err != nil {
		t.Fatal(r.Err)
	}
}

// The peak of a worker is its own, not that of the driver that started it.
func TestPeakIsTheWorkersOwn(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("rusage serves elsewhere")
	}
	h := &handler{}
	if err := h.hog(256); err != nil {
		t.Fatal(err)
	}
	p := start(t, Config{})
	run(t, p, "ok", 0)
	if u := p.Close(); u.PeakRSS > 200*mib {
		t.Errorf("peak %s of a worker that did nothing", sizeText(u.PeakRSS))
	}
}

func TestCancelDuringBusyLoop(t *testing.T) {
	p := start(t, Config{})
	ctx, cancel := context.WithCancel(t.Context())
	dir := folder(t, "hang")
	reports := make(chan Report)
	go func() { reports <- p.Do(ctx, Request{Run: &Run{Folder: dir}}) }()
	pid := awaitPid(t, dir)
	begin := time.Now()
	cancel()
	r := <-reports
	if d := time.Since(begin); d > 5*time.Second {
		t.Errorf("took %v", d)
	}
	if r.Err == nil || r.Err.Class != task.Canceled || r.Suspects.Len() != 0 {
		t.Errorf("%+v", r)
	}
	awaitGone(t, pid, 0)
	if p.Alive() {
		t.Error("alive")
	}
}

func TestCancelBeforeRequestKeepsTheProcess(t *testing.T) {
	p := start(t, Config{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if r := p.Do(ctx, Request{Run: &Run{Folder: folder(t, "ok")}}); r.Err == nil || r.Err.Class != task.Canceled {
		t.Error(r.Err)
	}
	if r := run(t, p, "count-1", 0); r.Err != nil {
		t.Error(r.Err)
	}
}

func TestDeathWhileIdle(t *testing.T) {
	p := start(t, Config{})
	dir := folder(t, "pid")
	if r := p.Do(t.Context(), Request{Run: &Run{Folder: dir}}); r.Err != nil {
		t.Fatal(r.Err)
	}
	if err := unix.Kill(awaitPid(t, dir), unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(5 * time.Second); p.Alive(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the death goes unnoticed")
		}
	}
	p.Close()
}

func TestGrandchildGoesToo(t *testing.T) {
	if _, err := os.Stat("/bin/sleep"); err != nil {
		t.Skip("no /bin/sleep")
	}
	p := start(t, Config{})
	dir := folder(t, "child")
	if r := p.Do(t.Context(), Request{Run: &Run{Folder: dir}}); r.Err == nil || r.Err.Class != task.Crash {
		t.Fatal(r.Err)
	}
	awaitGone(t, awaitPid(t, dir), 2*time.Second)
}

// Something that holds the reply pipe open does not keep the driver waiting.
func TestLeakedPipe(t *testing.T) {
	if _, err := os.Stat("/bin/sleep"); err != nil {
		t.Skip("no /bin/sleep")
	}
	for action, reason := range map[string]string{"leak-9": "exit status 9", "leak-0": "no progress for 200ms"} {
		t.Run(action, func(t *testing.T) {
			p := start(t, Config{})
			dir := folder(t, action)
			begin := time.Now()
			r := p.Do(t.Context(), Request{Run: &Run{Folder: dir}, Timeout: 200 * time.Millisecond})
			if d := time.Since(begin); d > 10*time.Second {
				t.Errorf("took %v", d)
			}
			if r.Err == nil || r.Reason != reason {
				t.Error(r.Err)
			}
			if err := unix.Kill(awaitPid(t, dir), unix.SIGKILL); err != nil {
				t.Error(err)
			}
		})
	}
}

// The driver is killed with SIGKILL: busy and stopped workers have to go, and those
// that do not notice, which only Linux can do.
func TestDriverDeath(t *testing.T) {
	for _, action := range []string{"hang", "stop", "deaf"} {
		t.Run(action, func(t *testing.T) {
			if action == "deaf" && runtime.GOOS != "linux" {
				t.Skip("only Linux kills a worker that does not read")
			}
			dir := folder(t, action)
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), quick, driverEnv+"="+dir)
			if action == "deaf" {
				cmd.Env = append(cmd.Env, deafEnv+"="+dir)
			}
			cmd.Stderr = os.Stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			pid := awaitPid(t, dir)
			if gone(pid) {
				t.Fatal("the worker was gone before its driver")
			}
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait()
			awaitGone(t, pid, 2*time.Second)
		})
	}
}

func TestNothingLeaks(t *testing.T) {
	cycle := func() {
		var wg sync.WaitGroup
		for _, name := range []string{"ok", "panic", "hang", "kill-9", "plain"} {
			wg.Go(func() {
				p, err := Start(t.Context(), Config{Hello: Hello{Job: "/job"}, Want: testWant(), Env: []string{quick}})
				if err != nil {
					t.Error(err)
					return
				}
				p.Do(t.Context(), Request{Run: &Run{Folder: folder(t, name)}, Timeout: 200 * time.Millisecond})
				p.Close()
			})
			wg.Go(func() {
				if _, err := Start(t.Context(), Config{Hello: Hello{Job: "bad"}, Env: []string{quick}}); err == nil {
					t.Error("started")
				}
			})
		}
		wg.Wait()
	}
	cycle()                       // the runtime opens its poller, once
	old := debug.SetGCPercent(-1) // it would close forgotten files
	t.Cleanup(func() { debug.SetGCPercent(old) })
	files, routines, maps := openFiles(t), runtime.NumGoroutine(), cellMappings(t)
	cycle()
	if n := openFiles(t); n > files {
		t.Errorf("%d open files, %d before", n, files)
	}
	for end := time.Now().Add(2 * time.Second); runtime.NumGoroutine() > routines; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			buf := make([]byte, 1<<20)
			t.Fatalf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), routines, buf[:runtime.Stack(buf, true)])
		}
	}
	if n := cellMappings(t); n > maps {
		t.Errorf("%d mapped cells, %d before", n, maps)
	}
}

func cellMappings(t *testing.T) int {
	t.Helper()
	b, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Skipf("cannot count mappings: %v", err)
	}
	return strings.Count(string(b), "shardmill-cell")
}

// A worker lives on when the goroutine that started it ends with its thread.
func TestWorkerOutlivesTheThreadOfItsStarter(t *testing.T) {
	for range 10 {
		var p *Proc
		var err error
		done := make(chan struct{})
		go func() {
			defer close(done)
			runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
			p, err = Start(t.Context(), Config{Hello: Hello{Job: "/job"}, Want: testWant(), Env: []string{quick}})
		}()
		<-done
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond)
		if r := run(t, p, "ok", 0); r.Err != nil {
			t.Error(r.Err)
		}
		p.Close()
	}
}
