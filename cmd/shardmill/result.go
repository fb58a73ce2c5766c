package main

import (
	"fmt"
	"iter"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/shardmill/shardmill/mapreduce"
)

// resultLines says in short how a job ended.
func resultLines(s mapreduce.Summary, dir string) []pair {
	lines := []pair{{s.Job, stateText(s)}, {"tasks", taskText(s.Stages)}, {"rows", rowText(s.Rows)}}
	folder := resultFolder(s)
	for _, d := range s.Datasets {
		if ofEvaluation(s, d.Name) {
			continue
		}
		text := fmt.Sprintf("%s in %s, %s", counted(d.Rows, "row"), counted(int64(d.Files), "file"), sized(d.Bytes))
		lines = append(lines, pair{d.Name, text + ": " + filepath.Join(dir, folder, d.Name)})
	}
	if s.Rows.Rejected > 0 && len(s.Datasets) > 0 {
		lines = append(lines, pair{"rejects", fmt.Sprintf("%s, each with its reason: %s", counted(s.Rows.Rejected, "row"), filepath.Join(dir, "rejects"))})
	}
	return append(lines, pair{"time", usageText(s)})
}

// resultFolder is where the results of a job are in its directory.
func resultFolder(s mapreduce.Summary) string {
	if s.State == mapreduce.StateHeld {
		return mapreduce.ResultsHeld
	}
	return mapreduce.ResultsOut
}

// stateText is the state of a job for people.
func stateText(s mapreduce.Summary) string {
	switch {
	case s.State == mapreduce.StateComplete && s.Rows.Rejected > 0:
		return "complete, with rejects"
	case s.State == mapreduce.StateHeld:
		return "held: too many rejects"
	case s.State == mapreduce.StateStopped:
		return "stopped: too many rejects"
	}
	return s.State
}

func taskText(stages []mapreduce.StageSummary) string {
	var tasks, committed, reused int
	for _, st := range stages {
		tasks, committed, reused = tasks+st.Tasks, committed+st.Committed, reused+st.Reused
	}
	text := fmt.Sprintf("%d of %d done", committed, tasks)
	switch reused {
	case 0:
		return text
	case committed:
		return text + ", all kept from an earlier run"
	}
	return text + fmt.Sprintf(", %d kept from an earlier run", reused)
}

// rowText accounts for the input rows.
func rowText(r mapreduce.RowSummary) string {
	parts := []string{fmt.Sprintf("%d read", r.Read), fmt.Sprintf("%d mapped", r.Mapped)}
	for rule, n := range sortedRules(r.Dropped) {
		parts = append(parts, fmt.Sprintf("%d dropped by %s", n, rule))
	}
	return strings.Join(append(parts, fmt.Sprintf("%d rejected", r.Rejected)), ", ")
}

func sortedRules(dropped map[string]int64) iter.Seq2[string, int64] {
	return func(yield func(string, int64) bool) {
		for _, rule := range slices.Sorted(maps.Keys(dropped)) {
			if !yield(rule, dropped[rule]) {
				return
			}
		}
	}
}

func usageText(s mapreduce.Summary) string {
	u := s.Usage
	text := fmt.Sprintf("%v with %s", seconds(u.WallSeconds), counted(int64(s.Workers), "worker"))
	if u.WorkerPeakRSS > 0 {
		text += fmt.Sprintf(", %v of CPU, up to %s each", seconds(u.CPUSeconds+u.DriverCPU), sized(u.WorkerPeakRSS))
	}
	return text
}

// seconds rounds a time to what people want to know of it.
func seconds(s float64) time.Duration {
	d := time.Duration(s * float64(time.Second))
	if d < 10*time.Second {
		return d.Round(10 * time.Millisecond)
	}
	return d.Round(time.Second)
}
