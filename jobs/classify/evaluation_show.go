package classify

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/shardmill/shardmill/jobs/internal/top"
)

// ErrNoEvaluation says that a job was not asked to evaluate.
var ErrNoEvaluation = errors.New("the job has no evaluation: it was run without --label-col, or with --evaluate=false")

// ShownEvaluation are the rows of an evaluation that people look at first.
type ShownEvaluation struct {
	Models      []Evaluation
	Labels      []EvaluatedLabel // those with the least F1, then by support down
	Confusion   []Confusion      // wrong ones, by count down
	Calibration []Calibration    // bins with images
}

// ReadEvaluations reads the evaluation of each model from the results in the folder out. It is ErrNoEvaluation where there is
// none.
func ReadEvaluations(out string) ([]Evaluation, error) {
	dataset := filepath.Join(out, overallName)
	if _, err := os.Stat(dataset); errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNoEvaluation
	}
	var models []Evaluation
	err := readAll(dataset, evaluationColumns(), func(e Evaluation) { models = append(models, e) })
	return models, err
}

// ShowEvaluation reads the evaluation of each model, and n labels and confusions of all together. It is ErrNoEvaluation where
// there is none.
func ShowEvaluation(out string, n int) (ShownEvaluation, error) {
	models, err := ReadEvaluations(out)
	if err != nil {
		return ShownEvaluation{}, err
	}
	s := ShownEvaluation{Models: models}
	worst := top.New(n, func(a, b EvaluatedLabel) int {
		return cmp.Or(cmp.Compare(a.F1, b.F1), cmp.Compare(b.Support, a.Support), cmp.Compare(b.Predicted, a.Predicted),
			cmp.Compare(a.LabelID, b.LabelID), cmp.Compare(a.Model, b.Model))
	})
	confused := top.New(n, func(a, b Confusion) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.TrueLabelID, b.TrueLabelID),
			cmp.Compare(a.LabelID, b.LabelID), cmp.Compare(a.Model, b.Model))
	})
	err = errors.Join(
		readAll(filepath.Join(out, classesName), evaluatedLabelColumns(), func(l EvaluatedLabel) { worst.Add(l) }),
		readAll(filepath.Join(out, confusionName), confusionColumns(), func(c Confusion) {
			if c.TrueLabelID != c.LabelID {
				confused.Add(c)
			}
		}),
		readAll(filepath.Join(out, calibrationName), calibrationColumns(), func(c Calibration) {
			if c.Count > 0 {
				s.Calibration = append(s.Calibration, c)
			}
		}),
	)
	s.Labels, s.Confusion = worst.Sorted(), confused.Sorted()
	return s, err
}
