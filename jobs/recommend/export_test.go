package recommend

import (
	"context"
	"errors"
	"runtime"
	"slices"

	"github.com/shardmill/shardmill/jobs/internal/dense"
	"github.com/shardmill/shardmill/jobs/internal/matrix"
	"github.com/shardmill/shardmill/jobs/internal/neighbours"
	"github.com/shardmill/shardmill/mapreduce"
)

// SmallJob is Job by another name, with shards, and parts of files, of about so many bytes.
func SmallJob(name string, bytes int64) mapreduce.Job {
	return mapreduce.New(name, Version, Defaults(), func(p Params) ([]mapreduce.Stage, error) {
		return stages(p, bytes)
	})
}

// PartsJob is the stages of an evaluation that make its parts, with shards, and parts of files, of about so many bytes.
func PartsJob(name string, bytes int64) mapreduce.Job {
	return mapreduce.New(name, evaluationVersion, EvaluationDefaults(), func(p EvaluationParams) ([]mapreduce.Stage, error) {
		if err := p.check(); err != nil {
			return nil, err
		}
		e := newEvaluation(p)
		return e.partStages(e.source(mapreduce.Target{Rows: p.ShardRows, Bytes: bytes})), nil
	})
}

// SmallEvaluationJob is EvaluationJob as SmallJob is Job.
func SmallEvaluationJob(name string, bytes int64) mapreduce.Job {
	return mapreduce.New(name, evaluationVersion, EvaluationDefaults(), func(p EvaluationParams) ([]mapreduce.Stage, error) {
		return evaluationStages(p, bytes)
	})
}

// MortalEvaluation is SmallEvaluationJob whose workers die where a configuration writes what it has measured; see MortalEnv. Its
// numbers are from 1.
func MortalEvaluation(name string, bytes int64) mapreduce.Job {
	return mapreduce.New(name, evaluationVersion, EvaluationDefaults(), func(p EvaluationParams) ([]mapreduce.Stage, error) {
		if err := p.check(); err != nil {
			return nil, err
		}
		e := newEvaluation(p)
		makeMortal(e.rungs[0].rows, func(r *measured) uint32 { return uint32(r.configuration) })
		return e.stages(e.source(mapreduce.Target{Rows: p.ShardRows, Bytes: bytes})), nil
	})
}

// Validate finds wrong parameters.
func (p Params) Validate() error { return p.check() }

// Validate finds wrong parameters.
func (p EvaluationParams) Validate() error { return p.check() }

// FactorsJob scores users by made-up factors: it is what a model of factors costs after its training.
func FactorsJob(factors int) mapreduce.Job {
	return mapreduce.New("factors", 1, Defaults(), func(p Params) ([]mapreduce.Stage, error) {
		j := newRecommendation(p)
		newScorer := func(_ *mapreduce.Env, d names, _ *room) (scorer, error) {
			items, err := dense.Pack(madeUp(nil, 1, d.items.Len(), factors), d.items.Len(), factors)
			if err != nil {
				return nil, err
			}
			return &byFactors{
				catalogue: &catalogue{items: items}, scorer: dense.NewScorer(items, p.Top),
				vector: func(dst []float32, row uint32) []float32 { return madeUp(dst, uint64(row)+2, 1, factors) },
			}, nil
		}
		return []mapreduce.Stage{
			j.matrixStage(j.source(mapreduce.Target{Bytes: shardBytes})), j.transposeStage(), j.itemsStage(), j.scoreStage(learner{scorer: newScorer}),
		}, nil
	})
}

// madeUp appends n vectors of numbers around 0 that follow from a seed.
func madeUp(dst []float32, seed uint64, n, factors int) []float32 {
	dst = slices.Grow(dst, n*factors)
	x := seed * 0x9e3779b97f4a7c15
	for range n * factors {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		dst = append(dst, float32(int32(x>>32))/(1<<31))
	}
	return dst
}

// Matrix is a matrix of interactions.
type Matrix = sparse

// Scored is an item of a list.
type Scored = neighbours.Scored

// LearnAlone passes on the lists of all users with interactions as a trial makes them, of one algorithm, in the heap.
func LearnAlone(ctx context.Context, p Params, users, items Matrix, top int, pass func(user uint32, list []Scored)) error {
	return learnIn(ctx, p, users, items, top, pass, inHeap{})
}

// LearnInFiles is LearnAlone in files of a folder.
func LearnInFiles(ctx context.Context, p Params, users, items Matrix, top int, folder string, pass func(user uint32, list []Scored)) error {
	keep := &inFiles{folder: folder}
	return errors.Join(learnIn(ctx, p, users, items, top, pass, keep), keep.Close())
}

func learnIn(ctx context.Context, p Params, users, items Matrix, top int, pass func(user uint32, list []Scored), keep keeper) error {
	parts, err := p.parts()
	if err != nil {
		return err
	}
	s, err := learnAlone(ctx, parts[0].Params, users, items, top, keep)
	if err != nil {
		return err
	}
	var rows []matrix.Row
	for i := range users.Rows() {
		if columns, values := users.Row(i); len(columns) > 0 {
			rows = append(rows, matrix.Row{Index: uint32(i), Columns: columns, Values: values})
		}
	}
	var batch []*matrix.Row
	for i := range rows {
		batch = append(batch, &rows[i])
	}
	return s.score(batch, func(r *matrix.Row, list []Scored) { pass(r.Index, list) })
}

// TrialsAlone trains and measures the configurations of an evaluation on matrices by users and by items, and tells what each took by
// a clock.
func TrialsAlone(ctx context.Context, p EvaluationParams, users, items, relevant Matrix, clock func() float64) (each []float64, err error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	e := newEvaluation(p)
	g := &ground{users: users, items: items, relevant: relevant, known: withEntry(users), catalogue: items.Rows()}
	for i := range e.configurations {
		runtime.GC() // what is left of the one before
		start := clock()
		if _, err := e.try(ctx, int32(i+1), g, ""); err != nil {
			return nil, err
		}
		each = append(each, clock()-start)
	}
	return each, nil
}
