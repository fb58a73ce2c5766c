package classify

import (
	"context"
	"encoding/binary"
	"errors"
	"iter"

	"github.com/shardmill/shardmill/formats/labels"
	"github.com/shardmill/shardmill/jobs/classify/internal/metrics"
	"github.com/shardmill/shardmill/jobs/classify/internal/onnx"
	"github.com/shardmill/shardmill/mapreduce"
)

// evaluatedRanks is how many labels of an image an evaluation looks at, whatever --top-k is.
const evaluatedRanks = 5

// evaluationStream carries counts of images. Its groups are models.
type evaluationStream = mapreduce.Stream[evaluationKey, metrics.Count]

// evaluationKey says which images a count counts.
type evaluationKey struct {
	model uint32 // index
	kind  evaluationKind
	a, b  uint32 // see the kinds
}

type evaluationKind uint8

// Kinds of keys, in the order in which a reducer gets them.
const (
	unlabelledImages evaluationKind = iota // without a label; a and b are 0
	unknownImages                          // with a label that the model does not know; a and b are 0
	pairImages                             // with label id a, predicted as b
	binImages                              // of calibration bin a; b is 0
)

// evaluationKeyCodec writes model, kind, a and b, big-endian.
type evaluationKeyCodec struct{}

// evaluationGroup is the length of the part of an encoded evaluationKey that makes a group.
const evaluationGroup = 4

// Width implements mapreduce.FixedWidth.
func (evaluationKeyCodec) Width() int { return 13 }

// Append implements mapreduce.Codec.
func (evaluationKeyCodec) Append(b []byte, k evaluationKey) []byte {
	b = append(binary.BigEndian.AppendUint32(b, k.model), byte(k.kind))
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(b, k.a), k.b)
}

// Decode implements mapreduce.Codec.
func (c evaluationKeyCodec) Decode(b []byte) (evaluationKey, error) {
	if len(b) != c.Width() {
		return evaluationKey{}, mapreduce.ErrShort
	}
	return evaluationKey{
		model: binary.BigEndian.Uint32(b), kind: evaluationKind(b[4]),
		a: binary.BigEndian.Uint32(b[5:]), b: binary.BigEndian.Uint32(b[9:]),
	}, nil
}

// newEvaluationStream makes the stream, the reducer of which needs the models in the order of their indices.
func newEvaluationStream(out evaluationOutputs, models func() ([]named, error)) *evaluationStream {
	return &evaluationStream{
		Name: "evaluation_counts", Key: evaluationKeyCodec{}, Value: metrics.Codec{},
		Group:       func([]byte) int { return evaluationGroup },
		Merge:       func(into *metrics.Count, v metrics.Count) { into.Add(v) },
		BytesPerRow: 1, // since counts are merged
		Writes:      out.ports(),
		Reduce: func(context.Context, *mapreduce.Env) (mapreduce.Reducer[evaluationKey, metrics.Count], error) {
			m, err := models()
			return evaluationReducer{out, m}, err
		},
	}
}

// ranks is how many labels of an image are looked at: those of its predictions, and of its evaluation.
func (p Params) ranks() int {
	if p.Evaluate {
		return max(p.TopK, evaluatedRanks)
	}
	return p.TopK
}

// evaluator counts the images of one model in the mapper. Nil counts nothing.
type evaluator struct {
	stream *evaluationStream
	model  uint32
	labels *metrics.Labels
}

// newEvaluator makes the evaluator of a model, nil if there is no stream.
func newEvaluator(stream *evaluationStream, model int, names labels.Labels) *evaluator {
	if stream == nil {
		return nil
	}
	return &evaluator{stream, uint32(model), metrics.NewLabels(names)}
}

// add counts row i of a batch. Top are the best Params.ranks labels.
func (e *evaluator) add(out *mapreduce.Out, i int, label text, top []onnx.Scored) {
	if e == nil || len(top) == 0 {
		return
	}
	first := top[0]
	c := metrics.Count{Images: 1, Confidence: metrics.FixedOf(first.Score)}
	key := evaluationKey{model: e.model}
	truth, known := e.labels.Truth(label.value)
	switch {
	case !label.ok || label.value == "":
		key.kind = unlabelledImages
	case !known:
		key.kind = unknownImages
	default:
		for rank, s := range top[:min(len(top), evaluatedRanks)] {
			if e.labels.Predicted(truth, s.ID) == truth.ID {
				c.Top5 = 1
				if rank == 0 {
					c.Correct = 1
				}
			}
		}
		e.stream.Emit(out, i, evaluationKey{model: e.model, kind: binImages, a: uint32(metrics.BinOf(first.Score))}, c)
		key.kind, key.a, key.b = pairImages, uint32(truth.ID), uint32(e.labels.Predicted(truth, first.ID))
	}
	e.stream.Emit(out, i, key, c)
}

// evaluationReducer writes the evaluation of each model.
type evaluationReducer struct {
	out    evaluationOutputs
	models []named
}

// Reduce implements mapreduce.Reducer.
func (r evaluationReducer) Reduce(_ context.Context, group evaluationKey, values iter.Seq2[evaluationKey, metrics.Count], out *mapreduce.Out) error {
	if int64(group.model) >= int64(len(r.models)) {
		return errors.New("a count of a model that there is not")
	}
	m := r.models[group.model]
	e := evaluation{model: m, tally: metrics.NewTally(len(m.labels))}
	for k, c := range merged(values) {
		if err := e.add(k, c); err != nil {
			return err
		}
		if k.kind == pairImages {
			r.out.confusion.Write(out, 0, e.confusion(k, c))
		}
	}
	for row := range e.classes() {
		r.out.labels.Write(out, 0, row)
	}
	for bin := range e.tally.Bins {
		r.out.calibration.Write(out, 0, e.calibration(bin))
	}
	r.out.overall.Write(out, 0, e.overall())
	return nil
}

// Close implements mapreduce.Reducer.
func (evaluationReducer) Close() error { return nil }

// merged adds up the counts of each key; those of a key follow one another.
func merged(values iter.Seq2[evaluationKey, metrics.Count]) iter.Seq2[evaluationKey, metrics.Count] {
	return func(yield func(evaluationKey, metrics.Count) bool) {
		var key evaluationKey
		var sum metrics.Count
		for k, c := range values {
			if k != key && sum.Images > 0 {
				if !yield(key, sum) {
					return
				}
				sum = metrics.Count{}
			}
			key = k
			sum.Add(c)
		}
		if sum.Images > 0 {
			yield(key, sum)
		}
	}
}

// evaluation is that of one model while it is reduced.
type evaluation struct {
	model               named
	tally               *metrics.Tally
	unlabelled, unknown int64
}

func (e *evaluation) add(k evaluationKey, c metrics.Count) error {
	switch k.kind {
	case unlabelledImages:
		e.unlabelled = c.Images
	case unknownImages:
		e.unknown = c.Images
	case pairImages:
		return e.tally.AddPair(int(k.a), int(k.b), c)
	case binImages:
		return e.tally.AddBin(int(k.a), c)
	default:
		return errors.New("a count of a kind that there is not")
	}
	return nil
}
