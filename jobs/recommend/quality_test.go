package recommend_test

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/shardmill/shardmill/jobs"
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
			train, test, reference, k := shared(t, "splits", "lastfm-hash80", "train.csv"), lastfmTest(t), "lastfm-hash80", 10
			if c.gowalla {
				train, test, reference, k = shared(t, "gowalla", "train.txt"), gowallaTest(t), "gowalla-published", 20
			}
			cfg := config(t, func(p *recommend.Params) {
				p.Top = k
				if c.gowalla {
					p.Format = "lines"
				}
				c.change(p)
			}, train)
			mrtest.Run(t, jobs.Standard(), recommend.Job(), cfg, mapreduce.ExitComplete)
			got := ndcg(lists(t, cfg.Dir), test, k)
			want := referenceMetric(t, reference, c.model, c.metric)
			t.Logf("%s is %.5f, the reference has %.5f", c.metric, got, want)
			if math.Abs(got-want) > c.within*want {
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

// referenceMetric reads a figure of a reference result.
func referenceMetric(t *testing.T, split, model, metric string) float64 {
	t.Helper()
	for _, name := range []string{"metrics_pop_knn_rp3_als.json", "metrics_extra.json"} {
		data, err := os.ReadFile(shared(t, "splits", split, name))
		if err != nil {
			t.Fatal(err)
		}
		var all []map[string]any
		if json.Unmarshal(data, &all) != nil {
			var file struct {
				Metrics []map[string]any `json:"metrics"`
			}
			if err := json.Unmarshal(data, &file); err != nil {
				t.Fatal(err)
			}
			all = file.Metrics
		}
		for _, m := range all {
			if m["model"] == model {
				v, ok := m[metric].(float64)
				if !ok {
					t.Fatalf("%s of %s is %v", metric, model, m[metric])
				}
				return v
			}
		}
	}
	t.Fatalf("no %s among the references of %s", model, split)
	return 0
}

func lastfmTest(t *testing.T) map[int64][]int64 {
	t.Helper()
	f, err := os.Open(shared(t, "splits", "lastfm-hash80", "test.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }() // only read
	records, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	test := map[int64][]int64{}
	for _, r := range records[1:] {
		user, item := whole(t, r[0]), whole(t, r[1])
		test[user] = append(test[user], item)
	}
	return test
}

// gowallaTest reads lines of a user and its items.
func gowallaTest(t *testing.T) map[int64][]int64 {
	t.Helper()
	f, err := os.Open(shared(t, "gowalla", "test.txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }() // only read
	test := map[int64][]int64{}
	s := bufio.NewScanner(f)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		fields := strings.Fields(s.Text())
		for _, item := range fields[min(1, len(fields)):] {
			user := whole(t, fields[0])
			test[user] = append(test[user], whole(t, item))
		}
	}
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
	return test
}

func whole(t *testing.T, s string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
