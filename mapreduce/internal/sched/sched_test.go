package sched

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

var errBoom = errors.New("boom")

func start() time.Time { return time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC) }

func end(c task.Class) Outcome { return Outcome{Err: errBoom, Class: c} }

func died(c task.Class, lo, hi int64) Outcome {
	return Outcome{Err: errBoom, Class: c, Suspects: task.Span{Lo: lo, Hi: hi}, Reason: "segmentation fault"}
}

func lostMaps(maps ...int) Outcome { return Outcome{Err: errBoom, Class: task.LostInput, Lost: maps} }

// workText is an assignment as a word: "map-000000.a2 probe [3,5) exclude 1 2 fresh".
func workText(w Work) string {
	s := w.Name()
	if w.Probe != nil {
		s += " probe " + spanText(*w.Probe)
	}
	if len(w.Exclude) > 0 {
		s += " exclude"
		for _, x := range w.Exclude {
			s += fmt.Sprintf(" %d", x.Ordinal)
		}
	}
	if w.Fresh {
		s += " fresh"
	}
	return s
}

// step starts the next attempt, which must be the one named, and ends it.
type step struct {
	start string
	end   Outcome
	want  string // decisions, joined by newlines, without stage and attempt's task
}

func decided(ds []Decision) string {
	lines := make([]string, 0, len(ds))
	for _, d := range ds {
		lines = append(lines, strings.TrimPrefix(d.String(), "s/"))
	}
	return strings.Join(lines, "\n")
}

// play runs steps one at a time on one clock that jumps over back-offs.
func play(t *testing.T, s *State, steps []step) {
	t.Helper()
	now := start()
	for i, st := range steps {
		w, ok := s.Next(now)
		if at, waits := s.Wake(); !ok && waits {
			now = at
			w, ok = s.Next(now)
		}
		if !ok {
			t.Fatalf("step %d: nothing to start, want %s\n%s", i, st.start, s)
		}
		if got := workText(w); got != st.start {
			t.Fatalf("step %d: started %s, want %s", i, got, st.start)
		}
		if diff := cmp.Diff(st.want, decided(s.Done(now, w, st.end))); diff != "" {
			t.Fatalf("step %d, %s (-want +got):\n%s", i, st.start, diff)
		}
		checkState(t, s)
	}
}

// checkState checks what always holds: counts add up, and a task that waits is in exactly one queue.
func checkState(t interface {
	Helper()
	Fatalf(format string, args ...any)
}, s *State,
) {
	t.Helper()
	delayed := map[int]int{}
	for _, d := range s.delayed {
		delayed[d.pos]++
	}
	in := func(q set, pos int) int { return int(q.words[pos/64] >> (pos % 64) & 1) }
	var counts [6]int
	for pos, it := range s.items {
		counts[it.phase]++
		queued := in(s.ready, pos) + in(s.probes, pos) + delayed[pos]
		want := 0
		if !it.busy && (it.phase == waiting || it.phase == isolating) {
			want = 1
		}
		if queued != want {
			t.Fatalf("task %d is in %d queues, want %d\n%s", pos, queued, want, s)
		}
		if in(s.probes, pos) == 1 && it.phase != isolating || in(s.ready, pos) == 1 && it.phase != waiting {
			t.Fatalf("task %d is in the wrong queue\n%s", pos, s)
		}
	}
	a, b := s.Counts()
	got := [6]int{
		a.Waiting + b.Waiting, a.Running + b.Running, a.Isolating + b.Isolating,
		a.Committed + b.Committed, a.Failed + b.Failed,
	}
	if got != counts {
		t.Fatalf("counts %v, want %v\n%s", got, counts, s)
	}
}

// bad is the end of an attempt because job code refuses a row or group, or, with -1, something unknown.
func bad(row int64) Outcome {
	o := end(task.BadRecord)
	o.Record, o.Reason = row, "refused"
	return o
}

