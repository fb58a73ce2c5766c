package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/shardmill/shardmill/mapreduce"
)

func linesText(t *testing.T, lines []pair) string {
	t.Helper()
	var b bytes.Buffer
	if err := writeLines(&b, lines); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestResultLines(t *testing.T) {
	s := mapreduce.Summary{
		Job: "classify", State: mapreduce.StateComplete, Workers: 1,
		Rows: mapreduce.RowSummary{Read: 10, Mapped: 6, Dropped: map[string]int64{"threshold": 1, "blank": 2}, Rejected: 1},
		Stages: []mapreduce.StageSummary{
			{Name: "00-split", Tasks: 1, Committed: 1, Reused: 1}, {Name: "01-classify", Tasks: 4, Committed: 4, Reused: 2},
		},
		Datasets: []mapreduce.DatasetSummary{{Name: "ranked", Rows: 6, Files: 1, Bytes: 2048}},
		Usage:    mapreduce.UsageSummary{WallSeconds: 75.4, CPUSeconds: 60, DriverCPU: 1.26, WorkerPeakRSS: 200 << 20},
	}
	want := `classify      complete, with rejects
tasks         5 of 5 done, 3 kept from an earlier run
rows          10 read, 6 mapped, 2 dropped by blank, 1 dropped by threshold, 1 rejected
ranked        6 rows in 1 file, 2.0 KiB: job/out/ranked
rejects       1 row, each with its reason: job/rejects
time          1m15s with 1 worker, 1m1s of CPU, up to 200 MiB each
`
	if got := linesText(t, resultLines(s, "job")); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// The line about time fits a terminal beside the longest name of a dataset, also for a long run.
func TestUsageFitsTerminal(t *testing.T) {
	s := mapreduce.Summary{
		State: mapreduce.StateComplete, Workers: 32, Datasets: []mapreduce.DatasetSummary{{Name: "recommendations"}},
		Usage: mapreduce.UsageSummary{WallSeconds: 9*3600 + 1799, CPUSeconds: 222*3600 + 1799, WorkerPeakRSS: 300 << 20},
	}
	for line := range strings.Lines(linesText(t, resultLines(s, "job"))) {
		if len(line) > columns+1 {
			t.Errorf("%d columns: %s", len(line)-1, line)
		}
	}
}

func TestResultStates(t *testing.T) {
	for state, want := range map[string]string{
		mapreduce.StateComplete: "complete", mapreduce.StateHeld: "held: too many rejects", mapreduce.StateStopped: "stopped: too many rejects",
		mapreduce.StateFailed: "failed", mapreduce.StateInterrupted: "interrupted",
	} {
		s := mapreduce.Summary{Job: "x", State: state, Datasets: []mapreduce.DatasetSummary{{Name: "d"}}}
		text := linesText(t, resultLines(s, "job"))
		if !strings.HasPrefix(text, "x             "+want+"\n") {
			t.Errorf("%s: %q", state, text)
		}
		folder := "job/out/d\n"
		if state == mapreduce.StateHeld {
			folder = "job/held/d\n"
		}
		if !strings.Contains(text, folder) {
			t.Errorf("%s: the results are not said to be in %s%s", state, folder, text)
		}
	}
}

func TestStatusLines(t *testing.T) {
	s := mapreduce.Status{
		Job: "classify", Rows: mapreduce.RowSummary{Read: 9, Mapped: 4, Rejected: 1}, Problems: []string{"plan.json: damaged"},
		Stages: []mapreduce.StageStatus{
			{
				Name: "00-split", Planned: true, Done: true, Tasks: []mapreduce.TaskStatus{{Kind: "split", Committed: 1, Total: 1}}, Rows: 9,
				Data: []mapreduce.DataStatus{{Name: "shards", Rows: 9, Bytes: 3 << 20}},
			},
			{
				Name: "01-classify", Planned: true, Rows: 5, Total: 9, Rejected: 1, WithRejects: 1, RunBytes: 2048,
				Tasks:   []mapreduce.TaskStatus{{Kind: "map", Committed: 2, Total: 4}, {Kind: "reduce", Total: 2}},
				Dropped: map[string]int64{"threshold": 3},
			},
			{Name: "02-later"},
		},
	}
	want := `classify      not complete; to continue: shardmill rerun job
00-split      split 1/1, 9 rows
01-classify   map 2/4, reduce 0/2, 5 of 9 rows, 3 dropped by threshold, 1 rejected in 1 task
02-later      not planned yet
rows          9 read, 4 mapped, 1 rejected
work space    3.0 MiB of shards, 2.0 KiB of run files
problem       plan.json: damaged
`
	if got := linesText(t, statusLines(s, "job")); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestProgressText(t *testing.T) {
	done := []mapreduce.StageStatus{{Name: "00-split", Done: true}}
	for _, test := range []struct {
		s    mapreduce.Status
		want string
	}{
		{mapreduce.Status{Driver: "pid 1 on h", Results: "out", Stages: done}, "running"},
		{mapreduce.Status{Results: "out", Stages: done}, "complete"},
		{mapreduce.Status{Results: "out", Stages: done, Rows: mapreduce.RowSummary{Rejected: 1}}, "complete, with rejects; to try those again: shardmill rerun --rejected j"},
		{mapreduce.Status{Results: "out", Stages: []mapreduce.StageStatus{{}}}, "not complete; to continue: shardmill rerun j"},
		{mapreduce.Status{Results: "held", Stages: done}, "held: too many rejects; to go on: shardmill rerun --max-rejects P% j"},
		{mapreduce.Status{}, "not complete; to continue: shardmill rerun j"},
	} {
		if got := progressText(test.s, "j"); got != test.want {
			t.Errorf("%+v: %q, expected %q", test.s, got, test.want)
		}
	}
}

// A scan reads no rows, and a job in place has no shards: neither is shown as nothing.
func TestStatusOfScan(t *testing.T) {
	scan := mapreduce.StageStatus{Name: "00-scan", Planned: true, Tasks: []mapreduce.TaskStatus{{Kind: "scan", Committed: 1, Total: 2}}}
	if got, want := stageText(scan), "scan 1/2"; got != want {
		t.Errorf("%q, expected %q", got, want)
	}
	split := mapreduce.StageStatus{Planned: true, Tasks: []mapreduce.TaskStatus{{Kind: "split", Total: 2}}}
	if got, want := stageText(split), "split 0/2, 0 rows"; got != want {
		t.Errorf("%q, expected %q", got, want)
	}
	for _, test := range []struct {
		w    mapreduce.WorkSpace
		want string
	}{
		{mapreduce.WorkSpace{}, ""},
		{mapreduce.WorkSpace{Runs: 5}, "5 bytes of run files"},
		{mapreduce.WorkSpace{Shards: 1}, "1 byte of shards"},
		{mapreduce.WorkSpace{Shards: 1, Sides: 3, Runs: 2048}, "1 byte of shards, 3 bytes of datasets for later stages, 2.0 KiB of run files"},
	} {
		if got := workText(test.w); got != test.want {
			t.Errorf("%+v: %q, expected %q", test.w, got, test.want)
		}
	}
}
