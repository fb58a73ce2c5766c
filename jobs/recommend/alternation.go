package recommend

import (
	"context"
	"fmt"

	"github.com/shardmill/shardmill/jobs/internal/als"
	"github.com/shardmill/shardmill/jobs/internal/factors"
	"github.com/shardmill/shardmill/jobs/internal/matrix"
	"github.com/shardmill/shardmill/mapreduce"
)

// vectorBatch is the number of rows of a matrix whose vectors one call of a Map makes.
const vectorBatch = 256

// lossSample is about how many items the loss is measured on.
const lossSample = 1024

// alternation is the stages of alternating least squares. A half-step is a stage that only maps: it makes the vectors
// of one side, row by row of the matrix, out of those of the other side, which its workers map into memory.
//
//	start       vectors of items, made up from the seed
//	users-01    vectors of users, then
//	items-01    vectors of items; and so on for all iterations
//	nearest     the items nearest to each item, by the cosine of their vectors
type alternation struct {
	*recommendation
	model   model
	users   []*mapreduce.Dataset[factors.Row] // after each iteration
	items   []*mapreduce.Dataset[factors.Row] // before the first iteration, and after each
	ratings *mapreduce.Dataset[float64]       // their mean, if they are explicit
	vectors struct {
		users, items *mapreduce.Dataset[factors.Row]
	} // of the last iteration, as results
}

func newAlternation(j *recommendation) *alternation {
	a := &alternation{recommendation: j, model: j.params.model(), ratings: ratingMean()}
	a.items = append(a.items, factorsOf(j.dataName("items_00")))
	for i := range j.params.iterations() {
		a.users = append(a.users, factorsOf(j.dataName(fmt.Sprintf("users_%02d", i+1))))
		a.items = append(a.items, factorsOf(j.dataName(fmt.Sprintf("items_%02d", i+1))))
	}
	if j.alone() { // a model
		a.items[len(a.items)-1] = factorsOf("item_vectors")
		a.items[len(a.items)-1].Side = false
	}
	a.vectors.users = result(j.resultName("user_factors"), j.names, vectorColumns("user", func(d names) names { return names{items: d.users} }))
	a.vectors.items = result(j.resultName("item_factors"), j.names, vectorColumns("item", func(d names) names { return d }))
	return a
}

func (a *alternation) learner() learner {
	stages := []mapreduce.Stage{a.startStage()}
	for t := 1; t <= len(a.users); t++ {
		stages = append(stages, a.usersStage(t), a.itemsStageOf(t))
	}
	users, items := a.users[len(a.users)-1], a.items[len(a.users)]
	reads := []mapreduce.Port{users, items}
	if a.params.Explicit {
		reads = append(reads, a.userItems) // for the mean
	}
	if a.describes {
		stages = append(stages, a.nearestStage(items))
	}
	return learner{
		stages: stages, reads: reads,
		scorer: func(env *mapreduce.Env, d names, r *room) (scorer, error) { return a.scorer(env, d, r, users, items) },
	}
}

// startStage makes up the vectors of items that the first iteration begins with.
func (a *alternation) startStage() mapreduce.Stage {
	st := mapreduce.NewStage(a.stageName("start"), a.itemUsers, vectorBatch,
		func(context.Context, *mapreduce.Env) (mapreduce.Mapper[matrix.Row], error) {
			return &halfStep{
				model: a.model, to: a.items[0],
				solve: func(r *matrix.Row, _ []float32, dst []float32) error { a.model.start(int(r.Index), dst); return nil },
			}, nil
		}, a.items[0])
	return st
}

// usersStage makes the vectors of users of iteration t.
func (a *alternation) usersStage(t int) mapreduce.Stage {
	before, to := a.items[t-1], a.users[t-1]
	writes, results := a.last(t, to, a.vectors.users)
	st := mapreduce.NewStage(a.stageName(fmt.Sprintf("users-%02d", t)), a.userItems, vectorBatch,
		func(_ context.Context, env *mapreduce.Env) (mapreduce.Mapper[matrix.Row], error) {
			d, err := a.names(env)
			if err != nil {
				return nil, err
			}
			h, err := a.halfStep(env, before, d.items.Len())
			if err != nil {
				return nil, err
			}
			h.to, h.results, h.start = to, results, true
			if t > 1 {
				h.former, err = a.library.factors(env, a.users[t-2], d.users.Len(), a.model.width())
			}
			return h, err
		}, writes...)
	st.Reads = a.reads(t, a.users, before)
	return st
}