// Every end of an attempt in every state that has one: running, isolating, and none (a duplicate).
func TestDone(t *testing.T) {
	retried := "map-000000.a1: try 2 of 3 in 0s: boom"
	failed := func(a int, c task.Class) string { return fmt.Sprintf("map-000000.a%d: failed (%v): boom", a, c) }
	probing := []step{{"map-000000.a1", died(task.Crash, 4, 6), "map-000000.a1: isolating: probing [4,5) next, 2 left: boom"}}
	tests := []struct {
		name   string
		before []step // to running when empty, else to isolating
		end    Outcome
		want   string
		line   string
	}{
		{"ok", nil, Outcome{}, "map-000000.a1: committed", "committed a1"},
		{"permanent", nil, end(task.Permanent), failed(1, task.Permanent), "failed a1, permanent: boom"},
		{"retryable", nil, end(task.Retryable), retried, "waiting a1, 1 of 3 tries failed"},
		{"bad record", nil, bad(-1), failed(1, task.BadRecord), "failed a1, bad-record: boom"},
		{"bad record of a row", nil, bad(4), "map-000000.a1: excluded 4: refused: boom", "waiting a1, excluded 4"},
		{"lost input", nil, end(task.LostInput), failed(1, task.LostInput) + "\nmap-000000.a1: stopped", "failed a1, lost-input: boom"},
		{"input", nil, end(task.Input), failed(1, task.Input) + "\nmap-000000.a1: stopped", "failed a1, input: boom"},
		{"canceled", nil, end(task.Canceled), "map-000000.a1: waiting: boom", "waiting a1"},
		{"unknown class", nil, end(task.Class(200)), failed(1, task.Class(200)), "failed a1, class-200: boom"},
		{"crash, no suspects", nil, end(task.Crash), retried, "waiting a1, 1 of 3 tries failed"},
		{"timeout, no suspects", nil, end(task.Timeout), retried, "waiting a1, 1 of 3 tries failed"},
		{"memory, no suspects", nil, end(task.Memory), retried, "waiting a1, 1 of 3 tries failed"},
		{"crash, inverted suspects", nil, died(task.Crash, 6, 4), retried, "waiting a1, 1 of 3 tries failed"},
		{
			"crash", nil, died(task.Crash, 4, 9),
			"map-000000.a1: isolating: probing [4,6) next, 5 left: boom", "isolating a1, to probe [4,6) [6,9)",
		},
		{
			"timeout", nil, died(task.Timeout, 4, 5),
			"map-000000.a1: isolating: probing [4,5) next, 1 left: boom", "isolating a1, to probe [4,5)",
		},
		{
			"memory", nil, died(task.Memory, 0, 2),
			"map-000000.a1: isolating: probing [0,1) next, 2 left: boom", "isolating a1, to probe [0,1) [1,2)",
		},

		{"probe ok", probing, Outcome{}, "map-000000.a2: isolating: probing [5,6) next, 1 left", "isolating a2, to probe [5,6)"},
		{"probe permanent", probing, end(task.Permanent), failed(2, task.Permanent), "failed a2, permanent: boom"},
		{
			"probe retryable", probing, end(task.Retryable),
			"map-000000.a2: try 2 of 3 in 0s: boom", "isolating a2, to probe [4,5) [5,6)",
		},
		{"probe lost input", probing, end(task.LostInput), failed(2, task.LostInput) + "\nmap-000000.a2: stopped", "failed a2, lost-input: boom"},
		{"probe input", probing, end(task.Input), failed(2, task.Input) + "\nmap-000000.a2: stopped", "failed a2, input: boom"},
		{"probe canceled", probing, end(task.Canceled), "map-000000.a2: waiting: boom", "isolating a2, to probe [4,5) [5,6)"},
		{
			"probe crash, no suspects", probing, end(task.Crash),
			"map-000000.a2: try 2 of 3 in 0s: boom", "isolating a2, to probe [4,5) [5,6)",
		},
		{
			"probe crash, suspects elsewhere", probing, died(task.Crash, 9, 12),
			"map-000000.a2: try 2 of 3 in 0s: boom", "isolating a2, to probe [4,5) [5,6)",
		},
		{
			"probe crash, suspects clamped", probing, died(task.Crash, 0, 100),
			"map-000000.a2: isolating: probing [4,5) next, 2 left: boom", "isolating a2, to probe [4,5) [5,6) again",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := New(Config{}, task.Map, 1, 0, "s")
			play(t, s, tt.before)
			w, ok := s.Next(start())
			if !ok {
				t.Fatal("nothing to start")
			}
			if diff := cmp.Diff(tt.want, decided(s.Done(start(), w, tt.end))); diff != "" {
				t.Errorf("decided (-want +got):\n%s", diff)
			}
			checkState(t, s)
			if got := s.line(0, nil); got != tt.line {
				t.Errorf("state %q, want %q", got, tt.line)
			}
			before := s.String()
			for _, o := range []Outcome{{}, end(task.Permanent), end(task.Retryable), died(task.Crash, 0, 9), end(task.Input)} {
				if ds := s.Done(start(), w, o); ds != nil {
					t.Errorf("a second report decided %v", ds)
				}
			}
			if s.String() != before {
				t.Errorf("a second report changed the state to\n%s", s)
			}
		})
	}
}

