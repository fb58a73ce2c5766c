package recommend

import (
	"slices"

	"github.com/shardmill/shardmill/jobs/internal/dense"
	"github.com/shardmill/shardmill/jobs/internal/ease"
	"github.com/shardmill/shardmill/jobs/internal/matrix"
	"github.com/shardmill/shardmill/jobs/internal/neighbours"
	"github.com/shardmill/shardmill/mapreduce"
)

// excluding is oneByOne under rules.
type excluding struct {
	except *except
	one    func(history []uint32, values []float32, except []uint32, dst []neighbours.Scored) []neighbours.Scored
	why    func(history []uint32, values []float32, list []neighbours.Scored) // or nil
	longer func(top int) (*excluding, error)
	list   []neighbours.Scored
}

// score implements scorer.
func (e *excluding) score(rows []*matrix.Row, pass func(*matrix.Row, []neighbours.Scored)) error {
	for _, r := range rows {
		e.except.begin()
		e.list = e.one(r.Columns, valuesOf(r), e.except.of(r), e.list[:0])
		pass(r, e.list)
	}
	return nil
}

// explain implements explainer.
func (e *excluding) explain(r *matrix.Row, list []neighbours.Scored) {
	if e.why != nil {
		e.why(r.Columns, valuesOf(r), list)
	}
}

// withTop implements lengthened.
func (e *excluding) withTop(top int) (scorer, error) { return e.longer(top) }

// byNeighboursUnderRules is byNeighbours under rules.
func (j *recommendation) byNeighboursUnderRules(env *mapreduce.Env, d names, near neighbours.Matrix, o neighbours.ScoreOptions) (scorer, error) {
	rules, err := j.rules(env, d)
	if err != nil {
		return nil, err
	}
	o.Allowed = rules.items()
	var make func(o neighbours.ScoreOptions) (*excluding, error)
	make = func(o neighbours.ScoreOptions) (*excluding, error) {
		s, err := neighbours.NewScorer(near, o)
		if err != nil {
			return nil, err
		}
		return &excluding{
			except: newExcept(rules), one: s.ScoreExcept, why: s.Explain,
			longer: func(top int) (*excluding, error) {
				return make(neighbours.ScoreOptions{Top: top, Allowed: o.Allowed})
			},
		}, nil
	}
	return make(o)
}

// byCountsUnderRules is byCounts under rules.
func (j *recommendation) byCountsUnderRules(env *mapreduce.Env, d names, counts []int) (scorer, error) {
	rules, err := j.rules(env, d)
	if err != nil {
		return nil, err
	}
	for i := range counts {
		if allowed := rules.items(); allowed != nil && !allowed[i] {
			counts[i] = 0 // as if nobody had it
		}
	}
	var make func(top int) (*excluding, error)
	make = func(top int) (*excluding, error) { //nolint:unparam // as that of neighbours
		p := neighbours.NewPopularity(counts)
		return &excluding{
			except: newExcept(rules), longer: make,
			one: func(_ []uint32, _ []float32, except []uint32, dst []neighbours.Scored) []neighbours.Scored {
				return p.Score(except, top, dst)
			},
		}, nil
	}
	return make(j.params.Top)
}

// withTop implements lengthened.
func (b *byFactors) withTop(top int) (scorer, error) { //nolint:unparam // of an interface
	longer := &byFactors{catalogue: b.catalogue, scorer: dense.NewScorer(b.catalogue.items, top), vector: b.vector, base: b.base}
	if b.except != nil {
		longer.except = newExcept(b.except.rules)
	}
	return longer, nil
}

// inverseRules is what a byInverse needs of rules.
type inverseRules struct {
	except *except
	rows   []*matrix.Row // that are scored
	make   func(top int) (scorer, error)
}

// begin says which rows are scored next. They ascend.
func (i *inverseRules) begin(rows []*matrix.Row) {
	if i != nil {
		i.rows = rows
		i.except.begin()
	}
}

// of is an ease.Filter's Except.
func (i *inverseRules) of(user int) ([]uint32, bool) {
	at, asked := slices.BinarySearchFunc(i.rows, uint32(user), func(r *matrix.Row, u uint32) int { return int(int64(r.Index) - int64(u)) })
	if !asked {
		return nil, false
	}
	return i.except.of(i.rows[at]), true
}

// withTop implements lengthened.
func (b *byInverse) withTop(top int) (scorer, error) { return b.rules.make(top) }

// byInverse is a scorer that obeys the rules, if there are some.
func (v *inversion) byInverse(env *mapreduce.Env, d names, newScorer func(top int) (*ease.Scorer, error)) (scorer, error) {
	rules, err := v.rules(env, d)
	if err != nil {
		return nil, err
	}
	var make func(top int) (scorer, error)
	make = func(top int) (scorer, error) {
		s, err := newScorer(top)
		if err != nil || rules == nil {
			return &byInverse{scorer: s}, err
		}
		of := &inverseRules{except: newExcept(rules), make: make}
		return &byInverse{scorer: s, rules: of}, s.SetFilter(ease.Filter{Allowed: rules.items(), Except: of.of})
	}
	return make(v.params.Top)
}
