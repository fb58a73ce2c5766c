package recommend

import (
	"github.com/shardmill/shardmill/jobs/internal/matrix"
	"github.com/shardmill/shardmill/jobs/internal/neighbours"
)

// within is a scorer whose lists keep a single limit, in one go.
type within struct {
	of     lengthened
	scorer counting
	top    int
	last   took
}

// counting is a scorer that keeps quotas, and tells how many candidates there were for the list that it passes on, if that is short.
type counting interface {
	scorer
	offered() int
}

// score implements scorer.
func (w *within) score(rows []*matrix.Row, pass func(*matrix.Row, []neighbours.Scored)) error {
	return w.scorer.score(rows, func(r *matrix.Row, list []neighbours.Scored) {
		w.last = took{}
		if len(list) < w.top { // what was left out was over the limit
			w.last.n = w.scorer.offered() - len(list)
		}
		if e, ok := w.of.(explainer); ok && len(list) > 0 {
			e.explain(r, list)
		}
		pass(r, list)
	})
}

// took implements limiter.
func (w *within) took() took { return w.last }
