package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/shardmill/shardmill/jobs"
	"github.com/shardmill/shardmill/jobs/classify"
	"github.com/shardmill/shardmill/mapreduce"
)

const showText = `
Prints the first rows of a job's results. Of classify: the labels with their
numbers of images and the best images of each, or with --label the best images
of one, or with --evaluation how right the first labels are. Of rank: the first rows of the first parts. Of wordcount: the most
frequent words.

Examples:
  shardmill show job
  shardmill show --label crane -n 5 job
  shardmill show --evaluation job
`

func (p *program) showCommand() *cli.Command {
	return &cli.Command{
		Name: "show", Usage: "print the first rows of a job's results",
		ArgsUsage: "JOB", Description: showText,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "label", Usage: "`NAME`images of this label only: its name or label_id"},
			&cli.IntFlag{Name: "n", Value: 20, Usage: "`N`rows at most (default: 20)"},
			evaluationFlag(),
			&cli.BoolFlag{Name: "json", Usage: "print one JSON object"},
		},
		Action: func(c *cli.Context) error {
			dir, err := jobArgument(c)
			switch {
			case err != nil:
				return err
			case c.Int("n") < 1:
				return badUsage("show", "-n: at least 1 is needed")
			case c.IsSet("label") && c.String("label") == "":
				return badUsage("show", "--label: a label is needed")
			case c.Bool("evaluation") && c.IsSet("label"):
				return badUsage("show", "--evaluation and --label exclude each other")
			case c.Bool("evaluation"):
				return p.showEvaluation(dir, c.Int("n"), c.Bool("json"))
			}
			return p.show(dir, jobs.View{Label: c.String("label"), Rows: c.Int("n")}, c.Bool("json"))
		},
	}
}

func (p *program) show(dir string, v jobs.View, asJSON bool) error {
	s, err := readStatus(dir)
	if err == nil {
		err = standing(s, dir)
	}
	if err != nil {
		return err
	}
	v.Out = filepath.Join(dir, mapreduce.ResultsOut)
	tables, err := jobs.Show(s.Job, v)
	if err != nil {
		return showError(err, dir)
	}
	if asJSON {
		return writeIndented(p.stdout, byName(tables))
	}
	for i, t := range tables {
		if i > 0 {
			if _, err := io.WriteString(p.stdout, "\n"); err != nil {
				return err
			}
		}
		if err := writeTable(p.stdout, t, terminalWidth(p.stdout)); err != nil {
			return err
		}
	}
	return nil
}

// standing is an error if a job has no results to show.
func standing(s mapreduce.Status, dir string) error {
	e := &exitError{code: mapreduce.ExitFailed, err: fmt.Errorf("%s has no results yet", dir)}
	switch {
	case s.Results == mapreduce.ResultsOut:
		return nil
	case s.Results == mapreduce.ResultsHeld:
		e.err = fmt.Errorf("the results of %s are held back in %s: too many rows were rejected", dir, filepath.Join(dir, mapreduce.ResultsHeld))
		e.hint = fmt.Sprintf("Look at %s, then: shardmill rerun --max-rejects P%% %s", filepath.Join(dir, "rejects"), dir)
	case s.Driver != "":
		e.hint = fmt.Sprintf("It is running. How far it is: shardmill status %s", dir)
	default:
		e.hint = fmt.Sprintf("Continue it: shardmill rerun %s", dir)
	}
	return e
}

func showError(err error, dir string) error {
	var unknown *jobs.UnknownError
	var label *classify.LabelError
	switch {
	case errors.As(err, &unknown):
		return badUsage("show", "%w", err)
	case errors.As(err, &label):
		return &exitError{code: mapreduce.ExitUsage, err: err, hint: fmt.Sprintf("The labels that there are: shardmill show %s", dir)}
	}
	return err
}

// byName collects the rows of tables of the same dataset.
func byName(tables []jobs.Table) map[string][]jobs.Row {
	m := map[string][]jobs.Row{}
	for _, t := range tables {
		m[t.Name] = append(append([]jobs.Row{}, m[t.Name]...), t.Rows...)
	}
	return m
}
