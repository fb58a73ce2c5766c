package classify

import (
	"context"
	"fmt"
	"iter"
	"sync"

	"github.com/shardmill/shardmill/formats/labels"
	"github.com/shardmill/shardmill/jobs/classify/internal/onnx"
	"github.com/shardmill/shardmill/jobs/classify/internal/preprocess"
	"github.com/shardmill/shardmill/mapreduce"
)

// Version of the job: it grows when equal inputs and parameters would give other bytes.
const Version = 1

// Job classifies images.
func Job() mapreduce.Job {
	return mapreduce.New("classify", Version, Defaults(), stages)
}

func stages(p Params) ([]mapreduce.Stage, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	timeout, err := p.timeout()
	if err != nil {
		return nil, err
	}
	s := newStreams(p)
	seen := newDuplicateIDs(p)
	st := mapreduce.NewStage("classify", source(p, seen), p.Batch,
		func(_ context.Context, env *mapreduce.Env) (mapreduce.Mapper[image], error) {
			return newClassifier(p, s, newDuplicates(env, seen))
		}, s.ports()...)
	st.Reads = seen.reads()
	st.Timeout = timeout
	st.Probe = true
	st.Files = func() ([]mapreduce.File, error) { return files(p) }
	return []mapreduce.Stage{st}, nil
}

// files can all change the output's bytes.
func files(p Params) ([]mapreduce.File, error) {
	rt, err := onnx.Find(nil)
	if err != nil {
		return nil, err
	}
	files := []mapreduce.File{
		{Role: "model", Path: p.Model}, {Role: "labels", Path: p.Labels}, {Role: "ONNX Runtime", Path: rt.Path},
	}
	spec, err := preprocess.Load(p.Preprocess)
	if err != nil {
		return nil, fmt.Errorf("--preprocess: %w", err)
	}
	return append(files, mapreduce.File{Role: "preprocessing", Path: p.Preprocess, Content: spec.Canonical()}), nil
}

// streams are the two shuffles of the job with their datasets.
type streams struct {
	byID   *mapreduce.Stream[string, prediction]
	byRank *mapreduce.Stream[rankKey, prediction]
	counts *evaluationStream // nil without an evaluation
}

func (s streams) ports() []mapreduce.Port {
	ports := []mapreduce.Port{s.byID, s.byRank}
	if s.counts != nil {
		ports = append(ports, s.counts)
	}
	return ports
}

// Estimates of what an image sends through each stream, for the number of partitions.
const (
	bytesByIDPerRank = 64
	bytesByRank      = 48
)

func newStreams(p Params) streams {
	out := newOutputs(p)
	read := sync.OnceValues(func() (labels.Labels, error) { return labels.Read(p.Labels) })
	newWriter := func() (writer, error) {
		names, err := read()
		return writer{out: out, labels: names, model: p.modelName()}, err
	}
	s := streams{
		byID: &mapreduce.Stream[string, prediction]{
			Name: "by_id", Key: mapreduce.String{}, Value: predictionCodec{},
			BytesPerRow: int64(p.TopK) * bytesByIDPerRank, Writes: []mapreduce.Port{out.predictions},
			Reduce: func(context.Context, *mapreduce.Env) (mapreduce.Reducer[string, prediction], error) {
				w, err := newWriter()
				return byID{w}, err
			},
		},
		byRank: &mapreduce.Stream[rankKey, prediction]{
			Name: "by_rank", Key: rankCodec{}, Value: predictionCodec{},
			Group: func([]byte) int { return rankGroup }, BytesPerRow: bytesByRank,
			Writes: []mapreduce.Port{out.ranked, out.labels},
			Reduce: func(context.Context, *mapreduce.Env) (mapreduce.Reducer[rankKey, prediction], error) {
				w, err := newWriter()
				return byRank{w}, err
			},
		},
	}
	if p.Evaluate {
		s.counts = newEvaluationStream(newEvaluationOutputs(), func() ([]evaluatedModel, error) {
			names, err := read()
			return []evaluatedModel{{p.modelName(), names}}, err
		})
	}
	return s
}

// writer makes rows of predictions.
type writer struct {
	out    outputs
	labels labels.Labels
	model  string
}

func (w writer) row(id string, p *prediction, rank int) Prediction {
	s := p.top[rank]
	return Prediction{
		ID: id, Path: p.path, Rank: int32(rank) + 1, LabelID: int32(s.ID), Label: w.labels[s.ID], Score: s.Score,
		Status: p.status.String(), Model: w.model, Shard: p.shard, True: p.label.value, HasTrue: p.label.ok,
		carried: p.carried,
	}
}

// byID writes predictions: the rows of an image in order of rank.
type byID struct{ writer }

// Reduce implements mapreduce.Reducer.
func (r byID) Reduce(_ context.Context, id string, values iter.Seq2[string, prediction], out *mapreduce.Out) error {
	for _, p := range values {
		for rank := range p.top {
			r.out.predictions.Write(out, 0, r.row(id, &p, rank))
		}
	}
	return nil
}

// Close implements mapreduce.Reducer.
func (byID) Close() error { return nil }

// byRank writes ranked and labels: a group is a label.
type byRank struct{ writer }

// Reduce implements mapreduce.Reducer.
func (r byRank) Reduce(_ context.Context, group rankKey, values iter.Seq2[rankKey, prediction], out *mapreduce.Out) error {
	var n int64
	var sum float64
	for k, p := range values {
		r.out.ranked.Write(out, 0, r.row(k.id, &p, 0))
		n++
		sum += float64(k.score)
	}
	r.out.labels.Write(out, 0, Label{
		LabelID: int32(group.label), Label: r.labels[group.label], Count: n, MeanScore: sum / float64(n),
	})
	return nil
}

// Close implements mapreduce.Reducer.
func (byRank) Close() error { return nil }
