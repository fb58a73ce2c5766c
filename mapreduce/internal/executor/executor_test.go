package executor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/shardmill/shardmill/mapreduce/internal/task"
	"github.com/shardmill/shardmill/mapreduce/internal/worker"
)

// The test binary is its own worker.
func TestMain(m *testing.M) {
	if worker.IsWorker() {
		os.Exit(worker.Serve(&handler{}))
	}
	os.Exit(m.Run())
}

var (
	ready  = worker.Ready{Job: "test", Version: 1, Params: "p"}
	flight = task.Span{Lo: 3, Hi: 5}
)

// handler does what the folder says, and counts.
type handler struct {
	job  string
	runs int
}

func (h *handler) Hello(_ context.Context, m worker.Hello) (worker.Ready, error) {
	h.job = m.Job
	switch m.Job {
	case "bad":
		return ready, task.Errorf(task.Input, "job.json is damaged")
	case "loud":
		fmt.Println("loading")
	}
	return ready, nil
}

func (h *handler) Probe(_ context.Context, stage string) error {
	return task.Errorf(task.Input, "no model for %s", stage)
}

// Close writes down how many runs it has seen.
func (h *handler) Close() error {
	if dir, ok := strings.CutPrefix(h.job, "close:"); ok {
		return os.WriteFile(filepath.Join(dir, strconv.Itoa(h.runs)), nil, 0o600)
	}
	return errors.New("nothing to close")
}

func (h *handler) Run(ctx context.Context, folder string, cell *worker.Cell) error {
	h.runs++
	cell.InFlight(flight)
	switch folder {
	case "panic":
		panic("at the record")
	case "wait":
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait: %w", ctx.Err())
		case <-time.After(time.Minute):
		}
	case "record":
		return fmt.Errorf("map: %w", &task.Error{Record: 9, Class: task.Retryable, Lost: []int{1}, Err: errors.New("worn")})
	case "pid":
		return errors.New(strconv.Itoa(os.Getpid()))
	case "runs":
		return errors.New(strconv.Itoa(h.runs))
	}
	return nil
}

func order(folder string) Order {
	return Order{Request: worker.Request{Run: &worker.Run{Folder: folder}}}
}

func fresh(o Order) Order {
	o.Fresh = true
	return o
}

// executors are those under test, for a job of the given directory.
func executors(job string) map[string]Executor {
	hello := worker.Hello{Job: job}
	return map[string]Executor{
		"local": &Local{Worker: worker.Config{
			Hello: hello, Want: ready,
			Env: []string{"GORACE=atexit_sleep_ms=0"}, // no second of rest with the race detector
		}},
		"in-process": &InProcess{Hello: hello, New: func() worker.Handler { return &handler{} }},
	}
}

// each runs a test on a slot of each executor.
func each(t *testing.T, job string, test func(t *testing.T, s Slot)) {
	for name, e := range executors(job) {
		t.Run(name, func(t *testing.T) {
			s := e.Slot(0)
			t.Cleanup(func() { s.Close() })
			test(t, s)
		})
	}
}

// text is the text of a report's error.
func text(r worker.Report) string {
	if r.Err == nil {
		return "done"
	}
	return r.Err.Error()
}

func TestReports(t *testing.T) {
	tests := []struct {
		order    Order
		class    task.Class
		text     string
		record   int64
		suspects task.Span
		reason   string
	}{
		{order("record"), task.Retryable, "record 9: map: worn", 9, task.Span{}, ""},
		{order("panic"), task.Crash, "worker process ended: panic", -1, flight, "panic"},
		{Order{Request: worker.Request{Probe: &worker.Probe{Stage: "01-x"}}}, task.Input, "no model for 01-x", -1, task.Span{}, ""},
		{Order{}, task.Permanent, "a request needs either run or probe", -1, task.Span{}, ""},
	}
	each(t, "/job", func(t *testing.T, s Slot) {
		for _, tt := range tests {
			r := s.Do(t.Context(), tt.order)
			if r.Err == nil || r.Err.Class != tt.class || text(r) != tt.text || r.Err.Record != tt.record {
				t.Errorf("%+v: error %v", tt.order, r.Err)
			}
			if r.Suspects != tt.suspects || r.Reason != tt.reason {
				t.Errorf("%+v: suspects %v, reason %q", tt.order, r.Suspects, r.Reason)
			}
			if r := s.Do(t.Context(), order("ok")); r.Err != nil || r.Reason != "" {
				t.Errorf("after %+v: %+v", tt.order, r)
			}
		}
	})
}

func TestWorkerLivesAcrossOrders(t *testing.T) {
	each(t, "/job", func(t *testing.T, s Slot) {
		steps := []struct {
			order Order
			want  string
		}{
			{fresh(order("runs")), "1"},
			{order("runs"), "2"},
			{order("record"), "record 9: map: worn"},
			{order("runs"), "4"},
			{fresh(order("runs")), "1"},
			{order("runs"), "2"},
			{order("panic"), "worker process ended: panic"},
			{order("runs"), "1"},
		}
		for i, step := range steps {
			if got := text(s.Do(t.Context(), step.order)); got != step.want {
				t.Errorf("step %d: %s, want %s", i, got, step.want)
			}
		}
	})
}

