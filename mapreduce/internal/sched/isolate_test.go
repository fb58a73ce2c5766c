package sched

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

// One bad row in eight is found in log2 steps, dies alone twice, and the task runs again without it.
func TestIsolateOneRow(t *testing.T) {
	s := New(Config{}, task.Map, 1, 0, "s")
	play(t, s, []step{
		{"map-000000.a1", died(task.Crash, 8, 16), "map-000000.a1: isolating: probing [8,12) next, 8 left: boom"},
		{"map-000000.a2 probe [8,12) fresh", Outcome{}, "map-000000.a2: isolating: probing [12,16) next, 4 left"},
		{"map-000000.a3 probe [12,16) fresh", died(task.Crash, 12, 16), "map-000000.a3: isolating: probing [12,14) next, 4 left: boom"},
		{"map-000000.a4 probe [12,14) fresh", died(task.Crash, 13, 14), "map-000000.a4: isolating: probing [13,14) next, 3 left: boom"},
		{"map-000000.a5 probe [13,14) fresh", died(task.Crash, 13, 14), "map-000000.a5: isolating: probing [13,14) next, 3 left: boom"},
		{"map-000000.a6 probe [13,14) fresh", died(task.Memory, 13, 14), "map-000000.a6: excluded 13: went above the memory cap twice: segmentation fault: boom\n" +
			"map-000000.a6: isolating: probing [14,16) next, 2 left"},
		{"map-000000.a7 probe [14,16) exclude 13 fresh", Outcome{}, "map-000000.a7: waiting"},
		{"map-000000.a8 exclude 13 fresh", Outcome{}, "map-000000.a8: committed"},
	})
}

// The rows before the suspects of a dead probe are cleared, those after them are not.
func TestIsolateKeepsTheRest(t *testing.T) {
	s := New(Config{}, task.Reduce, 0, 1, "s")
	play(t, s, []step{
		{"reduce-000000.a1", died(task.Timeout, 0, 40), "reduce-000000.a1: isolating: probing [0,20) next, 40 left: boom"},
		{"reduce-000000.a2 probe [0,20) fresh", died(task.Timeout, 5, 8), "reduce-000000.a2: isolating: probing [5,6) next, 35 left: boom"},
		{"reduce-000000.a3 probe [5,6) fresh", Outcome{}, "reduce-000000.a3: isolating: probing [6,8) next, 34 left"},
		{"reduce-000000.a4 probe [6,8) fresh", Outcome{}, "reduce-000000.a4: isolating: probing [8,20) next, 32 left"},
		{"reduce-000000.a5 probe [8,20) fresh", Outcome{}, "reduce-000000.a5: isolating: probing [20,40) next, 20 left"},
		{"reduce-000000.a6 probe [20,40) fresh", Outcome{}, "reduce-000000.a6: try 2 of 3 in 0s: boom"}, // nothing found
		{"reduce-000000.a7 fresh", Outcome{}, "reduce-000000.a7: committed"},
	})
}

func TestIsolateRowThatPassesSecondTime(t *testing.T) {
	s := New(Config{Tries: 1}, task.Map, 1, 0, "s")
	play(t, s, []step{
		{"map-000000.a1", died(task.Crash, 3, 4), "map-000000.a1: isolating: probing [3,4) next, 1 left: boom"},
		{"map-000000.a2 probe [3,4) fresh", died(task.Crash, 3, 4), "map-000000.a2: isolating: probing [3,4) next, 1 left: boom"},
		{"map-000000.a3 probe [3,4) fresh", Outcome{}, "map-000000.a3: failed (crash): boom"}, // the only try is used
	})
}

func TestIsolateProbeOutOfTries(t *testing.T) {
	s := New(Config{Tries: 2}, task.Map, 1, 0, "s")
	play(t, s, []step{
		{"map-000000.a1", died(task.Crash, 0, 2), "map-000000.a1: isolating: probing [0,1) next, 2 left: boom"},
		{"map-000000.a2 probe [0,1) fresh", end(task.Retryable), "map-000000.a2: try 2 of 2 in 0s: boom"},
		{"map-000000.a3 probe [0,1) fresh", Outcome{}, "map-000000.a3: isolating: probing [1,2) next, 1 left"},
		{"map-000000.a4 probe [1,2) fresh", end(task.Retryable), "map-000000.a4: try 2 of 2 in 0s: boom"}, // an answer set it back
		{"map-000000.a5 probe [1,2) fresh", end(task.Crash), "map-000000.a5: failed (crash): boom"},
	})
}

