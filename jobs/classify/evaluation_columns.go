package classify

import (
	"io"
	"iter"

	"github.com/shardmill/shardmill/formats/parquetfile"
	"github.com/shardmill/shardmill/formats/table"
	"github.com/shardmill/shardmill/jobs/classify/internal/metrics"
	"github.com/shardmill/shardmill/mapreduce"
)

// Evaluation is a row of the dataset evaluation: how good a model is. The averages are those of package metrics, over the
// evaluated images, and 0 where there is none.
type Evaluation struct {
	Model      string  `json:"model"`
	Images     int64   `json:"images"`     // with a result; dropped ones are among them, rejected ones are not
	Unlabelled int64   `json:"unlabelled"` // of Images: without a label
	Unknown    int64   `json:"unknown"`    // of Images: with a label that the model does not know
	Evaluated  int64   `json:"evaluated"`  // of Images: all others
	Top1       float64 `json:"top1"`
	Top5       float64 `json:"top5"`
	Precision  float64 `json:"precision"`
	Recall     float64 `json:"recall"`
	F1         float64 `json:"f1"`
	ECE        float64 `json:"ece"`
	Confidence float64 `json:"confidence"`
}

// EvaluatedLabel is a row of the dataset evaluation_labels: a label that is the true or the first one of some image.
type EvaluatedLabel struct {
	Model     string  `json:"model"`
	LabelID   int32   `json:"label_id"`
	Label     string  `json:"label"`
	Support   int64   `json:"support"`   // images of the label
	Predicted int64   `json:"predicted"` // images with it as the first
	Correct   int64   `json:"correct"`   // both
	Precision float64 `json:"precision"`
	Recall    float64 `json:"recall"`
	F1        float64 `json:"f1"`
	Top5      float64 `json:"top5"` // recall among the first five
}

// Confusion is a row of the dataset evaluation_confusion: images of a true label with a first label.
type Confusion struct {
	Model       string `json:"model"`
	TrueLabelID int32  `json:"true_label_id"`
	TrueLabel   string `json:"true_label"`
	LabelID     int32  `json:"label_id"`
	Label       string `json:"label"`
	Count       int64  `json:"count"`
}

// Calibration is a row of the dataset evaluation_calibration: images with a score in (Lower, Upper].
type Calibration struct {
	Model      string  `json:"model"`
	Bin        int32   `json:"bin"` // from 0
	Lower      float64 `json:"lower"`
	Upper      float64 `json:"upper"`
	Count      int64   `json:"count"`
	Confidence float64 `json:"confidence"` // mean
	Accuracy   float64 `json:"accuracy"`
}

// evaluationOutputs are the datasets of evaluations.
type evaluationOutputs struct {
	overall     *mapreduce.Dataset[Evaluation]
	labels      *mapreduce.Dataset[EvaluatedLabel]
	confusion   *mapreduce.Dataset[Confusion]
	calibration *mapreduce.Dataset[Calibration]
}

// Names of the datasets of evaluations.
const (
	overallName     = "evaluation"
	classesName     = "evaluation_labels"
	confusionName   = "evaluation_confusion"
	calibrationName = "evaluation_calibration"
)

func newEvaluationOutputs() evaluationOutputs {
	return evaluationOutputs{
		overall:     evaluationDataset(overallName, evaluationColumns()),
		labels:      evaluationDataset(classesName, evaluatedLabelColumns()),
		confusion:   evaluationDataset(confusionName, confusionColumns()),
		calibration: evaluationDataset(calibrationName, calibrationColumns()),
	}
}

func (o evaluationOutputs) ports() []mapreduce.Port {
	return []mapreduce.Port{o.overall, o.labels, o.confusion, o.calibration}
}

func evaluationDataset[R any](name string, cols table.Columns[R]) *mapreduce.Dataset[R] {
	return &mapreduce.Dataset[R]{
		Name: name, Ext: "parquet",
		Create: func(_ *mapreduce.Env, w io.Writer) (mapreduce.Sink[R], error) { return parquetfile.Create(w, cols) },
	}
}

func evaluationColumns() table.Columns[Evaluation] {
	type row = Evaluation
	return table.Columns[row]{
		table.String("model", func(r *row) string { return r.Model }, func(r *row, v string) { r.Model = v }),
		table.Int64("images", func(r *row) int64 { return r.Images }, func(r *row, v int64) { r.Images = v }),
		table.Int64("unlabelled", func(r *row) int64 { return r.Unlabelled }, func(r *row, v int64) { r.Unlabelled = v }),
		table.Int64("unknown", func(r *row) int64 { return r.Unknown }, func(r *row, v int64) { r.Unknown = v }),
		table.Int64("evaluated", func(r *row) int64 { return r.Evaluated }, func(r *row, v int64) { r.Evaluated = v }),
		table.Float64("top1", func(r *row) float64 { return r.Top1 }, func(r *row, v float64) { r.Top1 = v }),
		table.Float64("top5", func(r *row) float64 { return r.Top5 }, func(r *row, v float64) { r.Top5 = v }),
		table.Float64("precision", func(r *row) float64 { return r.Precision }, func(r *row, v float64) { r.Precision = v }),
		table.Float64("recall", func(r *row) float64 { return r.Recall }, func(r *row, v float64) { r.Recall = v }),
		table.Float64("f1", func(r *row) float64 { return r.F1 }, func(r *row, v float64) { r.F1 = v }),
		table.Float64("ece", func(r *row) float64 { return r.ECE }, func(r *row, v float64) { r.ECE = v }),
		table.Float64("confidence", func(r *row) float64 { return r.Confidence }, func(r *row, v float64) { r.Confidence = v }),
	}
}

