package worker

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

var inFlight = task.Span{Lo: 40, Hi: 48} // what every action of the test handler shows

func TestRequestsOnOneProcess(t *testing.T) {
	p := start(t, Config{})
	for _, name := range []string{"count-1", "count-2", "fds", "int"} {
		if r := run(t, p, name, 0); r.Err != nil {
			t.Fatalf("%s: %v", name, r.Err)
		}
	}
	if r := p.Do(t.Context(), Request{Probe: &Probe{Stage: "01-classify"}}); r.Err != nil {
		t.Fatal(r.Err)
	}
	if r := run(t, p, "count-5", 0); r.Err != nil {
		t.Fatal(r.Err) // four runs before this one; the probe is none
	}
	if !p.Alive() {
		t.Fatal("not alive")
	}
	u := p.Close()
	if p.Alive() || u.CPUSeconds <= 0 || u.CPUSeconds > 10 || u.PeakRSS < mib || u.PeakRSS > 2<<30 {
		t.Fatalf("usage %+v, alive %v", u, p.Alive())
	}
	if again := p.Close(); again != u {
		t.Fatalf("closed again: %+v, before %+v", again, u)
	}
	if r := run(t, p, "ok", 0); task.ClassOf(r.Err) != task.Retryable {
		t.Fatalf("after Close: %v", r.Err)
	}
}

func TestFailuresKeepTheProcess(t *testing.T) {
	p := start(t, Config{})
	r := run(t, p, "lost", 0)
	e := r.Err
	if e == nil || e.Class != task.LostInput || e.Record != 7 || len(e.Lost) != 2 || e.Lost[1] != 5 {
		t.Fatalf("lost: %+v", e)
	}
	if got, want := e.Error(), "record 7: reduce: merge: file does not exist"; got != want {
		t.Errorf("text %q, want %q", got, want)
	}
	if r.Suspects.Len() != 0 || r.Reason != "" {
		t.Errorf("suspects %v, reason %q of a failure that is no death", r.Suspects, r.Reason)
	}
	if r := run(t, p, "plain", 0); r.Err.Class != task.Permanent || r.Err.Record != -1 || r.Err.Error() != "plain trouble" {
		t.Errorf("plain: %+v", r.Err)
	}
	r = p.Do(t.Context(), Request{Probe: &Probe{Stage: "bad"}})
	if r.Err == nil || r.Err.Class != task.Input || r.Err.Error() != "model.onnx: no" {
		t.Errorf("probe: %+v", r.Err)
	}
	if r := p.Do(t.Context(), Request{}); r.Err == nil || r.Err.Class != task.Permanent {
		t.Errorf("empty request: %+v", r.Err)
	}
	if r := run(t, p, "count-3", 0); r.Err != nil {
		t.Error(r.Err)
	}
}

func TestDeaths(t *testing.T) {
	tests := []struct {
		action   string
		class    task.Class
		reason   string
		suspects task.Span
	}{
		{"panic", task.Crash, "panic", inFlight},
		{"async", task.Crash, "panic", inFlight},
		{"clear", task.Crash, "panic", task.Span{}},
		{"fault", task.Crash, "segmentation fault", inFlight},
		{"mutex", task.Crash, "fatal error", inFlight},
		{"kill-11", task.Crash, "segmentation fault", inFlight},
		{"kill-6", task.Crash, "aborted", inFlight},
		{"kill-9", task.Retryable, "signal: killed", task.Span{}},
		{"kill-15", task.Retryable, "signal: terminated", task.Span{}},
		{"exit-2", task.Crash, "exit status 2", inFlight},
		{"exit-70", task.Permanent, misunderstood().reason, task.Span{}},
		{"exit-0", task.Retryable, "exit status 0", task.Span{}},
		{"exit-9", task.Retryable, "exit status 9", task.Span{}},
	}
	for _, tt := range tests {
		t.Run(tt.action, func(t *testing.T) {
			t.Parallel()
			p := start(t, Config{Log: logFile(t)})
			r := run(t, p, tt.action, 0)
			if p.Alive() {
				t.Error("the process is said to be alive")
			}
			if r.Err == nil || r.Err.Class != tt.class || r.Reason != tt.reason || r.Suspects != tt.suspects {
				t.Fatalf("%v, reason %q, suspects %v", r.Err, r.Reason, r.Suspects)
			}
			if want := "worker process ended: " + tt.reason; r.Err.Error() != want {
				t.Errorf("text %q, want %q", r.Err, want)
			}
			if r := run(t, p, "ok", 0); r.Err == nil || r.Err.Class != task.Retryable {
				t.Errorf("a dead process says %v", r.Err)
			}
		})
	}
}

func TestOutOfMemory(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector meets the limit first, and has an exit code of its own")
	}
	p := start(t, Config{})
	if r := run(t, p, "map", 0); r.Err.Class != task.Crash || r.Reason != "out of memory" || r.Suspects != inFlight {
		t.Fatalf("%v, reason %q, suspects %v", r.Err, r.Reason, r.Suspects)
	}
}

// With GOTRACEBACK=crash the runtime ends in abort(3): a death by a crash signal.
func TestCrashSignal(t *testing.T) {
	p := start(t, Config{Env: []string{"GOTRACEBACK=crash"}})
	if r := run(t, p, "panic", 0); r.Err.Class != task.Crash || r.Reason != "aborted" || r.Suspects != inFlight {
		t.Fatalf("%v, reason %q, suspects %v", r.Err, r.Reason, r.Suspects)
	}
}

