package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/shardmill/shardmill/jobs"
	"github.com/shardmill/shardmill/mapreduce"
)

const verifyText = `
Checks all of a job directory that can be checked without running anything:
checksums of job.json, plans and task records; size, CRC-32C and rows of each
file against its record; the sums of rows from the input to the results; order
and ranks of sorted datasets; the rejects; and that nothing is missing from out/
or does not belong there. It goes on after a fault and lists all of them. A job
that is not finished fails the check "complete". Nothing is changed: the same
command that made the job, or rerun, mends what can be made again.

The exit code is 0 if all is well, 1 if anything is not, and 11 while the job
runs. With --json: one object, {"ok", "job", "checks": [{"check", "ok",
"looked", "problems"}]}.

Example:
  shardmill verify job
`

func (p *program) verifyCommand() *cli.Command {
	return &cli.Command{
		Name: "verify", Usage: "check a job directory: checksums, sums, order, completeness",
		ArgsUsage: "JOB", Description: verifyText,
		Flags: []cli.Flag{&cli.BoolFlag{Name: "json", Usage: "print one JSON object"}},
		Action: func(c *cli.Context) error {
			dir, err := jobArgument(c)
			if err != nil {
				return err
			}
			return p.verify(c.Context, dir, c.Bool("json"))
		},
	}
}

// verified is what verify --json prints.
type verified struct {
	OK     bool                `json:"ok"`
	Job    string              `json:"job"`
	Checks []mapreduce.Finding `json:"checks"`
}

func (p *program) verify(ctx context.Context, dir string, asJSON bool) error {
	v := verified{Job: dir, Checks: []mapreduce.Finding{}}
	failed := 0
	var writing error
	err := jobs.Verify(ctx, dir, func(f mapreduce.Finding) {
		v.Checks = append(v.Checks, f)
		if !f.OK {
			failed++
		}
		if !asJSON && writing == nil {
			writing = writeFinding(p.stdout, f)
		}
	})
	if err == nil {
		err = writing
	}
	if err != nil {
		code := mapreduce.ExitCode(mapreduce.Summary{}, err)
		e := &exitError{code: code, err: err}
		if code != mapreduce.ExitFailed {
			e.hint = hint(code, err, dir)
		}
		return e
	}
	if v.OK = failed == 0; asJSON {
		err = writeIndented(p.stdout, v)
	}
	if err == nil && failed > 0 {
		e := &exitError{code: mapreduce.ExitFailed}
		if e.err = fmt.Errorf("%d of %d checks of %s failed", failed, len(v.Checks), dir); !asJSON {
			e.hint = fmt.Sprintf("What can be made again, is: shardmill rerun %s", dir)
		}
		return e
	}
	return err
}

// problemsShown bounds the list of what is wrong with one thing.
const problemsShown = 20

// writeFinding writes a check with what is wrong, wrapped at the width of the terminal, or 80.
func writeFinding(w io.Writer, f mapreduce.Finding) error {
	state := "ok"
	if !f.OK {
		state = "FAILED"
	}
	const name = 18
	width := max(terminalWidth(w), columns)
	var b strings.Builder
	writeWrapped(&b, fmt.Sprintf("%-6s  %-*s", state, name, oneLine(f.Check)), f.Looked, width, name+9)
	for i, problem := range f.Problems {
		if i == problemsShown {
			fmt.Fprintf(&b, "        and %d more: see --json\n", len(f.Problems)-i)
			break
		}
		writeWrapped(&b, "       ", problem, width, 10)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// writeWrapped writes a head and words after it; further lines begin in column at. A word that does not fit stays whole, so that
// names of files can be copied.
func writeWrapped(b *strings.Builder, head, text string, width, at int) {
	line, used := head, false
	for word := range strings.FieldsSeq(oneLine(text)) {
		if used && len([]rune(line))+1+len([]rune(word)) > width {
			b.WriteString(strings.TrimRight(line, " ") + "\n")
			line = strings.Repeat(" ", at-1)
		}
		line += " " + word
		used = true
	}
	b.WriteString(strings.TrimRight(line, " ") + "\n")
}
