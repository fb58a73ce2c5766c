package als

import (
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/shardmill/shardmill/jobs/internal/datasets"
	"github.com/shardmill/shardmill/jobs/internal/dense"
	"github.com/shardmill/shardmill/jobs/internal/factors"
	"github.com/shardmill/shardmill/jobs/internal/vector"
)

// split is a dataset with both its matrices.
type split struct {
	*datasets.Split
	items *datasets.Matrix
}

func newSplit(s *datasets.Split) *split { return &split{s, s.Train.Transpose()} }

// train makes a model.
func (s *split) train(t testing.TB, opts Options, seed uint64, iterations int) (x, y *factors.Matrix) {
	t.Helper()
	x, y = factors.New(s.Train.Rows(), opts.Factors), initial(seed, s.items.Rows(), opts.Factors)
	for range iterations {
		half(t, vector.Best(), opts, s.Train, x, y)
		half(t, vector.Best(), opts, s.items, y, x)
	}
	return x, y
}

// metrics ranks all items for all users, and measures the lists at 10 and 20.
func (s *split) metrics(t testing.TB, x, y *factors.Matrix) map[string]float64 {
	t.Helper()
	flat := func(m *factors.Matrix) (all []float32) {
		for i := range m.Rows() {
			all = append(all, m.Row(i)...)
		}
		return all
	}
	packed, err := dense.Pack(flat(y), y.Rows(), y.Stride())
	if err != nil {
		t.Fatal(err)
	}
	lists := make([][]uint32, s.Train.Rows())
	seen := func(u int) []uint32 {
		columns, _ := s.Train.Row(u)
		return columns
	}
	err = dense.NewScorer(packed, 20).Score(flat(x), seen, func(u int, list []dense.Scored) error {
		for _, c := range list {
			lists[u] = append(lists[u], c.Item)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return s.Measure(lists)
}

// TestReference trains the models of implicit 0.7.3 at their parameters, and compares what their rankings are worth.
func TestReference(t *testing.T) {
	lastfm := newSplit(datasets.LastFM(t))
	for _, c := range []struct{ reg, alpha float64 }{{50, 10}, {.01, 40}, {10, 10}} {
		lastfm.compare(t, "NDCG@10", c.reg, c.alpha)
	}
	if testing.Short() {
		t.Skip("Gowalla takes half a minute: not with -short")
	}
	newSplit(datasets.Gowalla(t)).compare(t, "NDCG@20", 20, 40)
}

// compare trains a model of implicit, and compares a metric.
func (s *split) compare(t *testing.T, metric string, reg, alpha float64) {
	t.Helper()
	opts := Defaults()
	opts.Regularization, opts.Alpha = reg, alpha
	x, y := s.train(t, opts, 42, 15)
	got, want := s.metrics(t, x, y), s.Reference(t, fmt.Sprintf("implicit ALS f=64 reg=%v alpha=%v it=15", reg, alpha))
	off := got[metric]/want[metric] - 1
	t.Logf("%s, reg %v, alpha %v: %s %.5f, reference %.5f: %+.2f %%", s.Name, reg, alpha, metric, got[metric], want[metric], 100*off)
	if !(math.Abs(off) <= .02) || got["users"] != want["users"] {
		t.Errorf("%s, reg %v, alpha %v: %v, reference %v", s.Name, reg, alpha, got, want)
	}
}

// movieLens reads ratings, a random fifth of them as the test part, and the mean of the others.
func movieLens(t testing.TB) (train, test *datasets.Matrix, mean float64) {
	t.Helper()
	data, err := os.ReadFile(datasets.Path(t, "ml-latest-small", "ratings.csv"))
	if err != nil {
		t.Fatal(err)
	}
	type rated struct {
		user, item int
		value      float64
	}
	var all []rated
	var users, items []int
	for i, line := range strings.Split(strings.TrimSpace(string(data)), "\n")[1:] {
		var r rated
		if _, err := fmt.Sscanf(line, "%d,%d,%g,", &r.user, &r.item, &r.value); err != nil {
			t.Fatalf("line %d: %v", i+2, err)
		}
		all, users, items = append(all, r), append(users, r.user), append(items, r.item)
	}
	slices.Sort(users)
	slices.Sort(items)
	users, items = slices.Compact(users), slices.Compact(items)
	learnt, kept := datasets.Entries{}, datasets.Entries{}
	for _, r := range all {
		u, _ := slices.BinarySearch(users, r.user)
		i, _ := slices.BinarySearch(items, r.item)
		at := [2]uint32{uint32(u), uint32(i)}
		if mix(uint64(u)<<32|uint64(i)+1)%5 == 0 {
			kept[at] = float32(r.value)
		} else {
			learnt[at] = float32(r.value)
			mean += r.value
		}
	}
	part := func(entries datasets.Entries) *datasets.Matrix {
		return datasets.Compress(len(users), len(items), entries, false)
	}
	return part(learnt), part(kept), mean / float64(len(learnt))
}
