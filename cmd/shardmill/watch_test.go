package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/shardmill/shardmill/mapreduce"
)

// at is a moment of a run.
func at(seconds float64) time.Time {
	return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(seconds * float64(time.Second)))
}

func TestPlainLines(t *testing.T) {
	var b bytes.Buffer
	w := &plainLines{p: &program{stderr: &b}}
	for _, e := range []mapreduce.Event{
		{Kind: mapreduce.EventJob, Text: "job x starts"},
		{Kind: mapreduce.EventStage, Time: at(0), Stage: "01-x", Tasks: 10, Done: 2, Rows: 200, Total: 1000},
		{Kind: mapreduce.EventReuse, Stage: "01-x", Text: "2 of 10 tasks are kept"},
		{Kind: mapreduce.EventStart, Time: at(1), Stage: "01-x", Task: "map-000002", Attempt: 1},
		{Kind: mapreduce.EventProgress, Time: at(5), Stage: "01-x", Done: 3, Tasks: 10, Rows: 300, Total: 1000},
		{Kind: mapreduce.EventRedo, Stage: "01-x", Task: "map-000000", Text: "its file is gone"},
		{Kind: mapreduce.EventRetry, Stage: "01-x", Task: "map-000003", Text: "01-x/map-000003.a1: died\x1b[m"},
		{Kind: mapreduce.EventProgress, Time: at(40), Stage: "01-x", Done: 4, Tasks: 10, Rows: 400, Total: 1000},
		{Kind: mapreduce.EventProgress, Time: at(45), Stage: "01-x", Done: 5, Tasks: 10, Rows: 500, Total: 1000},
		{Kind: mapreduce.EventFail, Stage: "01-x", Task: "map-000003", Text: "01-x/map-000003.a3: failed"},
		{Kind: mapreduce.EventNote, Text: "a note"},
		{Kind: mapreduce.EventProgress, Time: at(50), Stage: "01-x", Done: 10, Tasks: 10, Rows: 1000, Total: 1000},
	} {
		w.event(e)
	}
	w.end()
	want := `job x starts
01-x starts: 10 tasks over 1000 rows
01-x: 2 of 10 tasks are kept
01-x/map-000000 runs again: its file is gone
01-x/map-000003.a1: died\x1b[m
01-x: 4 of 10 tasks, 400 of 1000 rows, 5.0 rows/s, about 2m0s left
01-x/map-000003.a3: failed
a note
01-x: 10 of 10 tasks, 1000 of 1000 rows, 16 rows/s
`
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
}

func TestPaceWithoutTime(t *testing.T) {
	e := mapreduce.Event{Time: at(1), Stage: "00-split", Done: 1, Tasks: 2}
	if got, want := newPace(e).text(e), "00-split: 1 of 2 tasks"; got != want {
		t.Errorf("%q, expected %q", got, want)
	}
	e.Rows = 1
	if got, want := newPace(e).text(e), "00-split: 1 of 2 tasks, 1 row"; got != want {
		t.Errorf("%q, expected %q", got, want)
	}
}

type brokenPipe struct{ writes int }

func (b *brokenPipe) Write([]byte) (int, error) {
	b.writes++
	return 0, errors.New("broken pipe")
}

func TestJSONLines(t *testing.T) {
	var b bytes.Buffer
	w := &jsonLines{w: &b}
	e := mapreduce.Event{Kind: mapreduce.EventNote, Time: at(0), Text: "two\nlines"}
	w.event(e)
	w.event(e)
	w.end()
	lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
	var got mapreduce.Event
	if len(lines) != 2 || json.Unmarshal([]byte(lines[1]), &got) != nil || got != e {
		t.Errorf("%q", lines)
	}
	broken := &brokenPipe{}
	w = &jsonLines{w: broken}
	w.event(e)
	w.event(e)
	if broken.writes != 1 {
		t.Errorf("%d writes to a pipe that is broken", broken.writes)
	}
}

// drawn is what a terminal shows at the end: each line after its last carriage return that is followed by text.
func drawn(s string) []string {
	var lines []string
	for l := range strings.SplitSeq(s, "\n") {
		parts := strings.Split(l, "\r")
		last := ""
		for _, p := range parts {
			if strings.TrimSpace(p) != "" {
				last = p
			}
		}
		lines = append(lines, strings.TrimRight(last, " "))
	}
	return lines
}