// itemsStageOf makes the vectors of items of iteration t, and measures the loss.
func (a *alternation) itemsStageOf(t int) mapreduce.Stage {
	before, to := a.users[t-1], a.items[t]
	writes, results := a.last(t, to, a.vectors.items)
	st := mapreduce.NewStage(a.stageName(fmt.Sprintf("items-%02d", t)), a.itemUsers, vectorBatch,
		func(_ context.Context, env *mapreduce.Env) (mapreduce.Mapper[matrix.Row], error) {
			d, err := a.names(env)
			if err != nil {
				return nil, err
			}
			h, err := a.halfStep(env, before, d.users.Len())
			if err != nil {
				return nil, err
			}
			h.to, h.results, h.sample = to, results, d.items.Len()
			h.former, err = a.library.factors(env, a.items[t-1], d.items.Len(), a.model.width())
			return h, err
		}, writes...)
	st.Reads = append(a.reads(t, nil, before), a.items[t-1])
	return st
}

// last adds to what iteration t writes, in the last one, the vectors as results.
func (a *alternation) last(t int, to, vectors *mapreduce.Dataset[factors.Row]) (writes []mapreduce.Port, results *mapreduce.Dataset[factors.Row]) {
	if t < len(a.users) {
		return []mapreduce.Port{to}, nil
	}
	return []mapreduce.Port{to, vectors}, vectors
}

// reads lists what a half-step of iteration t reads: the vectors of the other side, and its own of the iteration before.
func (a *alternation) reads(t int, own []*mapreduce.Dataset[factors.Row], before mapreduce.Port) []mapreduce.Port {
	reads := []mapreduce.Port{a.userIDs, a.itemIDs, before}
	if a.params.Explicit {
		reads = append(reads, a.userItems) // for the mean
	}
	if own != nil && t > 1 {
		reads = append(reads, own[t-2])
	}
	return reads
}

// halfStep begins a half-step from the vectors of the other side, which has so many rows.
func (a *alternation) halfStep(env *mapreduce.Env, before *mapreduce.Dataset[factors.Row], rows int) (*halfStep, error) {
	other, err := a.library.factors(env, before, rows, a.model.width())
	if err != nil {
		return nil, err
	}
	h := &halfStep{model: a.model}
	if a.params.Explicit {
		return h, a.rate(env, h, other)
	}
	s, err := als.NewSolver(a.model.implicit, a.library.gram(other), other)
	if err != nil {
		return nil, err
	}
	h.solve = func(r *matrix.Row, former, dst []float32) error { return s.Row(r.Columns, valuesOf(r), former, dst) }
	h.measure = func(i int, r *matrix.Row, vector []float32, out *mapreduce.Out) {
		loss, weight := s.Loss(r.Columns, valuesOf(r), vector)
		out.Measure(i, "loss", loss, int64(weight+.5))
	}
	return h, nil
}

// rate makes a half-step one of explicit ratings.
func (a *alternation) rate(env *mapreduce.Env, h *halfStep, other *factors.Matrix) error {
	mean, err := a.mean(env)
	if err != nil {
		return err
	}
	s, err := als.NewRatingSolver(a.model.explicit, mean, other)
	h.solve = func(r *matrix.Row, _, dst []float32) error { return s.Row(r.Columns, valuesOf(r), dst) }
	h.measure = func(i int, r *matrix.Row, vector []float32, out *mapreduce.Out) {
		var e als.RatingErrors
		for q, c := range r.Columns {
			e.Add(float64(valueOf(r, q)), als.Predict(mean, vector, other.Row(int(c)), a.model.explicit.Factors))
		}
		out.MeasureSquares(i, "rmse", e.Squares, int64(e.N))
		out.Measure(i, "mae", e.Absolutes, int64(e.N))
	}
	return err
}

// mean is the mean of all ratings.
func (a *alternation) mean(env *mapreduce.Env) (float64, error) {
	if a.params.Model != "" {
		return a.storedMean(env)
	}
	d, err := a.names(env)
	if err != nil {
		return 0, err
	}
	m, err := a.library.matrix(env, a.userItems, d.users.Len(), d.items.Len())
	if err != nil {
		return 0, err
	}
	return a.library.mean(m), nil
}

// valuesOf are the values of a row, nil if all are 1.
func valuesOf(r *matrix.Row) []float32 {
	if len(r.Values) == 0 {
		return nil
	}
	return r.Values
}

func valueOf(r *matrix.Row, q int) float32 {
	if len(r.Values) == 0 {
		return 1
	}
	return r.Values[q]
}
