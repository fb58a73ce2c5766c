package recommend

import (
	"github.com/shardmill/shardmill/jobs/internal/neighbours"
	"github.com/shardmill/shardmill/mapreduce"
)

// learner is an algorithm as a part of a job.
type learner struct {
	stages []mapreduce.Stage // that learn from the matrices
	reads  []mapreduce.Port  // what its scorer reads
	scorer func(*mapreduce.Env, names, *room) (scorer, error)
	batch  int // users that it scores together, 0 for scoreBatch
}

// learner is what the parameters ask for: one algorithm, or a blend of several.
func (j *recommendation) learner() learner {
	if j.alone() {
		one := j.one()
		return one.limiting(one.learnerOf(), true)
	}
	learners := make([]learner, len(j.parts))
	weights, err := j.params.weights(len(learners))
	for i, of := range j.parts {
		one := j.partOf(of, i == describing(j.parts))
		learners[i] = one.limiting(one.learnerOf(), err == nil && weights[i] > 0)
	}
	return j.blend(learners)
}

// one is the job with the parameters of its one algorithm.
func (j *recommendation) one() *recommendation {
	one := *j
	one.params = j.parts[0].Params
	return &one
}

// learnerOf is the one algorithm of the parameters.
func (j *recommendation) learnerOf() learner {
	switch j.params.Algorithm {
	case Popularity:
		l := learner{reads: []mapreduce.Port{j.itemUsers}, scorer: j.popularity}
		if j.describes {
			l.stages = []mapreduce.Stage{j.itemsStage()}
		}
		return l
	case ALS:
		return newAlternation(j).learner()
	case EASE:
		return newInversion(j).learner()
	}
	return learner{stages: []mapreduce.Stage{j.similarityStage()}, reads: []mapreduce.Port{j.neighbours}, scorer: j.byNeighbours}
}

// byNeighbours scores by what the items of a user are near to.
func (j *recommendation) byNeighbours(env *mapreduce.Env, d names, _ *room) (scorer, error) {
	near, err := j.library.matrix(env, j.neighbours, d.items.Len(), d.items.Len())
	if err != nil {
		return nil, err
	}
	o := neighbours.ScoreOptions{Top: j.params.Top, Because: j.params.Because}
	if j.params.hasRules() {
		return j.byNeighboursUnderRules(env, d, near, o)
	}
	s, err := neighbours.NewScorer(near, o)
	return &oneByOne{one: s.Score}, err
}

// popularity scores by how many users have an item.
func (j *recommendation) popularity(env *mapreduce.Env, d names, _ *room) (scorer, error) {
	items, err := j.library.matrix(env, j.itemUsers, d.items.Len(), d.users.Len())
	if err != nil {
		return nil, err
	}
	counts := make([]int, items.Rows())
	for i := range counts {
		counts[i] = items.Count(i)
	}
	return j.byCounts(env, d, counts)
}

// byCounts scores by the users of each item, under the rules of the parameters.
func (j *recommendation) byCounts(env *mapreduce.Env, d names, counts []int) (scorer, error) {
	if j.params.hasRules() {
		return j.byCountsUnderRules(env, d, counts)
	}
	return byCounts(counts, j.params.Top), nil
}

// byCounts scores by the users of each item.
func byCounts(counts []int, top int) scorer {
	p := neighbours.NewPopularity(counts)
	return &oneByOne{one: func(history []uint32, _ []float32, dst []neighbours.Scored) []neighbours.Scored {
		return p.Score(history, top, dst)
	}}
}