// What an earlier request left in the cell is not held against a later one.
func TestSuspectsAreOfTheRequest(t *testing.T) {
	p := start(t, Config{})
	if r := run(t, p, "ok", 0); r.Err != nil {
		t.Fatal(r.Err)
	}
	r := p.Do(t.Context(), Request{Probe: &Probe{Stage: "panic"}})
	if r.Err == nil || r.Err.Class != task.Crash || r.Suspects.Len() != 0 {
		t.Errorf("%v, suspects %v", r.Err, r.Suspects)
	}
}

func TestPanicIsInTheLog(t *testing.T) {
	log := logFile(t)
	p := start(t, Config{Log: log})
	run(t, p, "panic", 0)
	if text := readText(t, log); !strings.Contains(text, "panic: pid ") || !strings.Contains(text, "goroutine ") {
		t.Fatalf("log:\n%s", text)
	}
}

func TestLogOfEachRequest(t *testing.T) {
	first, second := logFile(t), logFile(t)
	p := start(t, Config{})
	for _, log := range []string{first, second, first} {
		r := p.Do(t.Context(), Request{Run: &Run{Folder: folder(t, "print"), Log: log}})
		if r.Err != nil {
			t.Fatal(r.Err)
		}
	}
	once := "from Go, standard output\nfrom Go, standard error\nfrom write(1)\nfrom write(2)\n"
	if got := readText(t, second); got != once {
		t.Errorf("second log:\n%s", got)
	}
	if got := readText(t, first); got != once+once {
		t.Errorf("first log, appended to:\n%s", got)
	}
	r := p.Do(t.Context(), Request{Run: &Run{Folder: folder(t, "print"), Log: first + ".none"}})
	if r.Err == nil || r.Err.Class != task.Retryable {
		t.Errorf("a log that does not exist: %v", r.Err)
	}
	if _, err := os.Stat(first + ".none"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the log was made: %v", err)
	}
	r = p.Do(t.Context(), Request{Probe: &Probe{Stage: "01-x", Log: second}})
	if got := readText(t, second); r.Err != nil || got != once+"probing 01-x\n" {
		t.Errorf("%v; second log:\n%s", r.Err, got)
	}
}

func TestEarlyOutputIsInTheFirstLog(t *testing.T) {
	log := logFile(t)
	_, err := Start(t.Context(), Config{Log: log, Env: []string{quick, earlyEnv + "=1"}})
	if task.ClassOf(err) != task.Retryable || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("%v", err)
	}
	if text := readText(t, log); text != "early trouble\n" {
		t.Errorf("log: %q", text)
	}
}

func TestHandshake(t *testing.T) {
	good := func() Config { return Config{Hello: Hello{Job: "/job"}, Want: testWant(), Env: []string{quick}} }
	tests := []struct {
		name   string
		change func(*Config)
		class  task.Class
		text   string
	}{
		{"job", func(c *Config) { c.Want.Job = "wordcount" }, task.Permanent, "has job test version 3, this program needs wordcount version 3"},
		{"version", func(c *Config) { c.Want.Version = 4 }, task.Permanent, "has job test version 3, this program needs test version 4"},
		{"parameters", func(c *Config) { c.Want.Params = "xyz" }, task.Permanent, "other parameters of job test (digest abc)"},
		{"build", func(c *Config) { c.Hello.Build = "other" }, task.Permanent, `the driver "other": the program was replaced`},
		{"refused", func(c *Config) { c.Hello.Job = "bad" }, task.Input, "job.json is damaged"},
		{"nonsense", func(c *Config) { c.Env = []string{quick, muteEnv + "=}"} }, task.Permanent, "do not understand"},
		{"protocol", func(c *Config) { c.Env = []string{quick, muteEnv + `={"ready":{"protocol":9}}`} }, task.Permanent, "speaks protocol 9"},
		{"wrong reply", func(c *Config) { c.Env = []string{quick, muteEnv + `={"done":{}}`} }, task.Permanent, "do not understand"},
		{"silence", func(c *Config) { c.Hello.Job, c.Timeout = "slow", 200*time.Millisecond }, task.Timeout, "no progress for 200ms"},
		{"no program", func(c *Config) { c.Path = "/does/not/exist" }, task.Permanent, "no such file"},
		{"no log", func(c *Config) { c.Log = "/does/not/exist" }, task.Permanent, "log: open"},
		{"other program", func(c *Config) { c.Path = "/bin/true" }, task.Retryable, "exit status 0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cfg := good()
			tt.change(&cfg)
			p, err := Start(t.Context(), cfg)
			if err == nil {
				p.Close()
				t.Fatal("started")
			}
			var e *task.Error
			if !errors.As(err, &e) || e.Class != tt.class || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("%v error: %v", task.ClassOf(err), err)
			}
			if !strings.HasPrefix(err.Error(), "start worker: ") {
				t.Errorf("error: %v", err)
			}
		})
	}
	t.Run("canceled", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		cfg := good()
		cfg.Hello.Job = "slow"
		if _, err := Start(ctx, cfg); task.ClassOf(err) != task.Canceled {
			t.Error(err)
		}
	})
}

func TestCloseLetsTheHandlerClose(t *testing.T) {
	mark := filepath.Join(t.TempDir(), "closed")
	p := start(t, Config{Hello: Hello{Job: "close:" + mark}})
	run(t, p, "ignore", 0)
	p.Close()
	if _, err := os.Stat(mark); err != nil {
		t.Error(err)
	}
}
