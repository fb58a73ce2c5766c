package recommend

import (
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

// FactorsJob scores users by made-up factors: it is what a model of factors costs after its training.
func FactorsJob(factors int) mapreduce.Job {
	return mapreduce.New("factors", 1, Defaults(), func(p Params) ([]mapreduce.Stage, error) {
		j := newRecommendation(p)
		newScorer := func(_ *mapreduce.Env, d names) (scorer, error) {
			items, err := dense.Pack(madeUp(nil, 1, d.items.Len(), factors), d.items.Len(), factors)
			if err != nil {
				return nil, err
			}
			return &byFactors{scorer: dense.NewScorer(items, p.Top), factors: factors}, nil
		}
		return []mapreduce.Stage{j.matrixStage(j.source(mapreduce.Target{Bytes: shardBytes})), j.transposeStage(), j.itemsStage(), j.scoreStage(newScorer)}, nil
	})
}

// madeUp appends n vectors of numbers around 0 that follow from a seed.
func madeUp(dst []float32, seed uint64, n, factors int) []float32 {
	x := seed * 0x9e3779b97f4a7c15
	for range n * factors {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		dst = append(dst, float32(int32(x>>32))/(1<<31))
	}
	return dst
}

// byFactors is a scorer of made-up factors.
type byFactors struct {
	scorer  *dense.Scorer
	factors int
	users   []float32
	list    []neighbours.Scored
}

func (b *byFactors) score(rows []*matrix.Row, pass func(*matrix.Row, []neighbours.Scored)) {
	b.users = b.users[:0]
	for _, r := range rows {
		b.users = madeUp(b.users, uint64(r.Index)+2, 1, b.factors)
	}
	n := 0
	err := b.scorer.Score(b.users, func(u int) []uint32 { return rows[u].Columns }, func(_ int, list []dense.Scored) error {
		b.list = b.list[:0]
		for _, s := range list {
			b.list = append(b.list, neighbours.Scored{Index: s.Item, Score: float64(s.Score)})
		}
		pass(rows[n], b.list)
		n++
		return nil
	})
	if err != nil {
		panic(err) // made-up factors are finite
	}
}
