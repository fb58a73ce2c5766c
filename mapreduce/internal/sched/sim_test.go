package sched

import (
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

// world is a stage with faults, run on a virtual clock in a random order.
type world struct {
	t       *rapid.T
	s       *State
	now     time.Time
	slots   int
	batch   int64
	ahead   int64 // rows prepared beyond the batch: they are suspects too
	faults  bool
	rows    map[task.ID]int64
	poison  map[task.ID]map[int64]task.Class // these rows always kill
	flaky   map[task.ID]map[int64]bool       // these kill once; false when done
	blips   int                              // retryable ends still to come
	losses  int                              // lost inputs still to come
	running []Work
	last    map[task.ID]int
	starts  map[task.ID]int // attempts and probes
	faulted map[task.ID]int // ends that may count as tries: blips, flaky deaths, lost outputs
	tries   int
	tick    int             // counts starts and ends
	began   map[task.ID]int // tick of the last start
	wonAt   map[task.ID]int // tick of the last commit
	done    map[task.ID]bool
	failed  map[task.ID]bool
	nMaps   int
}

func newWorld(t *rapid.T) *world {
	w := &world{
		t: t, now: start(), rows: map[task.ID]int64{}, poison: map[task.ID]map[int64]task.Class{},
		flaky: map[task.ID]map[int64]bool{}, last: map[task.ID]int{}, starts: map[task.ID]int{},
		done: map[task.ID]bool{}, failed: map[task.ID]bool{}, faulted: map[task.ID]int{},
		began: map[task.ID]int{}, wonAt: map[task.ID]int{},
	}
	w.nMaps = rapid.IntRange(0, 6).Draw(t, "maps")
	reduces := rapid.IntRange(0, 4).Draw(t, "reduces")
	w.slots = rapid.IntRange(1, 4).Draw(t, "slots")
	w.batch = rapid.Int64Range(1, 8).Draw(t, "batch")
	w.ahead = rapid.Int64Range(0, 8).Draw(t, "ahead")
	w.faults = rapid.IntRange(0, 4).Draw(t, "faults") > 0
	if w.faults {
		w.blips = rapid.IntRange(0, 6).Draw(t, "blips")
		w.losses = rapid.IntRange(0, 4).Draw(t, "losses")
	}
	w.tries = rapid.IntRange(1, 4).Draw(t, "tries")
	w.s = New(Config{Tries: w.tries}, task.Map, w.nMaps, reduces, "s")
	for pos := range w.nMaps + reduces {
		w.addTask(w.s.id(pos))
	}
	return w
}

func (w *world) addTask(id task.ID) {
	n := rapid.Int64Range(0, 30).Draw(w.t, "rows")
	w.rows[id] = n
	w.poison[id], w.flaky[id] = map[int64]task.Class{}, map[int64]bool{}
	if !w.faults || n == 0 || rapid.Bool().Draw(w.t, "healthy") {
		return
	}
	class := rapid.SampledFrom([]task.Class{task.Crash, task.Timeout, task.Memory})
	for _, r := range rapid.SliceOfN(rapid.Int64Range(0, n-1), 0, 5).Draw(w.t, "poison") {
		w.poison[id][r] = class.Draw(w.t, "class")
	}
	for _, r := range rapid.SliceOfN(rapid.Int64Range(0, n-1), 0, 2).Draw(w.t, "flaky") {
		if _, ok := w.poison[id][r]; !ok {
			w.flaky[id][r] = true
		}
	}
}

// run drives the stage to its end.
func (w *world) run() Summary {
	for range 20_000 {
		checkState(w.t, w.s)
		if sum, ok := w.s.Finished(); ok {
			if len(w.running) > 0 {
				w.t.Fatalf("finished while %v run", w.running)
			}
			return sum
		}
		if len(w.running) < w.slots && w.startOne() {
			continue
		}
		if len(w.running) > 0 {
			w.endOne()
			continue
		}
		at, ok := w.s.Wake()
		if !ok || !at.After(w.now) {
			w.t.Fatalf("stuck: wake %v %v\n%s", at, ok, w.s)
		}
		w.now = at
	}
	w.t.Fatalf("does not end\n%s", w.s)
	return Summary{}
}

func (w *world) startOne() bool {
	x, ok := w.s.Next(w.now)
	if !ok {
		return false
	}
	id := x.Task
	switch {
	case x.Number <= w.last[id]:
		w.t.Fatalf("%v started after attempt %d", x.Attempt, w.last[id])
	case w.done[id]:
		w.t.Fatalf("%v started though the task is committed", x.Attempt)
	case w.failed[id]:
		w.t.Fatalf("%v started though the task failed", x.Attempt)
	case id.Kind == task.Reduce && w.committedMaps() < w.nMaps:
		w.t.Fatalf("%v started with %d of %d maps", x.Attempt, w.committedMaps(), w.nMaps)
	case x.Probe != nil && (!x.Fresh || x.Probe.Len() == 0):
		w.t.Fatalf("bad probe %s", workText(x))
	}
	w.last[id] = x.Number
	w.starts[id]++
	w.tick++
	w.began[id] = w.tick
	w.running = append(w.running, x)
	return true
}

func (w *world) committedMaps() int {
	n := 0
	for id := range w.done {
		if id.Kind == task.Map {
			n++
		}
	}
	return n
}

func (w *world) endOne() {
	i := rapid.IntRange(0, len(w.running)-1).Draw(w.t, "ends")
	x := w.running[i]
	w.running = slices.Delete(w.running, i, i+1)
	w.now = w.now.Add(time.Duration(rapid.IntRange(0, 2000).Draw(w.t, "ms")) * time.Millisecond)
	w.tick++
	for _, d := range w.s.Done(w.now, x, w.outcome(x)) {
		w.decided(d, x)
	}
}

func (w *world) decided(d Decision, x Work) {
	id := d.Attempt.Task
	switch d.Verdict {
	case Committed:
		w.done[id] = true
		w.wonAt[id] = w.tick
		w.checkExclusions(x)
	case SentBack:
		if !w.done[id] {
			w.t.Fatalf("%v sent back though it is not committed", d.Attempt)
		}
		if w.wonAt[id] > w.began[x.Task] {
			w.t.Fatalf("%v sent back by %v, which read an earlier attempt", d.Attempt, x.Attempt)
		}
		delete(w.done, id)
		w.faulted[id]++
	case Failed:
		w.failed[id] = true
		if w.faulted[id] < w.tries {
			w.t.Fatalf("%v after %d faults, %d tries\n%s", d, w.faulted[id], w.tries, w.s)
		}
	case Excluded:
		if w.poison[id][d.Exclusion.Ordinal] != d.Exclusion.Class {
			w.t.Fatalf("excluded a healthy row: %v", d)
		}
	}
}

// checkExclusions checks that a committed attempt left out exactly the rows that always kill.
func (w *world) checkExclusions(x Work) {
	var got []int64
	for _, e := range x.Exclude {
		got = append(got, e.Ordinal)
	}
	want := slices.Sorted(maps.Keys(w.poison[x.Task]))
	if x.Probe != nil || !slices.Equal(got, want) {
		w.t.Fatalf("%s committed without %v", workText(x), want)
	}
}

// outcome is what happens to an attempt.
func (w *world) outcome(x Work) Outcome {
	if w.blips > 0 && rapid.IntRange(0, 5).Draw(w.t, "blip") == 0 {
		w.blips--
		w.faulted[x.Task]++
		return end(task.Retryable)
	}
	if w.losses > 0 && x.Task.Kind == task.Reduce && w.nMaps > 0 && rapid.IntRange(0, 3).Draw(w.t, "loss") == 0 {
		w.losses--
		return lostMaps(rapid.SliceOfN(rapid.IntRange(0, w.nMaps-1), 1, 3).Draw(w.t, "lost")...)
	}
	return w.process(x)
}

// process runs the rows in batches as a worker does, and dies with the batch and what was prepared as suspects.
func (w *world) process(x Work) Outcome {
	span := task.Span{Lo: 0, Hi: w.rows[x.Task]}
	if x.Probe != nil {
		span = *x.Probe
	}
	excluded := map[int64]bool{}
	for _, e := range x.Exclude {
		excluded[e.Ordinal] = true
	}
	for row := span.Lo; row < span.Hi; row++ {
		if excluded[row] {
			continue
		}
		class, dies := w.poison[x.Task][row]
		if w.flaky[x.Task][row] && rapid.Bool().Draw(w.t, "dies") {
			w.flaky[x.Task][row] = false
			w.faulted[x.Task]++
			class, dies = task.Crash, true
		}
		if dies {
			lo := row - row%w.batch // may begin before a probe's span: the State clamps
			return died(class, lo, min(w.rows[x.Task], lo+w.batch+w.ahead))
		}
	}
	return Outcome{}
}

func TestSimulation(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		sum := w.run()
		if sum.Committed != len(w.done) || len(sum.Failed) != len(w.failed) || sum.Stopped {
			t.Fatalf("summary %+v, seen %d committed, %d failed", sum, len(w.done), len(w.failed))
		}
		if len(w.failed) == 0 && !sum.Complete() {
			t.Fatalf("nothing failed, yet %d left\n%s", sum.Left, w.s)
		}
		if w.faults {
			return
		}
		for id, n := range w.starts {
			if n != 1 || !sum.Complete() {
				t.Fatalf("no faults, yet %v started %d times: %+v", id, n, sum)
			}
		}
		if len(w.starts) != len(w.rows) {
			t.Fatalf("%d of %d tasks started", len(w.starts), len(w.rows))
		}
	})
}

