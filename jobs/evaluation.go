package jobs

import (
	"fmt"
	"strconv"

	"github.com/shardmill/shardmill/jobs/classify"
)

// ShowEvaluation reads the evaluation of a classification: that of each model, and tables of the labels, confusions and
// bins. It is classify.ErrNoEvaluation where there is none, and an *UnknownError for other jobs.
func ShowEvaluation(job string, v View) ([]classify.Evaluation, []Table, error) {
	if job != "classify" {
		return nil, nil, &UnknownError{Job: job}
	}
	s, err := classify.ShowEvaluation(v.Out, v.Rows)
	if err != nil {
		return nil, nil, err
	}
	several := len(s.Models) > 1
	tables := []Table{{
		Name: "evaluation_labels", Title: "the labels with the least F1",
		Header: []string{"model", "label_id", "label", "support", "predicted", "correct", "precision", "recall", "F1", "top-5"},
	}, {
		Name: "evaluation_confusion", Title: "the most frequent confusions",
		Header: []string{"model", "true_label_id", "true_label", "label_id", "label", "images"},
	}, {
		Name: "evaluation_calibration", Title: "images by their first score",
		Header: []string{"model", "above", "to", "images", "mean score", "accuracy"},
	}}
	for _, l := range s.Labels {
		tables[0].Rows = append(tables[0].Rows, evaluatedLabelRow{l, several})
	}
	for _, c := range s.Confusion {
		tables[1].Rows = append(tables[1].Rows, confusionRow{c, several})
	}
	for _, b := range s.Calibration {
		tables[2].Rows = append(tables[2].Rows, calibrationRow{b, several})
	}
	return s.Models, tables, nil
}

// modelCell names the model where there are several.
func modelCell(model string, several bool) string {
	if !several {
		return ""
	}
	return model
}

func share(v float64) string { return fmt.Sprintf("%.3f", v) }

func count(n int64) string { return strconv.FormatInt(n, 10) }

func number(id int32) string { return strconv.Itoa(int(id)) }

type evaluatedLabelRow struct {
	classify.EvaluatedLabel
	several bool
}

// Cells implements Row.
func (r evaluatedLabelRow) Cells() []string {
	return []string{
		modelCell(r.Model, r.several), number(r.LabelID), r.Label, count(r.Support), count(r.Predicted), count(r.Correct),
		share(r.Precision), share(r.Recall), share(r.F1), share(r.Top5),
	}
}

type confusionRow struct {
	classify.Confusion
	several bool
}

// Cells implements Row.
func (r confusionRow) Cells() []string {
	return []string{modelCell(r.Model, r.several), number(r.TrueLabelID), r.TrueLabel, number(r.LabelID), r.Label, count(r.Count)}
}

type calibrationRow struct {
	classify.Calibration
	several bool
}

// Cells implements Row.
func (r calibrationRow) Cells() []string {
	return []string{modelCell(r.Model, r.several), share(r.Lower), share(r.Upper), count(r.Count), share(r.Confidence), share(r.Accuracy)}
}