// A handler that panicked is not closed; every other one is.
func TestHandlersAreClosed(t *testing.T) {
	for name, e := range executors("") {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			hello := worker.Hello{Job: "close:" + dir}
			switch e := e.(type) {
			case *Local:
				e.Worker.Hello = hello
			case *InProcess:
				e.Hello = hello
			}
			s := e.Slot(0)
			for _, o := range []Order{order("ok"), order("ok"), order("ok"), fresh(order("ok")), order("panic"), order("ok")} {
				s.Do(t.Context(), o)
			}
			s.Close()
			names, err := filepath.Glob(filepath.Join(dir, "*"))
			if err != nil {
				t.Fatal(err)
			}
			for i := range names {
				names[i] = filepath.Base(names[i])
			}
			if got := strings.Join(names, " "); got != "1 3" {
				t.Errorf("closed after %q runs, want 1 and 3", got)
			}
		})
	}
}

func TestCancel(t *testing.T) {
	each(t, "/job", func(t *testing.T, s Slot) {
		if r := s.Do(t.Context(), order("ok")); r.Err != nil {
			t.Fatal(r.Err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		begin := time.Now()
		r := s.Do(ctx, order("wait"))
		if d := time.Since(begin); d > 5*time.Second {
			t.Errorf("took %v", d)
		}
		if r.Err == nil || r.Err.Class != task.Canceled || r.Suspects.Len() != 0 {
			t.Errorf("%+v", r)
		}
		if r := s.Do(ctx, order("ok")); r.Err == nil || r.Err.Class != task.Canceled {
			t.Errorf("with an ended context: %v", r.Err)
		}
		if r := s.Do(t.Context(), order("ok")); r.Err != nil {
			t.Errorf("afterwards: %v", r.Err)
		}
	})
}

func TestStartFails(t *testing.T) {
	each(t, "bad", func(t *testing.T, s Slot) {
		for range 2 {
			r := s.Do(t.Context(), order("ok"))
			if r.Err == nil || r.Err.Class != task.Input || !strings.HasSuffix(r.Err.Error(), "job.json is damaged") {
				t.Errorf("%+v", r)
			}
		}
	})
}

func TestSlotThatDidNothing(t *testing.T) {
	for name, e := range executors("/job") {
		if u := e.Slot(0).Close(); u != (worker.Usage{}) {
			t.Errorf("%s: %+v", name, u)
		}
	}
}

func TestLocalUsesAProcessForEachSlot(t *testing.T) {
	e := executors("/job")["local"]
	pids := map[string]bool{strconv.Itoa(os.Getpid()): true}
	for i := range 3 {
		s := e.Slot(i)
		pids[text(s.Do(t.Context(), order("pid")))] = true
		s.Do(t.Context(), order("panic"))
		pids[text(s.Do(t.Context(), order("pid")))] = true
		if u := s.Close(); u.CPUSeconds <= 0 || u.PeakRSS <= 0 {
			t.Errorf("usage %+v", u)
		}
		if u := s.Close(); u.CPUSeconds <= 0 {
			t.Errorf("usage when closed again: %+v", u)
		}
	}
	if len(pids) != 7 {
		t.Errorf("processes %v, want 6 beside this one", pids)
	}
}

// The log of the order that starts a worker gets its first output, and each order has its own.
func TestLocalLogs(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log.txt")
	if err := os.WriteFile(log, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := executors("loud")["local"].Slot(0)
	defer s.Close()
	o := order("panic")
	o.Run.Log = log
	s.Do(t.Context(), o)
	b, err := os.ReadFile(log)
	if err != nil || !strings.HasPrefix(string(b), "loading\npanic: at the record") {
		t.Errorf("%v, log %q", err, b)
	}
	o = order("ok")
	o.Run.Log = log + ".none"
	if r := s.Do(t.Context(), o); r.Err == nil {
		t.Error("a worker started without its log")
	}
}

func TestLocalTimeout(t *testing.T) {
	s := executors("/job")["local"].Slot(0)
	defer s.Close()
	o := order("wait")
	o.Timeout = 200 * time.Millisecond
	r := s.Do(t.Context(), o)
	if r.Err == nil || r.Err.Class != task.Timeout || r.Suspects != flight {
		t.Errorf("%+v", r)
	}
}

// Each process has profiles of its own, numbered as processes start: that after a crash has the next number.
func TestLocalProfiles(t *testing.T) {
	local, ok := executors("/job")["local"].(*Local)
	if !ok {
		t.Fatal("no Local")
	}
	local.Profiles = t.TempDir()
	a, b := local.Slot(0), local.Slot(1)
	for _, s := range []Slot{a, b, a} {
		s.Do(t.Context(), order("ok"))
	}
	a.Do(t.Context(), order("panic"))
	for _, s := range []Slot{a, b} {
		s.Do(t.Context(), order("ok"))
		s.Close()
	}
	names, err := filepath.Glob(filepath.Join(local.Profiles, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range names {
		names[i] = filepath.Base(names[i])
	}
	want := "worker-1.cpu.pprof worker-1.heap.pprof worker-2.cpu.pprof worker-2.heap.pprof" // worker-0 has crashed
	if got := strings.Join(names, " "); got != want {
		t.Errorf("profiles %s, expected %s", got, want)
	}
}