func TestDoneIgnoresStrangers(t *testing.T) {
	s := New(Config{}, task.Split, 2, 0, "s")
	w, _ := s.Next(start())
	before := s.String()
	for _, change := range []func(*Work){
		func(w *Work) { w.Number++ },
		func(w *Work) { w.Task.Index = 1 },
		func(w *Work) { w.Task.Index = 2 },
		func(w *Work) { w.Task.Index = -1 },
		func(w *Work) { w.Task.Kind = task.Map },
		func(w *Work) { w.Task.Kind = task.Reduce },
		func(w *Work) { w.Task.Stage = "other" },
	} {
		x := w
		change(&x)
		if ds := s.Done(start(), x, Outcome{}); ds != nil || s.String() != before {
			t.Errorf("%v: decided %v", x.Attempt, ds)
		}
	}
	if ds := s.Done(start(), w, Outcome{}); len(ds) != 1 {
		t.Errorf("the true report decided %v", ds)
	}
}

func TestRetryBacksOffAndFails(t *testing.T) {
	s := New(Config{Tries: 5}, task.Map, 1, 0, "s")
	now := start()
	for try, want := range []time.Duration{0, time.Second, 4 * time.Second, 8 * time.Second} {
		w, ok := s.Next(now)
		if !ok {
			t.Fatalf("try %d: nothing to start", try+1)
		}
		ds := s.Done(now, w, end(task.Retryable))
		if len(ds) != 1 || ds[0].Delay != want || ds[0].Try != try+2 {
			t.Fatalf("try %d: %v", try+1, ds)
		}
		at, waits := s.Wake()
		if waits != (want > 0) || waits && !at.Equal(now.Add(want)) {
			t.Fatalf("try %d: wake %v %v", try+1, at, waits)
		}
		if want > 0 {
			if _, ok := s.Next(at.Add(-1)); ok {
				t.Fatalf("try %d: started before the back-off ended", try+1)
			}
			now = at
		}
	}
	w, _ := s.Next(now)
	if got := decided(s.Done(now, w, end(task.Retryable))); got != "map-000000.a5: failed (retryable): boom" {
		t.Error(got)
	}
	want := Summary{Failed: []Failure{{Attempt: w.Attempt, Class: task.Retryable, Err: errBoom}}}
	if sum, ok := s.Finished(); !ok || !cmp.Equal(sum, want, cmp.Comparer(func(a, b error) bool { return errors.Is(a, b) })) {
		t.Errorf("finished %v: %+v", ok, sum)
	}
}

func TestBackoffIsCapped(t *testing.T) {
	last := time.Duration(0)
	for try := range 200 {
		d := backoff(try)
		if d < last || d > time.Minute {
			t.Fatalf("try %d: %v after %v", try, d, last)
		}
		last = d
	}
	if last != time.Minute {
		t.Errorf("ends at %v", last)
	}
}