// A first death alone is an answer, so the second probe of the row has all its tries.
func TestIsolateFirstDeathSetsTriesBack(t *testing.T) {
	s := New(Config{Tries: 2}, task.Map, 1, 0, "s")
	alone := died(task.Crash, 0, 1)
	play(t, s, []step{
		{"map-000000.a1", alone, "map-000000.a1: isolating: probing [0,1) next, 1 left: boom"},
		{"map-000000.a2 probe [0,1) fresh", end(task.Retryable), "map-000000.a2: try 2 of 2 in 0s: boom"},
		{"map-000000.a3 probe [0,1) fresh", alone, "map-000000.a3: isolating: probing [0,1) next, 1 left: boom"},
		{"map-000000.a4 probe [0,1) fresh", end(task.Retryable), "map-000000.a4: try 2 of 2 in 0s: boom"},
		{"map-000000.a5 probe [0,1) fresh", alone, "map-000000.a5: excluded 0: crashed the worker twice: segmentation fault: boom\nmap-000000.a5: waiting"},
		{"map-000000.a6 exclude 0 fresh", Outcome{}, "map-000000.a6: committed"},
	})
}

// Suspects that are all excluded leave nothing to probe: a worker that ignores the list costs a try.
func TestIsolateOnlyExcludedSuspects(t *testing.T) {
	s := New(Config{}, task.Map, 1, 0, "s")
	alone := died(task.Crash, 3, 4)
	play(t, s, []step{
		{"map-000000.a1", alone, "map-000000.a1: isolating: probing [3,4) next, 1 left: boom"},
		{"map-000000.a2 probe [3,4) fresh", alone, "map-000000.a2: isolating: probing [3,4) next, 1 left: boom"},
		{"map-000000.a3 probe [3,4) fresh", alone, "map-000000.a3: excluded 3: crashed the worker twice: segmentation fault: boom\nmap-000000.a3: waiting"},
		{"map-000000.a4 exclude 3 fresh", alone, "map-000000.a4: try 2 of 3 in 0s: boom"},
		{"map-000000.a5 exclude 3 fresh", died(task.Crash, 2, 5), "map-000000.a5: isolating: probing [2,3) next, 2 left: boom"},
		{"map-000000.a6 probe [2,3) exclude 3 fresh", Outcome{}, "map-000000.a6: isolating: probing [4,5) next, 1 left"},
		{"map-000000.a7 probe [4,5) exclude 3 fresh", Outcome{}, "map-000000.a7: try 3 of 3 in 1s: boom"},
		{"map-000000.a8 exclude 3 fresh", Outcome{}, "map-000000.a8: committed"},
	})
}

// A task under isolation neither holds up the others nor waits for all of them.
func TestIsolationTakesTurns(t *testing.T) {
	s := New(Config{}, task.Map, 3, 1, "s")
	play(t, s, []step{
		{"map-000000.a1", died(task.Crash, 0, 4), "map-000000.a1: isolating: probing [0,2) next, 4 left: boom"},
		{"map-000000.a2 probe [0,2) fresh", Outcome{}, "map-000000.a2: isolating: probing [2,4) next, 2 left"},
		{"map-000001.a1", Outcome{}, "map-000001.a1: committed"},
		{"map-000000.a3 probe [2,4) fresh", Outcome{}, "map-000000.a3: try 2 of 3 in 0s: boom"},
		{"map-000000.a4 fresh", Outcome{}, "map-000000.a4: committed"},
		{"map-000002.a1", Outcome{}, "map-000002.a1: committed"},
		{"reduce-000000.a1", Outcome{}, "reduce-000000.a1: committed"},
	})
}

func TestLostInputs(t *testing.T) {
	s := New(Config{Tries: 2}, task.Map, 2, 2, "s")
	play(t, s, []step{
		{"map-000000.a1", Outcome{}, "map-000000.a1: committed"},
		{"map-000001.a1", Outcome{}, "map-000001.a1: committed"},
	})
	first, _ := s.Next(start())
	second, _ := s.Next(start())
	want := "map-000001.a1: sent back: its output is missing or damaged: boom\n" +
		"map-000001.a1: try 2 of 2 in 0s: boom\nreduce-000000.a1: waiting: boom"
	if diff := cmp.Diff(want, decided(s.Done(start(), first, lostMaps(1, 1, -1, 2)))); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]int{1, 0}, s.Attempts()); diff != "" {
		t.Error(diff)
	}
	play(t, s, []step{{"map-000001.a2", Outcome{}, "map-000001.a2: committed"}})
	// The second reduce started before the map ran again: its report is about a1.
	if got := decided(s.Done(start(), second, lostMaps(1))); got != "reduce-000001.a1: waiting: boom" {
		t.Error(got)
	}
	play(t, s, []step{
		{"reduce-000000.a2", lostMaps(), "reduce-000000.a2: try 2 of 2 in 0s: boom"}, // names no map: a try
		{"reduce-000000.a3", lostMaps(1), "map-000001.a2: sent back: its output is missing or damaged: boom\n" +
			"map-000001.a2: failed (lost-input): boom\nreduce-000000.a3: waiting: boom"},
	})
	if sum, ok := s.Finished(); !ok || sum.Left != 2 || len(sum.Failed) != 1 || sum.Stopped {
		t.Errorf("finished %v: %+v", ok, sum)
	}
}