func evaluatedLabelColumns() table.Columns[EvaluatedLabel] {
	type row = EvaluatedLabel
	return table.Columns[row]{
		table.String("model", func(r *row) string { return r.Model }, func(r *row, v string) { r.Model = v }),
		table.Int32("label_id", func(r *row) int32 { return r.LabelID }, func(r *row, v int32) { r.LabelID = v }),
		table.String("label", func(r *row) string { return r.Label }, func(r *row, v string) { r.Label = v }).Plain(),
		table.Int64("support", func(r *row) int64 { return r.Support }, func(r *row, v int64) { r.Support = v }),
		table.Int64("predicted", func(r *row) int64 { return r.Predicted }, func(r *row, v int64) { r.Predicted = v }),
		table.Int64("correct", func(r *row) int64 { return r.Correct }, func(r *row, v int64) { r.Correct = v }),
		table.Float64("precision", func(r *row) float64 { return r.Precision }, func(r *row, v float64) { r.Precision = v }),
		table.Float64("recall", func(r *row) float64 { return r.Recall }, func(r *row, v float64) { r.Recall = v }),
		table.Float64("f1", func(r *row) float64 { return r.F1 }, func(r *row, v float64) { r.F1 = v }),
		table.Float64("top5", func(r *row) float64 { return r.Top5 }, func(r *row, v float64) { r.Top5 = v }),
	}
}

func confusionColumns() table.Columns[Confusion] {
	type row = Confusion
	return table.Columns[row]{
		table.String("model", func(r *row) string { return r.Model }, func(r *row, v string) { r.Model = v }),
		table.Int32("true_label_id", func(r *row) int32 { return r.TrueLabelID }, func(r *row, v int32) { r.TrueLabelID = v }),
		table.String("true_label", func(r *row) string { return r.TrueLabel }, func(r *row, v string) { r.TrueLabel = v }),
		table.Int32("label_id", func(r *row) int32 { return r.LabelID }, func(r *row, v int32) { r.LabelID = v }),
		table.String("label", func(r *row) string { return r.Label }, func(r *row, v string) { r.Label = v }),
		table.Int64("count", func(r *row) int64 { return r.Count }, func(r *row, v int64) { r.Count = v }),
	}
}

func calibrationColumns() table.Columns[Calibration] {
	type row = Calibration
	return table.Columns[row]{
		table.String("model", func(r *row) string { return r.Model }, func(r *row, v string) { r.Model = v }),
		table.Int32("bin", func(r *row) int32 { return r.Bin }, func(r *row, v int32) { r.Bin = v }),
		table.Float64("lower", func(r *row) float64 { return r.Lower }, func(r *row, v float64) { r.Lower = v }),
		table.Float64("upper", func(r *row) float64 { return r.Upper }, func(r *row, v float64) { r.Upper = v }),
		table.Int64("count", func(r *row) int64 { return r.Count }, func(r *row, v int64) { r.Count = v }),
		table.Float64("confidence", func(r *row) float64 { return r.Confidence }, func(r *row, v float64) { r.Confidence = v }),
		table.Float64("accuracy", func(r *row) float64 { return r.Accuracy }, func(r *row, v float64) { r.Accuracy = v }),
	}
}

// overall is the row of a model.
func (e *evaluation) overall() Evaluation {
	s := e.tally.Summary()
	return Evaluation{
		Model: e.model.name, Images: e.unlabelled + e.unknown + s.Images,
		Unlabelled: e.unlabelled, Unknown: e.unknown, Evaluated: s.Images,
		Top1: s.Top1, Top5: s.Top5, Precision: s.Precision, Recall: s.Recall, F1: s.F1, ECE: s.ECE, Confidence: s.Confidence,
	}
}

// classes are the rows of its labels, by id.
func (e *evaluation) classes() iter.Seq[EvaluatedLabel] {
	return func(yield func(EvaluatedLabel) bool) {
		for id, c := range e.tally.Classes() {
			row := EvaluatedLabel{
				Model: e.model.name, LabelID: int32(id), Label: e.model.labels[id],
				Support: c.Support, Predicted: c.Predicted, Correct: c.Correct,
				Precision: c.Precision(), Recall: c.Recall(), F1: c.F1(), Top5: c.Top5Recall(),
			}
			if !yield(row) {
				return
			}
		}
	}
}

// confusion is the row of a pair, which is one of its labels.
func (e *evaluation) confusion(k evaluationKey, c metrics.Count) Confusion {
	return Confusion{
		Model: e.model.name, TrueLabelID: int32(k.a), TrueLabel: e.model.labels[k.a],
		LabelID: int32(k.b), Label: e.model.labels[k.b], Count: c.Images,
	}
}

// calibration is the row of a bin.
func (e *evaluation) calibration(bin int) Calibration {
	b := e.tally.Bins[bin]
	lower, upper := metrics.Bounds(bin)
	return Calibration{
		Model: e.model.name, Bin: int32(bin), Lower: lower, Upper: upper, Count: b.Images,
		Confidence: b.Confidence.Mean(b.Images), Accuracy: b.Accuracy(),
	}
}