func TestResume(t *testing.T) {
	s := New(Config{}, task.Map, 3, 1, "s")
	id := func(k task.Kind, n int) task.ID { return task.ID{Stage: "s", Kind: k, Index: n} }
	s.LastAttempt(id(task.Map, 0), 4)
	s.LastAttempt(id(task.Map, 1), 7) // an attempt after the committed one was killed
	s.Committed(id(task.Map, 1), 5)
	s.Committed(id(task.Map, 1), 6) // ignored: it is committed
	s.Committed(id(task.Map, 3), 1) // ignored, as the next two: no such task
	s.LastAttempt(id(task.Split, 0), 1)
	s.LastAttempt(task.ID{Stage: "other", Kind: task.Map}, 99)
	checkState(t, s)
	play(t, s, []step{
		{"map-000000.a5", Outcome{}, "map-000000.a5: committed"},
		{"map-000002.a1", Outcome{}, "map-000002.a1: committed"},
		{"reduce-000000.a1", lostMaps(1), "map-000001.a5: sent back: its output is missing or damaged: boom\n" +
			"map-000001.a7: try 2 of 3 in 0s: boom\nreduce-000000.a1: waiting: boom"},
		{"map-000001.a8", Outcome{}, "map-000001.a8: committed"},
		{"reduce-000000.a2", Outcome{}, "reduce-000000.a2: committed"},
	})
	if diff := cmp.Diff([]int{5, 8, 1}, s.Attempts()); diff != "" {
		t.Error(diff)
	}
	if sum, ok := s.Finished(); !ok || !sum.Complete() || sum.Committed != 4 {
		t.Errorf("finished %v: %+v", ok, sum)
	}
}

func TestNothingToDo(t *testing.T) {
	for _, n := range []int{0, 1} {
		s := New(Config{}, task.Map, n, n, "s")
		for i := range n {
			s.Committed(task.ID{Stage: "s", Kind: task.Map, Index: i}, 1)
			s.Committed(task.ID{Stage: "s", Kind: task.Reduce, Index: i}, 1)
		}
		if w, ok := s.Next(start()); ok {
			t.Errorf("started %v", w)
		}
		if sum, ok := s.Finished(); !ok || !sum.Complete() || sum.Committed != 2*n {
			t.Errorf("finished %v: %+v", ok, sum)
		}
	}
}

func TestReducesWithoutMaps(t *testing.T) {
	play(t, New(Config{}, task.Map, 0, 1, "s"), []step{{"reduce-000000.a1", Outcome{}, "reduce-000000.a1: committed"}})
}

func TestFailedMapHoldsReduces(t *testing.T) {
	s := New(Config{}, task.Map, 2, 2, "s")
	play(t, s, []step{
		{"map-000000.a1", end(task.Permanent), "map-000000.a1: failed (permanent): boom"},
		{"map-000001.a1", Outcome{}, "map-000001.a1: committed"},
	})
	if w, ok := s.Next(start()); ok {
		t.Errorf("started %v", w)
	}
	if sum, ok := s.Finished(); !ok || sum.Left != 2 || len(sum.Failed) != 1 || sum.Complete() || sum.Stopped {
		t.Errorf("finished %v: %+v", ok, sum)
	}
}

func TestStop(t *testing.T) {
	fastFail := func(s *State, w Work) { s.Done(start(), w, end(task.Permanent)) }
	tests := []struct {
		name string
		cfg  Config
		stop func(*State, Work)
		left int // the other running task is committed, the third never starts
	}{
		{"stop", Config{}, func(s *State, w Work) { s.Stop(); s.Done(start(), w, end(task.Canceled)) }, 2},
		{"input", Config{}, func(s *State, w Work) { s.Done(start(), w, end(task.Input)) }, 1},
		{"fail fast", Config{FailFast: true}, fastFail, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := New(tt.cfg, task.Map, 3, 0, "s")
			a, _ := s.Next(start())
			b, _ := s.Next(start())
			tt.stop(s, a)
			if w, ok := s.Next(start()); ok {
				t.Errorf("started %v", w)
			}
			if _, ok := s.Finished(); ok {
				t.Error("finished while an attempt runs")
			}
			s.Done(start(), b, Outcome{})
			checkState(t, s)
			if _, waits := s.Wake(); waits {
				t.Error("wakes though stopped")
			}
			if sum, ok := s.Finished(); !ok || !sum.Stopped || sum.Left != tt.left || sum.Committed != 1 {
				t.Errorf("finished %v: %+v", ok, sum)
			}
		})
	}
}

