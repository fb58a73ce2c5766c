package ease

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/shardmill/shardmill/jobs/internal/rankmetrics"
)

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

// split is a training and a test part, in indexes by ascending id of both parts together.
type split struct{ train, test *memory }

// lastfm reads the split hash80 of Last.fm.
func lastfm(t testing.TB) split {
	t.Helper()
	var parts [2][][2]int
	var ids [2][]int
	for i, name := range []string{"train.csv", "test.csv"} {
		data, err := os.ReadFile(shared(t, "splits", "lastfm-hash80", name))
		if err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(strings.NewReader(string(data))).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows[1:] {
			u, uErr := strconv.Atoi(row[0])
			v, vErr := strconv.Atoi(row[1])
			if err := errors.Join(uErr, vErr); err != nil {
				t.Fatal(err)
			}
			parts[i] = append(parts[i], [2]int{u, v})
			ids[0], ids[1] = append(ids[0], u), append(ids[1], v)
		}
	}
	for side := range ids {
		slices.Sort(ids[side])
		ids[side] = slices.Compact(ids[side])
	}
	var matrices [2]*memory
	for i, pairs := range parts {
		var entries []entry
		for _, pair := range pairs {
			u, _ := slices.BinarySearch(ids[0], pair[0])
			v, _ := slices.BinarySearch(ids[1], pair[1])
			entries = append(entries, entry{uint32(u), uint32(v), 1})
		}
		matrices[i] = compress(len(ids[0]), len(ids[1]), entries, true)
	}
	return split{matrices[0], matrices[1]}
}

// expected reads the reference metrics of a model.
func expected(t testing.TB, model string) map[string]any {
	t.Helper()
	data, err := os.ReadFile(shared(t, "splits", "lastfm-hash80", "metrics_extra.json"))
	if err != nil {
		t.Fatal(err)
	}
	var rows []map[string]any
	if err := json.Unmarshal(data, &rows); err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if row["model"] == model {
			return row
		}
	}
	t.Fatalf("there is no model %q", model)
	return nil
}

// TestMetricsAreThoseOfTheReference on Last.fm: with 1,890 users and 15,000 items and more, all is computed with the inverse of users; the
// reference inverts that of items.
func TestMetricsAreThoseOfTheReference(t *testing.T) {
	s := lastfm(t)
	for _, lambda := range []float64{100, 300} {
		m := opened(t, fileOf(t, s.train, true, Options{Lambda: lambda, Workers: 2}))
		sums := rankmetrics.New(rankmetrics.Options{Items: s.train.Columns(), Cutoffs: []int{10, 20}})
		for u, list := range lists(t, kernels()[0], m, s.train, 20, 0, s.train.Rows()) {
			if had, _ := s.train.Row(u); len(had) == 0 {
				continue
			}
			var items []uint32
			for _, c := range list {
				items = append(items, c.Item)
			}
			relevant, _ := s.test.Row(u)
			sums.Add(uint32(u), items, relevant)
		}
		want := expected(t, fmt.Sprintf("EASE f32 lambda=%v", lambda))
		short := map[rankmetrics.Metric]string{
			rankmetrics.Precision: "P", rankmetrics.Recall: "R", rankmetrics.NDCG: "NDCG", rankmetrics.MAP: "MAP",
		}
		for _, v := range sums.Values() {
			if short[v.Metric] == "" {
				continue
			}
			name := fmt.Sprintf("%s@%d", short[v.Metric], v.K)
			reference, ok := want[name].(float64)
			if !ok || math.Abs(v.Value-reference) > 1e-3 {
				t.Errorf("lambda %v: %s is %.5f, want %.5f", lambda, name, v.Value, reference)
			}
			t.Logf("lambda %v: %s %.5f", lambda, name, v.Value)
		}
		t.Logf("lambda %v: %v users with %d of %d inverted, residual %.2g", lambda, sums.Users(), m.Inverted(), m.Users(), m.Residual())
		if got := float64(sums.Users()); got != want["users"] {
			t.Errorf("%v users, want %v", got, want["users"])
		}
	}
}
