package recommend

import (
	"slices"

	"github.com/shardmill/shardmill/jobs/internal/dense"
	"github.com/shardmill/shardmill/jobs/internal/ease"
	"github.com/shardmill/shardmill/jobs/internal/matrix"
	"github.com/shardmill/shardmill/jobs/internal/neighbours"
	"github.com/shardmill/shardmill/jobs/internal/quota"
	"github.com/shardmill/shardmill/mapreduce"
)

// excluding is oneByOne under rules.
type excluding struct {
	except *except
	one    func(history []uint32, values []float32, except []uint32, dst []neighbours.Scored) []neighbours.Scored
	why    func(history []uint32, values []float32, list []neighbours.Scored)
	other  func(top int, classes bool) (*excluding, error)
	had    func() int // candidates for the list that is passed on, see counting
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
	e.why(r.Columns, valuesOf(r), list)
}

// withTop implements lengthened.
func (e *excluding) withTop(top int, classes bool) (counting, error) { return e.other(top, classes) }

// offered implements counting.
func (e *excluding) offered() int { return e.had() }

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
			had: s.Offered,
			other: func(top int, classes bool) (*excluding, error) {
				other := neighbours.ScoreOptions{Top: top, Allowed: o.Allowed}
				if classes {
					other.Quotas = rules.classes()
				}
				return make(other)
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
	return &popular{popularity: neighbours.NewPopularity(counts), top: j.params.Top, except: newExcept(rules), limits: newLimits(rules)}, nil
}

// popular walks for each user over the one ranking of all items.
type popular struct {
	popularity *neighbours.Popularity
	top        int
	except     *except
	limits     *limits // nil without any
	list       []neighbours.Scored
}

// score implements scorer.
func (p *popular) score(rows []*matrix.Row, pass func(*matrix.Row, []neighbours.Scored)) error {
	for _, r := range rows {
		p.except.begin()
		if except := p.except.of(r); p.limits == nil {
			p.list = p.popularity.Score(except, p.top, p.list[:0])
		} else {
			p.limits.begin()
			p.list = p.popularity.ScoreWithin(except, p.top, p.limits.take, p.list[:0])
		}
		pass(r, p.list)
	}
	return nil
}

// took implements limiter.
func (p *popular) took() took {
	if p.limits == nil {
		return took{}
	}
	return p.limits.took()
}

// withTop implements lengthened.
func (b *byFactors) withTop(top int, classes bool) (counting, error) { //nolint:unparam // of an interface
	var q *quota.Quotas
	if classes {
		q = classesOf(b.rules.classes(), b.catalogue.numbers)
	}
	return &byFactors{
		catalogue: b.catalogue, scorer: dense.NewScorerUnder(b.catalogue.items, top, q), vector: b.vector, base: b.base,
		rules: b.rules, except: newExcept(b.rules),
	}, nil
}

// offered implements counting.
func (b *byFactors) offered() int {
	if b.last.unknown {
		return 0
	}
	return b.catalogue.items.Len() - b.last.seen
}

// inverseRules is what a byInverse needs of rules.
type inverseRules struct {
	except *except
	rows   []*matrix.Row // that are scored
	make   func(top int, classes bool) (*byInverse, error)
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
func (b *byInverse) withTop(top int, classes bool) (counting, error) {
	return b.rules.make(top, classes)
}

// offered implements counting.
func (b *byInverse) offered() int { return b.scorer.Offered() }

// byInverse is a scorer that obeys the rules, if there are some.
func (v *inversion) byInverse(env *mapreduce.Env, d names, newScorer func(top int) (*ease.Scorer, error)) (scorer, error) {
	rules, err := v.rules(env, d)
	if err != nil {
		return nil, err
	}
	var make func(top int, classes bool) (*byInverse, error)
	make = func(top int, classes bool) (*byInverse, error) {
		s, err := newScorer(top)
		if err != nil || rules == nil {
			return &byInverse{scorer: s}, err
		}
		of := &inverseRules{except: newExcept(rules), make: make}
		filter := ease.Filter{Allowed: rules.items(), Except: of.of}
		if classes {
			filter.Quotas = rules.classes()
		}
		return &byInverse{scorer: s, rules: of}, s.SetFilter(filter)
	}
	return make(v.params.Top, false)
}
