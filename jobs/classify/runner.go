package classify

import (
	"fmt"

	"github.com/shardmill/shardmill/formats/labels"
	"github.com/shardmill/shardmill/jobs/classify/internal/onnx"
	"github.com/shardmill/shardmill/jobs/classify/internal/preprocess"
	"github.com/shardmill/shardmill/mapreduce"
)

// runner runs one model over batches of crops.
type runner struct {
	Model
	index     int // in the order given
	crop      int // which crop of an image it takes
	ranks     int // how many labels of an image are looked at
	topK      int
	threshold float64
	l2        bool
	spec      preprocess.Spec
	session   *onnx.Session
	filler    *preprocess.Filler
	scores    []float32 // nil without labels
	top       []onnx.Scored
	vector    []float32 // the embeddings of a batch, nil without
	judge     *evaluator
}

// newRunner loads a model and compares it with its spec and its labels.
func newRunner(rt onnx.Runtime, p Params, m Model, index int, counts *evaluationStream) (*runner, error) {
	r := &runner{Model: m, index: index, ranks: p.ranks(), topK: p.TopK, threshold: p.Threshold, l2: p.L2}
	var err error
	if r.spec, err = p.spec(m.Preprocess); err != nil {
		return nil, fmt.Errorf("--preprocess: %w", err)
	}
	var names labels.Labels
	if m.Labels != "" {
		if names, err = labels.Read(m.Labels); err != nil {
			return nil, fmt.Errorf("--labels: %w", err)
		}
	}
	if r.filler, err = preprocess.NewFiller(r.spec); err != nil {
		return nil, err
	}
	o := r.options(p)
	if o.Device, err = onnx.ParseDevice(p.Device); err != nil {
		return nil, fmt.Errorf("--device %w", err)
	}
	if r.session, err = onnx.Open(rt, m.Path, o); err != nil {
		return nil, err
	}
	if m.Embedding != "" {
		r.vector = make([]float32, r.session.Batch()*r.session.VectorLen(0))
	}
	if m.Labels == "" {
		return r, nil
	}
	r.scores = make([]float32, r.session.Classes())
	if err := r.checkLabels(len(names)); err != nil {
		_ = r.session.Close() // err says what is wrong
		return nil, err
	}
	r.judge = newEvaluator(counts, index, names)
	return r, nil
}

// checkInput compares the model's input with the spec.
func (r *runner) checkInput(in onnx.Tensor) error {
	if err := r.spec.Check(in.Shape, string(in.Type)); err != nil {
		return fmt.Errorf("--preprocess: %w", err)
	}
	return nil
}

func (r *runner) options(p Params) onnx.Options {
	o := onnx.Options{Threads: 1, Batch: p.Batch, Row: specRow(r.spec), NoScores: r.Labels == "", Check: r.checkInput}
	if r.Embedding != "" {
		o.Outputs = []string{r.Embedding}
	}
	return o
}

func (r *runner) checkLabels(count int) error {
	if n := r.session.Classes() - r.spec.LabelOffset; n != count {
		return fmt.Errorf("--labels: %s has %d labels, but the model %s gives %d scores and label_offset is %d: %d labels are needed",
			r.Labels, count, r.Path, r.session.Classes(), r.spec.LabelOffset, n)
	}
	return nil
}

func (r *runner) fill(i int, crop []byte) {
	n := r.filler.Len()
	switch {
	case r.session.Float32() != nil:
		r.filler.FillFloat32(r.session.Float32()[i*n:(i+1)*n], crop)
	case r.session.Float16() != nil:
		r.filler.FillFloat16(r.session.Float16()[i*n:(i+1)*n], crop)
	default:
		r.filler.FillUint8(r.session.Uint8()[i*n:(i+1)*n], crop)
	}
}

func (r *runner) clear(i int) {
	n := r.filler.Len()
	switch {
	case r.session.Float32() != nil:
		clear(r.session.Float32()[i*n : (i+1)*n])
	case r.session.Float16() != nil:
		clear(r.session.Float16()[i*n : (i+1)*n])
	default:
		clear(r.session.Uint8()[i*n : (i+1)*n])
	}
}

// predict gives the best labels of slot i that reach the threshold, valid until the next call, as is r.top with all that
// are looked at. An error of class Input is
// about the model, any other about the image.
func (r *runner) predict(i int) ([]onnx.Scored, error) {
	r.session.Scores(i, r.scores)
	switch o := r.spec.Output; o.Kind {
	case preprocess.Logits:
		onnx.Softmax(r.scores)
	case preprocess.Quantised:
		for k, q := range r.scores {
			r.scores[k] = float32(o.Scale * (float64(q) - float64(o.ZeroPoint)))
		}
	case preprocess.Probabilities:
	}
	if err := r.checkScores(); err != nil {
		return nil, err
	}
	var err error
	if r.top, err = onnx.TopK(r.scores[r.spec.LabelOffset:], r.ranks, r.top[:0]); err != nil {
		return nil, err
	}
	n := 0
	for n < min(len(r.top), r.topK) && float64(r.top[n].Score) >= r.threshold {
		n++
	}
	return r.top[:n], nil
}

// scoreSlack is how far rounding, as of an 8-bit output, may take a probability out of [0, 1].
const scoreSlack = 1e-2

// checkScores refuses a model whose scores are no probabilities though the spec says so: thresholds and
// ranks would mean nothing. NaN is for TopK to refuse.
func (r *runner) checkScores() error {
	for k, s := range r.scores {
		if s < -scoreSlack || s > 1+scoreSlack {
			return mapreduce.BadInput(fmt.Errorf("--preprocess: the model's score %v of label %d is no probability; output kind %s in the spec does not fit: is it logits?",
				s, k-r.spec.LabelOffset, r.spec.Output.Kind))
		}
	}
	return nil
}