func TestFailFastStopsOnce(t *testing.T) {
	s := New(Config{FailFast: true}, task.Map, 2, 0, "s")
	a, _ := s.Next(start())
	b, _ := s.Next(start())
	if got, want := decided(s.Done(start(), a, end(task.Input))), "map-000000.a1: failed (input): boom\nmap-000000.a1: stopped"; got != want {
		t.Errorf("got %q", got)
	}
	if got, want := decided(s.Done(start(), b, end(task.Input))), "map-000001.a1: failed (input): boom"; got != want {
		t.Errorf("got %q", got)
	}
}

func TestStringGolden(t *testing.T) {
	s := New(Config{}, task.Map, 70, 3, "01-classify")
	now := start()
	var ws []Work
	for range 6 {
		w, _ := s.Next(now)
		ws = append(ws, w)
	}
	s.Done(now, ws[0], Outcome{})
	s.Done(now, ws[1], Outcome{})
	s.Done(now, ws[2], died(task.Crash, 8, 24))
	s.Done(now, ws[3], end(task.Permanent))
	s.Done(now, ws[4], end(task.Retryable))
	w, _ := s.Next(now) // the probe of map 2
	s.Done(now, w, died(task.Crash, 9, 11))
	w, _ = s.Next(now)
	s.Done(now, w, end(task.Retryable))
	want := `stage 01-classify
70 map: 65 waiting, 1 running, 1 isolating, 2 committed, 1 failed
3 reduce: 3 waiting, 0 running, 0 isolating, 0 committed, 0 failed
  map-000000..000001    committed a1
  map-000002            isolating a2, to probe [9,10) [10,11) [11,16) [16,24)
  map-000003            failed a1, permanent: boom
  map-000004            waiting a2, 2 of 3 tries failed, until 12:00:01
  map-000005            running a1
  map-000006..000069    waiting
  reduce-000000..000002 waiting
`
	if diff := cmp.Diff(want, s.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	s.Stop()
	if !strings.HasPrefix(s.String(), "stage 01-classify (stopped)\n") {
		t.Errorf("got %s", s)
	}
}

func BenchmarkStage(b *testing.B) {
	const maps, reduces = 100_000, 1_000
	for b.Loop() {
		s := New(Config{}, task.Map, maps, reduces, "01-classify")
		for n := range maps + reduces {
			w, ok := s.Next(start())
			if !ok {
				b.Fatalf("nothing to start after %d", n)
			}
			s.Done(start(), w, Outcome{})
		}
		if sum, ok := s.Finished(); !ok || !sum.Complete() {
			b.Fatalf("%+v", sum)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/(maps+reduces), "ns/task")
}

// Every task fails once and backs off: the heap of timers holds all of them.
func BenchmarkBackoff(b *testing.B) {
	const maps = 100_000
	for b.Loop() {
		s := New(Config{Backoff: func(int) time.Duration { return time.Second }}, task.Map, maps, 0, "s")
		for _, o := range []Outcome{end(task.Retryable), {}} {
			now := start()
			if o.Err == nil {
				now = now.Add(time.Second)
			}
			for range maps {
				w, _ := s.Next(now)
				s.Done(now, w, o)
			}
		}
		if sum, ok := s.Finished(); !ok || !sum.Complete() {
			b.Fatalf("%+v", sum)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/maps, "ns/task")
}