// A reduce under isolation waits, with what it knows, while a map that it lost runs again.
func TestLostInputDuringIsolation(t *testing.T) {
	s := New(Config{}, task.Map, 1, 1, "s")
	play(t, s, []step{
		{"map-000000.a1", Outcome{}, "map-000000.a1: committed"},
		{"reduce-000000.a1", died(task.Crash, 0, 2), "reduce-000000.a1: isolating: probing [0,1) next, 2 left: boom"},
		{"reduce-000000.a2 probe [0,1) fresh", lostMaps(0), "map-000000.a1: sent back: its output is missing or damaged: boom\n" +
			"map-000000.a1: try 2 of 3 in 0s: boom\nreduce-000000.a2: waiting: boom"},
		{"map-000000.a2", Outcome{}, "map-000000.a2: committed"},
		{"reduce-000000.a3 probe [0,1) fresh", Outcome{}, "reduce-000000.a3: isolating: probing [1,2) next, 1 left"},
	})
}

func TestReason(t *testing.T) {
	for _, tt := range []struct {
		o    Outcome
		want string
	}{
		{Outcome{Class: task.Crash, Reason: "segmentation fault"}, "crashed the worker twice: segmentation fault"},
		{Outcome{Class: task.Crash}, "crashed the worker twice"},
		{Outcome{Class: task.Timeout, Reason: "30s"}, "made no progress twice: 30s"},
		{Outcome{Class: task.Memory, Reason: "2 GiB"}, "went above the memory cap twice: 2 GiB"},
		{Outcome{Class: task.BadRecord, Reason: "no such label"}, "no such label"},
	} {
		if got := reason(tt.o); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

// An attempt keeps the exclusions it was given when more are found.
func TestExclusionsAreNotChangedInPlace(t *testing.T) {
	var i isolation
	i.excluded = make([]task.Exclusion, 0, 8)
	i.exclude(5, Outcome{})
	given := i.excluded
	i.exclude(3, Outcome{})
	if len(given) != 1 || given[0].Ordinal != 5 || i.excluded[0].Ordinal != 3 {
		t.Errorf("given %v, now %v", given, i.excluded)
	}
}

// weight is the measure of the proof in the package comment.
func weight(i *isolation) int64 {
	var n int64
	for _, s := range i.spans {
		n += 3*s.Len() - 1
	}
	if i.died {
		n--
	}
	return n
}

// Every answer lowers the weight, and the spans stay disjoint, ascending and trimmed.
func TestIsolationTerminates(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var i isolation
		span := rapid.Custom(func(t *rapid.T) task.Span {
			lo := rapid.Int64Range(0, 40).Draw(t, "lo")
			return task.Span{Lo: lo, Hi: lo + rapid.Int64Range(0, 40).Draw(t, "len")}
		})
		for range 3 {
			i.begin(Outcome{Suspects: span.Draw(t, "suspects")})
			for len(i.spans) > 0 {
				before := weight(&i)
				if rapid.Bool().Draw(t, "passes") {
					i.passed()
				} else if _, answered := i.dead(Outcome{Suspects: span.Draw(t, "died")}); !answered {
					if weight(&i) != before {
						t.Fatalf("no answer changed the weight: %+v", i)
					}
					i.passed()
				}
				if weight(&i) >= before {
					t.Fatalf("weight %d -> %d: %+v", before, weight(&i), i)
				}
				checkSpans(t, &i)
			}
		}
	})
}

func checkSpans(t *rapid.T, i *isolation) {
	end := int64(-1)
	for _, s := range i.spans {
		if s.Len() == 0 || s.Lo < end || i.excludes(s.Lo) || i.excludes(s.Hi-1) {
			t.Fatalf("bad span %v: %+v", s, i)
		}
		end = s.Hi
	}
	for n := 1; n < len(i.excluded); n++ {
		if i.excluded[n-1].Ordinal >= i.excluded[n].Ordinal {
			t.Fatalf("exclusions out of order: %v", i.excluded)
		}
	}
}
