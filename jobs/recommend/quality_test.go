package recommend_test

import (
	"math"
	"slices"
	"testing"

	"github.com/shardmill/shardmill/jobs"
	"github.com/shardmill/shardmill/jobs/internal/datasets"
	"github.com/shardmill/shardmill/jobs/internal/rankmetrics"
	"github.com/shardmill/shardmill/jobs/recommend"
	"github.com/shardmill/shardmill/mapreduce"
	"github.com/shardmill/shardmill/mapreduce/mrtest"
)

// TestQuality runs whole jobs at the parameters of a reference and compares how good the lists are. ALS begins with other random
// numbers than the reference, so that 2 % are allowed.
func TestQuality(t *testing.T) {
	number := func(v float64) *float64 { return &v }
	for _, c := range []struct {
		name, model, metric string
		within              float64
		gowalla             bool
		change              func(p *recommend.Params)
	}{
		{"als50", "implicit ALS f=64 reg=50 alpha=10 it=15", "NDCG@10", .02, false, func(p *recommend.Params) {
			p.Algorithm, p.Regularization, p.Alpha = recommend.ALS, number(50), number(10)
		}},
		{"als.01", "implicit ALS f=64 reg=0.01 alpha=40 it=15", "NDCG@10", .02, false, func(p *recommend.Params) {
			p.Algorithm, p.Regularization, p.Alpha = recommend.ALS, number(.01), number(40)
		}},
		{"ease", "EASE f32 lambda=100", "NDCG@10", .001, false, func(p *recommend.Params) {
			p.Algorithm, p.Lambda = recommend.EASE, number(100)
		}},
		{"gowalla", "implicit ALS f=64 reg=20 alpha=40 it=15", "NDCG@20", .02, true, func(p *recommend.Params) {
			p.Algorithm, p.Regularization, p.Alpha = recommend.ALS, number(20), number(40)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			train, split, k := datasets.Path(t, "splits", "lastfm-hash80", "train.csv"), datasets.LastFM(t), 10
			if c.gowalla {
				train, split, k = datasets.Path(t, "gowalla", "train.txt"), datasets.Gowalla(t), 20
			}
			cfg := config(t, func(p *recommend.Params) {
				p.Top = k
				if c.gowalla {
					p.Format = "lines"
				}
				c.change(p)
			}, train)
			mrtest.Run(t, jobs.Standard(), recommend.Job(), cfg, mapreduce.ExitComplete)
			got := ndcg(lists(t, cfg.Dir), testPart(split), k)
			want := split.Reference(t, c.model)[c.metric]
			t.Logf("%s is %.5f, the reference has %.5f", c.metric, got, want)
			if !(math.Abs(got-want) <= c.within*want) || want == 0 {
				t.Errorf("%s is %.5f, want %.5f within %v", c.metric, got, want, c.within)
			}
		})
	}
}

// ndcg is the mean over users with a list and with items of the test part.
func ndcg(got map[int64][]listed, test map[int64][]int64, k int) float64 {
	index := map[int64]uint32{}
	at := func(item int64) uint32 {
		if _, ok := index[item]; !ok {
			index[item] = uint32(len(index))
		}
		return index[item]
	}
	for _, items := range test {
		for _, i := range items {
			at(i)
		}
	}
	for _, list := range got {
		for _, l := range list {
			at(l.item)
		}
	}
	sums := rankmetrics.New(rankmetrics.Options{Items: len(index), Cutoffs: []int{k}})
	for user, items := range test {
		if len(got[user]) == 0 {
			continue
		}
		var list, relevant []uint32
		for _, l := range got[user] {
			list = append(list, at(l.item))
		}
		for _, i := range items {
			relevant = append(relevant, at(i))
		}
		slices.Sort(relevant)
		sums.Add(uint32(user), list, relevant)
	}
	values := sums.Values()
	return values[slices.IndexFunc(values, func(v rankmetrics.Value) bool { return v.Metric == rankmetrics.NDCG })].Value
}

// testPart is what users took of the test part, by ids.
func testPart(s *datasets.Split) map[int64][]int64 {
	test := map[int64][]int64{}
	for u, id := range s.UserIDs {
		items, _ := s.Test.Row(u)
		for _, i := range items {
			test[int64(id)] = append(test[int64(id)], int64(s.ItemIDs[i]))
		}
	}
	return test
}