func TestBars(t *testing.T) {
	var b bytes.Buffer
	w := newBars(&program{stderr: &b})
	for _, e := range []mapreduce.Event{
		{Kind: mapreduce.EventJob, Text: "job x starts"},
		{Kind: mapreduce.EventStage, Stage: "00-split", Tasks: 1},
		{Kind: mapreduce.EventStart, Stage: "00-split"},
		{Kind: mapreduce.EventProgress, Stage: "00-split", Done: 1, Tasks: 1, Rows: 50},
		{Kind: mapreduce.EventStage, Stage: "01-x", Tasks: 4, Done: 1, Rows: 10, Total: 50},
		{Kind: mapreduce.EventProgress, Stage: "01-x", Done: 2, Tasks: 4, Rows: 30, Total: 50},
		{Kind: mapreduce.EventNote, Text: "a note"},
		{Kind: mapreduce.EventProgress, Stage: "01-x", Done: 3, Tasks: 4, Rows: 50, Total: 50},
		{Kind: mapreduce.EventProgress, Stage: "01-x", Done: 4, Tasks: 4, Rows: 50, Total: 50},
		{Kind: mapreduce.EventJob, Text: "job x: complete"},
	} {
		w.event(e)
	}
	w.end()
	lines := drawn(b.String())
	wants := []string{"job x starts", "00-split 100%", "a note", "01-x 100%", "01-x reduce 100%", "job x: complete", ""}
	if len(lines) != len(wants) {
		t.Fatalf("%d lines, expected %d:\n%q", len(lines), len(wants), lines)
	}
	for i, want := range wants {
		if !strings.HasPrefix(lines[i], want) || len(lines[i]) > columns {
			t.Errorf("line %d is %q, expected %s...", i, lines[i], want)
		}
	}
	if !strings.Contains(lines[3], "(40/40, ") {
		t.Errorf("the bar counts rows of an earlier run: %q", lines[3])
	}
}

// A stage whose tasks are all kept, and a run that ends in the middle, draw no broken bar.
func TestBarsOfNothing(t *testing.T) {
	var b bytes.Buffer
	w := newBars(&program{stderr: &b})
	w.event(mapreduce.Event{Kind: mapreduce.EventStage, Stage: "00-split"})
	w.event(mapreduce.Event{Kind: mapreduce.EventStage, Stage: "01-x", Tasks: 3, Done: 3, Rows: 9, Total: 9})
	w.event(mapreduce.Event{Kind: mapreduce.EventProgress, Stage: "01-x", Tasks: 3, Done: 3, Rows: 9, Total: 9})
	w.end()
	if b.Len() > 0 {
		t.Errorf("drew %q", b.String())
	}
	w = newBars(&program{stderr: &b})
	w.event(mapreduce.Event{Kind: mapreduce.EventStage, Stage: "01-x", Tasks: 3, Total: 9})
	w.end()
	if !strings.HasSuffix(b.String(), "\n") || !strings.Contains(b.String(), "01-x   0%") {
		t.Errorf("drew %q", b.String())
	}
}

// A line fits the terminal whatever numbers are in it, and an interrupted bar stays above the last word.
func TestBarsFit(t *testing.T) {
	var b bytes.Buffer
	w := newBars(&program{stderr: &b})
	const rows = 60e6
	w.event(mapreduce.Event{Kind: mapreduce.EventStage, Stage: "01-rank", Tasks: 20, Total: rows})
	if strings.Contains(b.String(), "/hr") {
		t.Errorf("a speed before there is one: %q", b.String())
	}
	for i := range int64(10) {
		w.event(mapreduce.Event{Kind: mapreduce.EventProgress, Stage: "01-rank", Tasks: 20, Done: int(i), Rows: i * rows / 10, Total: rows})
		time.Sleep(15 * time.Millisecond) // above a million rows a second
	}
	w.event(mapreduce.Event{Kind: mapreduce.EventJob, Text: "job rank: interrupted"})
	w.end()
	for line := range strings.FieldsFuncSeq(b.String(), func(r rune) bool { return r == '\r' || r == '\n' }) {
		if len(line) >= columns {
			t.Errorf("%d columns: %q", len(line), line)
		}
	}
	if lines := drawn(b.String()); len(lines) != 3 || !strings.HasPrefix(lines[0], "01-rank ") || lines[1] != "job rank: interrupted" {
		t.Errorf("%q", lines)
	}
}

func TestBarWidth(t *testing.T) {
	p := &program{stderr: &bytes.Buffer{}}
	for _, test := range []struct {
		name string
		n    int64
		want int
	}{{"00-scan", 2, 24}, {"01-rank", 60e6, 11}, {strings.Repeat("long", 20), 1, 6}} {
		if got := barWidth(p, test.name, "rows", test.n); got != test.want {
			t.Errorf("%s of %d: %d, expected %d", test.name, test.n, got, test.want)
		}
	}
}
