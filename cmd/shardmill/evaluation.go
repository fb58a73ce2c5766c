package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/shardmill/shardmill/jobs"
	"github.com/shardmill/shardmill/jobs/classify"
	"github.com/shardmill/shardmill/mapreduce"
)

func evaluateFlag() cli.Flag {
	return &cli.BoolFlag{
		Name:  "evaluate",
		Usage: "compare with the labels given; --evaluate=false does not (default: with --label-col)",
	}
}

// evaluates tells whether a classification is to be evaluated.
func evaluates(c *cli.Context) bool {
	if c.IsSet("evaluate") {
		return c.Bool("evaluate")
	}
	return c.String("label-col") != ""
}

func evaluationFlag() cli.Flag {
	return &cli.BoolFlag{Name: "evaluation", Usage: "of classify: accuracy, and the worst labels and confusions"}
}

// showEvaluation prints the evaluation of a classification.
func (p *program) showEvaluation(dir string, rows int, asJSON bool) error {
	s, err := readStatus(dir)
	if err == nil {
		err = standing(s, dir)
	}
	if err != nil {
		return err
	}
	models, tables, err := jobs.ShowEvaluation(s.Job, jobs.View{Out: filepath.Join(dir, mapreduce.ResultsOut), Rows: rows})
	if errors.Is(err, classify.ErrNoEvaluation) {
		return &exitError{code: mapreduce.ExitUsage, err: err, hint: "Its other results: shardmill show " + dir}
	}
	if err != nil {
		return showError(err, dir)
	}
	if asJSON {
		all := map[string]any{"evaluation": models}
		for name, rows := range byName(tables) {
			all[name] = rows
		}
		return writeIndented(p.stdout, all)
	}
	if err := writeLines(p.stdout, evaluationLines(models, s.Rows.Rejected)); err != nil {
		return err
	}
	for _, t := range slices.DeleteFunc(tables, func(t jobs.Table) bool { return len(t.Rows) == 0 }) {
		if _, err := io.WriteString(p.stdout, "\n"); err != nil {
			return err
		}
		if err := writeTable(p.stdout, t, terminalWidth(p.stdout)); err != nil {
			return err
		}
	}
	return nil
}

// ofEvaluation tells whether a dataset is one of those that evaluationLines sum up.
func ofEvaluation(s mapreduce.Summary, dataset string) bool {
	return s.Job == classify.Job().Name() && strings.HasPrefix(dataset, "evaluation")
}

// evaluated reads the evaluation of each model, if the job that has ended has any.
func evaluated(s mapreduce.Summary, dir string) ([]classify.Evaluation, error) {
	if s.Job != classify.Job().Name() || len(s.Datasets) == 0 {
		return nil, nil
	}
	models, err := classify.ReadEvaluations(filepath.Join(dir, resultFolder(s)))
	if errors.Is(err, classify.ErrNoEvaluation) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the evaluation: %w", err)
	}
	return models, nil
}

// evaluationLines says in short how good each model is.
func evaluationLines(models []classify.Evaluation, rejected int64) []pair {
	var lines []pair
	for _, m := range models {
		text := fmt.Sprintf("%d of %s, model %s", m.Evaluated, counted(m.Images, "image"), m.Model)
		lines = append(lines, pair{"evaluation", text})
		if left := leftOut(m, rejected); left != "" {
			lines = append(lines, pair{"left out", left})
		}
		if m.Evaluated == 0 {
			continue
		}
		lines = append(
			lines,
			pair{"accuracy", fmt.Sprintf("top-1 %s, top-5 %s", percent(m.Top1), percent(m.Top5))},
			pair{"macro means", fmt.Sprintf("precision %s, recall %s, F1 %s", percent(m.Precision), percent(m.Recall), percent(m.F1))},
			pair{"calibration", fmt.Sprintf("ECE %.4f, mean confidence %s", m.ECE, percent(m.Confidence))},
		)
	}
	return lines
}

// leftOut says which images are not evaluated, "" if all are.
func leftOut(m classify.Evaluation, rejected int64) string {
	var parts []string
	if m.Unlabelled > 0 {
		parts = append(parts, fmt.Sprintf("%d without a label", m.Unlabelled))
	}
	if m.Unknown > 0 {
		parts = append(parts, fmt.Sprintf("%d with a label that the model does not know", m.Unknown))
	}
	if rejected > 0 {
		parts = append(parts, fmt.Sprintf("%d rejected", rejected))
	}
	return strings.Join(parts, ", ")
}

func percent(share float64) string { return fmt.Sprintf("%.1f %%", 100*share) }

// evaluationLine is the line of a run before its summary.
type evaluationLine struct {
	Kind       string                `json:"kind"` // "evaluation"
	Evaluation []classify.Evaluation `json:"evaluation"`
}

// writeEvaluation writes what evaluated has read.
func (p *program) writeEvaluation(s style, sum mapreduce.Summary, models []classify.Evaluation, dir string) error {
	switch {
	case len(models) == 0:
		return nil
	case s.json:
		return writeJSON(p.stdout, evaluationLine{"evaluation", models})
	}
	lines := evaluationLines(models, sum.Rows.Rejected)
	if sum.State == mapreduce.StateComplete {
		lines = append(lines, pair{"details", "shardmill show --evaluation " + dir})
	}
	return writeLines(p.stdout, lines)
}
