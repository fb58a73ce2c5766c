package main

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/shardmill/shardmill/mapreduce"
)

// jsonLines prints each event as one line of JSON.
type jsonLines struct {
	w   io.Writer
	err error // the reader is gone: nothing more is written
}

func (j *jsonLines) event(e mapreduce.Event) {
	if j.err == nil {
		j.err = writeJSON(j.w, e)
	}
}

func (j *jsonLines) end() {}

// summaryLine ends the lines of a run.
type summaryLine struct {
	Kind    string            `json:"kind"` // "summary"
	Summary mapreduce.Summary `json:"summary"`
}

func writeJSON(w io.Writer, v any) error {
	b, err := json.Marshal(v)
	if err == nil {
		_, err = w.Write(append(b, '\n'))
	}
	return err
}

// plainLines prints what a log should have.
type plainLines struct {
	p     *program
	pace  pace
	shown time.Time // last line about progress
}

// plainEvery is the least time between two lines about progress.
const plainEvery = 30 * time.Second

func (l *plainLines) event(e mapreduce.Event) {
	switch e.Kind {
	case mapreduce.EventStage:
		l.pace = newPace(e)
		l.shown = e.Time
	case mapreduce.EventProgress:
		if e.Done < e.Tasks && e.Time.Sub(l.shown) < plainEvery {
			return
		}
		l.shown = e.Time
		l.p.say("%s", l.pace.text(e))
		return
	}
	if text := eventText(e); text != "" {
		l.p.say("%s", text)
	}
}

func (l *plainLines) end() {}

// eventText is the line about an event that is not progress, or "" if people need not see it.
func eventText(e mapreduce.Event) string {
	name := e.Stage
	if e.Task != "" {
		name += "/" + e.Task
	}
	switch e.Kind {
	case mapreduce.EventStart, mapreduce.EventProgress:
		return ""
	case mapreduce.EventStage:
		return fmt.Sprintf("%s starts: %s%s", e.Stage, counted(int64(e.Tasks), "task"), ofRows(e.Total))
	case mapreduce.EventReuse:
		return name + ": " + e.Text
	case mapreduce.EventRedo:
		return name + " runs again: " + e.Text
	}
	return e.Text // of a retry or failure, it begins with the attempt's name
}

func ofRows(n int64) string {
	if n == 0 {
		return ""
	}
	return " over " + counted(n, "row")
}

// pace measures the speed of a stage, not counting what an earlier run did.
type pace struct {
	began time.Time
	rows  int64 // done before
}

func newPace(e mapreduce.Event) pace { return pace{began: e.Time, rows: e.Rows} }

// text says how far a stage is, how fast it goes and how long it still takes.
func (p pace) text(e mapreduce.Event) string {
	s := fmt.Sprintf("%s: %d of %s", e.Stage, e.Done, counted(int64(e.Tasks), "task"))
	if e.Total > 0 {
		s += fmt.Sprintf(", %d of %s", e.Rows, counted(e.Total, "row"))
	} else if e.Rows > 0 {
		s += ", " + counted(e.Rows, "row")
	}
	if e.Rejected > 0 {
		s += fmt.Sprintf(", %d rejected", e.Rejected)
	}
	seconds := e.Time.Sub(p.began).Seconds()
	rate := float64(e.Rows-p.rows) / seconds
	if seconds <= 0 || rate <= 0 {
		return s
	}
	s += fmt.Sprintf(", %s rows/s", rateText(rate))
	if left := float64(e.Total-e.Rows) / rate; left >= 1 {
		s += fmt.Sprintf(", about %s left", (time.Duration(left) * time.Second).String())
	}
	return s
}

func rateText(rate float64) string {
	if rate < 10 {
		return fmt.Sprintf("%.1f", rate)
	}
	return fmt.Sprintf("%.0f", rate)
}
