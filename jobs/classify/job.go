package classify

import (
	"context"
	"fmt"
	"iter"
	"path/filepath"
	"sync"

	"github.com/shardmill/shardmill/formats/labels"
	"github.com/shardmill/shardmill/jobs/classify/internal/onnx"
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
		}, s.writes(p)...)
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
	files := []mapreduce.File{{Role: "ONNX Runtime", Path: rt.Path}}
	for _, m := range p.models() {
		of := ""
		if p.several() {
			of = " of " + m.Name()
		}
		spec, err := p.spec(m.Preprocess)
		if err != nil {
			return nil, fmt.Errorf("--preprocess: %w", err)
		}
		files = append(files,
			mapreduce.File{Role: "model" + of, Path: m.Path},
			mapreduce.File{Role: "preprocessing" + of, Path: m.Preprocess, Content: spec.Canonical()})
		files = append(files, weights(m.Path, of)...)
		if m.Labels != "" {
			files = append(files, mapreduce.File{Role: "labels" + of, Path: m.Labels})
		}
	}
	return files, nil
}

// weights are the files beside a model that it reads its weights from. A model that cannot be read has none: what is wrong with it
// is told when it is checked.
func weights(model, of string) (files []mapreduce.File) {
	file, err := onnx.ReadFile(model)
	if err != nil {
		return nil
	}
	for _, location := range file.External {
		files = append(files, mapreduce.File{Role: "weights " + location + of, Path: filepath.Join(filepath.Dir(model), location)})
	}
	return files
}

// streams are the two shuffles of the job with the datasets.
type streams struct {
	byID   *mapreduce.Stream[string, prediction]
	byRank *mapreduce.Stream[rankKey, prediction]
	counts *evaluationStream // nil without an evaluation
	out    outputs
}

// writes are the streams and datasets that the mapper writes to.
func (s streams) writes(p Params) []mapreduce.Port {
	var ports []mapreduce.Port
	if p.predicts() {
		ports = append(ports, s.byID, s.byRank)
	}
	if s.counts != nil {
		ports = append(ports, s.counts)
	}
	if p.embeds() {
		ports = append(ports, s.out.embeddings)
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
	ranks := rankCodec{p.several()}
	read := sync.OnceValues(func() ([]named, error) { return namedLabels(p) })
	newWriter := func() (writer, error) {
		models, err := read()
		return writer{out: out, models: models, several: p.several()}, err
	}
	s := streams{
		out: out,
		byID: &mapreduce.Stream[string, prediction]{
			Name: "by_id", Key: mapreduce.String{}, Value: predictionCodec{p.several()},
			BytesPerRow: int64(len(p.models())*p.TopK) * bytesByIDPerRank, Writes: []mapreduce.Port{out.predictions},
			Reduce: func(context.Context, *mapreduce.Env) (mapreduce.Reducer[string, prediction], error) {
				w, err := newWriter()
				return byID{w}, err
			},
		},
		byRank: &mapreduce.Stream[rankKey, prediction]{
			Name: "by_rank", Key: ranks, Value: predictionCodec{p.several()},
			Group: func([]byte) int { return ranks.group() }, BytesPerRow: int64(len(p.models())) * bytesByRank,
			Writes: []mapreduce.Port{out.ranked, out.labels},
			Reduce: func(context.Context, *mapreduce.Env) (mapreduce.Reducer[rankKey, prediction], error) {
				w, err := newWriter()
				return byRank{w}, err
			},
		},
	}
	if p.Evaluate && p.predicts() {
		s.counts = newEvaluationStream(newEvaluationOutputs(), read)
	}
	return s
}

// named is a model's name with its labels.
type named struct {
	name   string
	labels labels.Labels
}

// namedLabels reads the labels of all models that have some.
func namedLabels(p Params) ([]named, error) {
	var models []named
	for _, m := range p.models() {
		n := named{name: m.Name()}
		if m.Labels != "" {
			var err error
			if n.labels, err = labels.Read(m.Labels); err != nil {
				return nil, err
			}
		}
		models = append(models, n)
	}
	return models, nil
}

// writer makes rows of predictions.
type writer struct {
	out     outputs
	models  []named
	several bool
}

func (w writer) row(id string, p *prediction, rank int) Prediction {
	s, m := p.top[rank], &w.models[p.model]
	return Prediction{
		ID: id, Path: p.path, Rank: int32(rank) + 1, LabelID: int32(s.ID), Label: m.labels[s.ID], Score: s.Score,
		Status: p.status.String(), Model: m.name, Shard: p.shard, True: p.label.value, HasTrue: p.label.ok,
		carried: p.carried, later: p.later,
	}
}

// byID writes predictions: the rows of an image in order of model and rank.
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

// byRank writes ranked and labels: a group is a label of a model.
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
	m := &r.models[group.model]
	l := Label{LabelID: int32(group.label), Label: m.labels[group.label], Count: n, MeanScore: sum / float64(n)}
	if r.several {
		l.Model = m.name
	}
	r.out.labels.Write(out, 0, l)
	return nil
}

// Close implements mapreduce.Reducer.
func (byRank) Close() error { return nil }
