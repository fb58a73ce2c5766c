package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/shardmill/shardmill/mapreduce"
)

const statusText = `
Says how far a job is, from what lies in its directory. It may be asked at any
time, also while the job runs.

Example:
  shardmill status job
`

func (p *program) statusCommand() *cli.Command {
	return &cli.Command{
		Name: "status", Usage: "say how far a job is",
		ArgsUsage: "JOB", Description: statusText,
		Flags: []cli.Flag{&cli.BoolFlag{Name: "json", Usage: "print one JSON object"}},
		Action: func(c *cli.Context) error {
			dir, err := jobArgument(c)
			if err != nil {
				return err
			}
			s, err := readStatus(dir)
			if err != nil {
				return err
			}
			if c.Bool("json") {
				return writeIndented(p.stdout, s)
			}
			return writeLines(p.stdout, statusLines(s, dir))
		},
	}
}

// readStatus reads the state of a job directory; its error says what to do.
func readStatus(dir string) (mapreduce.Status, error) {
	s, err := mapreduce.ReadStatus(dir)
	if err != nil {
		code := mapreduce.ExitCode(mapreduce.Summary{}, err)
		e := &exitError{code: code, err: err}
		if code != mapreduce.ExitFailed {
			e.hint = hint(code, err, dir)
		}
		return s, e
	}
	return s, nil
}

func writeIndented(w io.Writer, v any) error {
	b, err := json.MarshalIndent(v, "", " ")
	if err == nil {
		_, err = w.Write(append(b, '\n'))
	}
	return err
}

// statusLines is the state of a job for people.
func statusLines(s mapreduce.Status, dir string) []pair {
	lines := []pair{{s.Job, progressText(s, dir)}}
	if s.Driver != "" {
		lines = append(lines, pair{"driver", s.Driver})
	}
	for _, st := range s.Stages {
		lines = append(lines, pair{st.Name, stageText(st)})
	}
	lines = append(lines, pair{"rows", rowText(s.Rows)})
	if s.Results != "" {
		lines = append(lines, pair{"results", filepath.Join(dir, s.Results)})
	}
	if text := workText(s.WorkSpace()); text != "" {
		lines = append(lines, pair{"work space", text})
	}
	for _, problem := range s.Problems {
		lines = append(lines, pair{"problem", problem})
	}
	return lines
}

// workText is the size of what is kept for later tasks, "" if that is nothing.
func workText(w mapreduce.WorkSpace) string {
	var parts []string
	if w.Shards > 0 {
		parts = append(parts, sized(w.Shards)+" of shards")
	}
	if w.Sides > 0 {
		parts = append(parts, sized(w.Sides)+" of datasets for later stages")
	}
	if w.Runs > 0 {
		parts = append(parts, sized(w.Runs)+" of run files")
	}
	return strings.Join(parts, ", ")
}

// progressText is the state of the whole job, with the way on.
func progressText(s mapreduce.Status, dir string) string {
	switch {
	case s.Driver != "":
		return "running"
	case s.Complete() && s.Rows.Rejected > 0:
		return fmt.Sprintf("complete, with rejects; to try those again: shardmill rerun --rejected %s", dir)
	case s.Complete():
		return "complete"
	case s.Results == mapreduce.ResultsHeld:
		return fmt.Sprintf("held: too many rejects; to go on: shardmill rerun --max-rejects P%% %s", dir)
	}
	return fmt.Sprintf("not complete; to continue: shardmill rerun %s", dir)
}

// stageText is one stage: its tasks by kind, rows, drops and rejects.
func stageText(st mapreduce.StageStatus) string {
	if !st.Planned {
		return "not planned yet"
	}
	var parts []string
	for _, t := range st.Tasks {
		parts = append(parts, fmt.Sprintf("%s %d/%d", t.Kind, t.Committed, t.Total))
	}
	switch {
	case st.Total > 0:
		parts = append(parts, fmt.Sprintf("%d of %s", st.Rows, counted(st.Total, "row")))
	case st.Rows > 0 || !scans(st):
		parts = append(parts, counted(st.Rows, "row"))
	}
	for rule, n := range sortedRules(st.Dropped) {
		parts = append(parts, fmt.Sprintf("%d dropped by %s", n, rule))
	}
	if st.Rejected > 0 {
		parts = append(parts, fmt.Sprintf("%d rejected in %s", st.Rejected, counted(int64(st.WithRejects), "task")))
	}
	for _, name := range slices.Sorted(maps.Keys(st.Measures)) {
		parts = append(parts, fmt.Sprintf("%s %.6g", name, st.Measures[name]))
	}
	return strings.Join(parts, ", ")
}

// scans tells whether a stage only looks at files: it reads no rows.
func scans(st mapreduce.StageStatus) bool { return len(st.Tasks) > 0 && st.Tasks[0].Kind == "scan" }
