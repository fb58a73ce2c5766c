package recommend

import (
	"slices"

	"github.com/shardmill/shardmill/jobs/internal/blend"
	"github.com/shardmill/shardmill/jobs/internal/matrix"
	"github.com/shardmill/shardmill/jobs/internal/neighbours"
	"github.com/shardmill/shardmill/mapreduce"
)

// candidatesOf is the length of the lists that are merged into one of top items: an item that one algorithm ranks low may
// rank high together with another.
func candidatesOf(top int) int { return min(max(100, 5*top), most) }

// blendEntries bounds the candidates of the users that are scored together, of about 32 bytes with their reasons.
const blendEntries = 2 << 20

// partOf is what the stages of one algorithm of several share: datasets of its own, and longer lists.
func (j *recommendation) partOf(of part, describes bool) *recommendation {
	one := *j
	one.params, one.label, one.describes = of.Params, of.label, describes
	one.params.Top = candidatesOf(j.params.Top)
	one.neighbours = rowsOf(one.dataName("neighbours"))
	return &one
}

// stageName is the name of a stage of an algorithm: of several, its label is behind it.
func (j *recommendation) stageName(name string) string {
	if j.label == "" {
		return name
	}
	return name + "-" + j.label
}

// dataName is stageName for a dataset between stages.
func (j *recommendation) dataName(name string) string {
	if j.label == "" {
		return name
	}
	return name + "_" + j.label
}

// resultName is dataName for a result: the first of an algorithm keeps the name.
func (j *recommendation) resultName(name string) string {
	if j.label == j.params.Algorithm {
		return name
	}
	return j.dataName(name)
}

// blend makes one learner of several: they learn one after the other, and score together.
func (j *recommendation) blend(learners []learner) learner {
	var all learner
	for _, l := range learners {
		all.stages = append(all.stages, l.stages...)
		for _, p := range l.reads {
			if !slices.Contains(all.reads, p) {
				all.reads = append(all.reads, p)
			}
		}
		all.batch = max(all.batch, l.batch, scoreBatch)
	}
	all.batch = max(1, min(all.batch, blendEntries/(len(learners)*candidatesOf(j.params.Top))))
	all.scorer = func(env *mapreduce.Env, d names, r *room) (scorer, error) {
		weights, err := j.params.weights(len(learners))
		if err != nil {
			return nil, err
		}
		rules, err := j.rules(env, d)
		if err != nil {
			return nil, err
		}
		b := &blended{top: j.params.Top, parts: make([]candidates, len(learners)), lists: make([][]blend.Scored, len(learners)), limits: newLimits(rules)}
		if b.blender, err = blend.New(j.params.blendMethod(), weights, d.items.Len()); err != nil {
			return nil, err
		}
		for p, l := range learners {
			if b.parts[p].scorer, err = l.scorer(env, d, r); err != nil {
				return nil, err
			}
		}
		return b, nil
	}
	return all
}

// candidates are the lists of one algorithm for the users of a batch, one list behind the other.
type candidates struct {
	scorer  scorer
	items   []blend.Scored
	ends    []int // where the list of each user ends in items
	because []uint32
	reasons []int  // where the reasons of each item end in because
	took    []took // by limits, of each user
}

// find makes the lists of users.
func (c *candidates) find(rows []*matrix.Row) error {
	c.items, c.ends, c.because, c.reasons = c.items[:0], c.ends[:0], c.because[:0], c.reasons[:0]
	c.took = c.took[:0]
	return c.scorer.score(rows, func(_ *matrix.Row, list []neighbours.Scored) {
		if l, ok := c.scorer.(limiter); ok {
			c.took = append(c.took, l.took())
		}
		for _, s := range list {
			c.items = append(c.items, blend.Scored{Item: s.Index, Score: s.Score})
			c.because = append(c.because, s.Because...)
			c.reasons = append(c.reasons, len(c.because))
		}
		c.ends = append(c.ends, len(c.items))
	})
}

// begin is where the list of user u begins in items.
func (c *candidates) begin(u int) int {
	if u == 0 {
		return 0
	}
	return c.ends[u-1]
}

func (c *candidates) list(u int) []blend.Scored { return c.items[c.begin(u):c.ends[u]] }

// becauseOf are the reasons of the item of that rank in the list of user u.
func (c *candidates) becauseOf(u int, rank int32) []uint32 {
	at, from := c.begin(u)+int(rank)-1, 0
	if at > 0 {
		from = c.reasons[at-1]
	}
	return c.because[from:c.reasons[at]]
}

// blended is a scorer that merges the lists of several.
type blended struct {
	blender *blend.Blender
	top     int
	parts   []candidates
	lists   [][]blend.Scored // of a user
	merged  []blend.Merged
	list    []neighbours.Scored
	limits  *limits // nil without any
	last    took    // by limits, of the list that is passed on
}

// score implements scorer.
func (b *blended) score(rows []*matrix.Row, pass func(*matrix.Row, []neighbours.Scored)) error {
	for p := range b.parts {
		if err := b.parts[p].find(rows); err != nil {
			return err
		}
	}
	for u, r := range rows {
		for p := range b.parts {
			b.lists[p] = b.parts[p].list(u)
		}
		b.merge(u)
		b.list = b.list[:0]
		for _, m := range b.merged {
			b.list = append(b.list, neighbours.Scored{Index: m.Item, Score: m.Score, Because: b.because(u, m.Ranks)})
		}
		pass(r, b.list)
	}
	return nil
}

// merge merges the lists of user u.
func (b *blended) merge(u int) {
	if b.limits == nil {
		b.merged = b.blender.Merge(b.lists, b.top, b.merged[:0])
		return
	}
	all := 0
	for _, list := range b.lists {
		all += len(list)
	}
	b.merged = b.blender.Merge(b.lists, all, b.merged[:0])
	b.merged, b.last = takeWithin(b.limits, b.merged, b.top, func(m *blend.Merged) uint32 { return m.Item })
	for p := range b.parts {
		if p := &b.parts[p]; len(p.took) > u {
			b.last = b.last.or(p.took[u])
		}
	}
}

// took implements limiter.
func (b *blended) took() took { return b.last }

// because are the reasons of an item of those ranks, by the first algorithm that gives one.
func (b *blended) because(u int, ranks []int32) []uint32 {
	for p, rank := range ranks {
		if rank == 0 {
			continue
		}
		if reasons := b.parts[p].becauseOf(u, rank); len(reasons) > 0 {
			return reasons
		}
	}
	return nil
}

// ranks are those of the item at a place of the list that is passed on.
func (b *blended) ranks(place int) []int32 { return b.merged[place].Ranks }
