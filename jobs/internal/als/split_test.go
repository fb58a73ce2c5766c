package als

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/shardmill/shardmill/jobs/internal/dense"
	"github.com/shardmill/shardmill/jobs/internal/factors"
	"github.com/shardmill/shardmill/jobs/internal/rankmetrics"
	"github.com/shardmill/shardmill/jobs/internal/vector"
)

// split is a training part and what users took of the test part, in indexes by ascending id.
type split struct {
	users, items *sparse
	test         [][]uint32
}

// shared is a path below ../shared/data/interactions beside the repository; without it the test is skipped.
func shared(t testing.TB, elem ...string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for dir != filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		dir = filepath.Dir(dir)
	}
	path := filepath.Join(append([]string{dir, "..", "shared", "data", "interactions"}, elem...)...)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("no real data: %v", err)
	}
	return path
}

// pair is who had what.
type pair struct{ user, item int }

// lines reads numbers, line by line; a line with other text is left out.
func lines(t testing.TB, path string) (all [][]int) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		var numbers []int
		for _, cell := range strings.FieldsFunc(line, func(r rune) bool { return r <= ' ' || r == ',' }) {
			n, err := strconv.Atoi(cell)
			if err != nil {
				break
			}
			numbers = append(numbers, n)
		}
		if len(numbers) > 0 {
			all = append(all, numbers)
		}
	}
	return all
}

// readSplit reads a split of lines "user item item ...".
func readSplit(t testing.TB, train, test string) *split {
	t.Helper()
	var parts [2][]pair
	var userIDs, itemIDs []int
	for i, path := range []string{train, test} {
		for _, line := range lines(t, path) {
			userIDs, itemIDs = append(userIDs, line[0]), append(itemIDs, line[1:]...)
			for _, item := range line[1:] {
				parts[i] = append(parts[i], pair{line[0], item})
			}
		}
	}
	slices.Sort(userIDs)
	slices.Sort(itemIDs)
	userIDs, itemIDs = slices.Compact(userIDs), slices.Compact(itemIDs)
	lists := func(pairs []pair) [][]uint32 {
		lists := make([][]uint32, len(userIDs))
		for _, p := range pairs {
			u, _ := slices.BinarySearch(userIDs, p.user)
			i, _ := slices.BinarySearch(itemIDs, p.item)
			lists[u] = append(lists[u], uint32(i))
		}
		for u := range lists {
			slices.Sort(lists[u])
			lists[u] = slices.Compact(lists[u])
		}
		return lists
	}
	s := &split{users: &sparse{columns: len(itemIDs), starts: []int{0}}, test: lists(parts[1])}
	for _, list := range lists(parts[0]) {
		s.users.index = append(s.users.index, list...)
		s.users.starts = append(s.users.starts, len(s.users.index))
	}
	s.items = s.users.transpose()
	return s
}

// train makes a model.
func (s *split) train(t testing.TB, opts Options, seed uint64, iterations int) (x, y *factors.Matrix) {
	t.Helper()
	x, y = factors.New(s.users.rows(), opts.Factors), initial(seed, s.items.rows(), opts.Factors)
	for range iterations {
		half(t, vector.Best(), opts, s.users, x, y)
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
	sums := rankmetrics.New(rankmetrics.Options{Items: y.Rows(), Cutoffs: []int{10, 20}})
	seen := func(u int) []uint32 {
		columns, _ := s.users.row(u)
		return columns
	}
	err = dense.NewScorer(packed, 20).Score(flat(x), seen, func(u int, list []dense.Scored) error {
		if len(seen(u)) == 0 {
			return nil
		}
		var items []uint32
		for _, c := range list {
			items = append(items, c.Item)
		}
		sums.Add(uint32(u), items, s.test[u])
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	result := map[string]float64{"users": float64(sums.Users())}
	for _, v := range sums.Values() {
		switch v.Metric {
		case rankmetrics.NDCG:
			result[v.Metric.At(v.K)] = v.Value
		case rankmetrics.Recall:
			result[fmt.Sprintf("R@%d", v.K)] = v.Value
		}
	}
	return result
}

// expected reads the reference metrics of a model.
func expected(t testing.TB, name, model string) map[string]float64 {
	t.Helper()
	data, err := os.ReadFile(shared(t, "splits", name, "metrics_pop_knn_rp3_als.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all struct{ Metrics []map[string]any }
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	for _, row := range all.Metrics {
		if row["model"] != model {
			continue
		}
		result := map[string]float64{}
		for key, value := range row {
			if x, ok := value.(float64); ok {
				result[key] = x
			}
		}
		return result
	}
	t.Fatalf("%s has no model %q", name, model)
	return nil
}

// TestReference trains the models of implicit 0.7.3 at their parameters, and compares what their rankings are worth.
func TestReference(t *testing.T) {
	lastfm := readSplit(t, shared(t, "splits", "lastfm-hash80", "train.csv"), shared(t, "splits", "lastfm-hash80", "test.csv"))
	for _, c := range []struct{ reg, alpha float64 }{{50, 10}, {.01, 40}, {10, 10}} {
		lastfm.compare(t, "lastfm-hash80", "NDCG@10", c.reg, c.alpha)
	}
	if testing.Short() {
		t.Skip("Gowalla takes half a minute: not with -short")
	}
	gowalla := readSplit(t, shared(t, "gowalla", "train.txt"), shared(t, "gowalla", "test.txt"))
	gowalla.compare(t, "gowalla-published", "NDCG@20", 20, 40)
}

// compare trains a model of implicit, and compares a metric.
func (s *split) compare(t *testing.T, name, metric string, reg, alpha float64) {
	t.Helper()
	opts := Defaults()
	opts.Regularization, opts.Alpha = reg, alpha
	x, y := s.train(t, opts, 42, 15)
	got, want := s.metrics(t, x, y), expected(t, name, fmt.Sprintf("implicit ALS f=64 reg=%v alpha=%v it=15", reg, alpha))
	off := got[metric]/want[metric] - 1
	t.Logf("%s, reg %v, alpha %v: %s %.5f, reference %.5f: %+.2f %%", name, reg, alpha, metric, got[metric], want[metric], 100*off)
	if math.Abs(off) > .02 || got["users"] != want["users"] {
		t.Errorf("%s, reg %v, alpha %v: %v, reference %v", name, reg, alpha, got, want)
	}
}

// movieLens reads ratings, a random fifth of them as the test part, and the mean of the others.
func movieLens(t testing.TB) (train, test *sparse, mean float64) {
	t.Helper()
	data, err := os.ReadFile(shared(t, "ml-latest-small", "ratings.csv"))
	if err != nil {
		t.Fatal(err)
	}
	type rated struct {
		pair
		value float64
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
	slices.SortFunc(all, func(a, b rated) int { return cmp.Or(cmp.Compare(a.user, b.user), cmp.Compare(a.item, b.item)) })
	parts := [2]*sparse{}
	for i := range parts {
		parts[i] = &sparse{columns: len(items), starts: make([]int, len(users)+1)}
	}
	for _, r := range all {
		u, _ := slices.BinarySearch(users, r.user)
		i, _ := slices.BinarySearch(items, r.item)
		m := parts[0]
		if mix(uint64(u)<<32|uint64(i)+1)%5 == 0 {
			m = parts[1]
		} else {
			mean += r.value
		}
		m.index, m.values = append(m.index, uint32(i)), append(m.values, float32(r.value))
		m.starts[u+1]++
	}
	for _, m := range parts {
		for u := range users {
			m.starts[u+1] += m.starts[u]
		}
	}
	return parts[0], parts[1], mean / float64(len(parts[0].index))
}