// A set behaves as a map of positions does.
func TestSet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 300).Draw(t, "n")
		s, model := newSet(n), map[int]bool{}
		for range rapid.IntRange(0, 60).Draw(t, "steps") {
			pos := rapid.IntRange(0, n-1).Draw(t, "pos")
			if rapid.Bool().Draw(t, "add") {
				s.add(pos)
				model[pos] = true
			} else {
				s.remove(pos)
				delete(model, pos)
			}
			limit := rapid.IntRange(0, n).Draw(t, "limit")
			want, wantOK := 0, false
			for p := limit - 1; p >= 0; p-- {
				if model[p] {
					want, wantOK = p, true
				}
			}
			if got, ok := s.first(limit); ok != wantOK || ok && got != want {
				t.Fatalf("first(%d) = %d %v, want %d %v", limit, got, ok, want, wantOK)
			}
		}
	})
}

// Timers come out by time and then by position, none before its time.
func TestTimers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var h timers
		var model []timer
		for pos, ms := range rapid.SliceOfN(rapid.IntRange(0, 20), 0, 40).Draw(t, "ms") {
			x := timer{start().Add(time.Duration(ms) * time.Millisecond), pos}
			h.add(x.until, x.pos)
			model = append(model, x)
		}
		slices.SortStableFunc(model, func(a, b timer) int { return a.until.Compare(b.until) })
		for _, want := range model {
			if pos, ok := h.due(want.until.Add(-1)); ok {
				t.Fatalf("%d came out before its time", pos)
			}
			if pos, ok := h.due(want.until); !ok || pos != want.pos {
				t.Fatalf("got %d %v, want %d", pos, ok, want.pos)
			}
		}
		if _, ok := h.due(start().Add(time.Hour)); ok || len(h) != 0 {
			t.Fatalf("left over: %v", h)
		}
	})
}
