package neighbours

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
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

// split is a training part as matrices and what users took of the test part, in indexes by ascending id.
type split struct {
	userIDs, itemIDs []int
	users            *memory // of the training part
	test             [][]uint32
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

// table reads a CSV file without its header.
func table(t testing.TB, path string) [][]string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(data)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows[1:]
}

func whole(t testing.TB, cell string) int {
	t.Helper()
	n, err := strconv.Atoi(cell)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func real(t testing.TB, cell string) float64 {
	t.Helper()
	x, err := strconv.ParseFloat(cell, 64)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// lastfm reads the split hash80 of Last.fm.
func lastfm(t testing.TB) *split {
	var parts [2][][2]int
	for i, name := range []string{"train.csv", "test.csv"} {
		for _, row := range table(t, shared(t, "splits", "lastfm-hash80", name)) {
			parts[i] = append(parts[i], [2]int{whole(t, row[0]), whole(t, row[1])})
		}
	}
	return newSplit(parts[0], parts[1])
}

// gowalla reads the published split of Gowalla: lines "user item item ...".
func gowalla(t testing.TB) *split {
	var parts [2][][2]int
	for i, name := range []string{"train.txt", "test.txt"} {
		data, err := os.ReadFile(shared(t, "gowalla", name))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(data)) {
			cells := strings.Fields(line)
			for _, cell := range cells[min(1, len(cells)):] {
				parts[i] = append(parts[i], [2]int{whole(t, cells[0]), whole(t, cell)})
			}
		}
	}
	return newSplit(parts[0], parts[1])
}

// newSplit numbers users and items of both parts.
func newSplit(train, test [][2]int) *split {
	s := &split{}
	for _, pair := range slices.Concat(train, test) {
		s.userIDs, s.itemIDs = append(s.userIDs, pair[0]), append(s.itemIDs, pair[1])
	}
	slices.Sort(s.userIDs)
	slices.Sort(s.itemIDs)
	s.userIDs, s.itemIDs = slices.Compact(s.userIDs), slices.Compact(s.itemIDs)
	entries := func(pairs [][2]int) (entries []entry) {
		for _, pair := range pairs {
			u, _ := slices.BinarySearch(s.userIDs, pair[0])
			i, _ := slices.BinarySearch(s.itemIDs, pair[1])
			entries = append(entries, entry{uint32(u), uint32(i), 1})
		}
		return entries
	}
	s.users = compress(len(s.userIDs), len(s.itemIDs), entries(train), true)
	tests := compress(len(s.userIDs), len(s.itemIDs), entries(test), true)
	for u := range s.userIDs {
		relevant, _ := tests.Row(u)
		s.test = append(s.test, relevant)
	}
	return s
}

// lists is the ranked lists of all users.
func (s *split) lists(score func(history []uint32) []Scored) [][]Scored {
	lists := make([][]Scored, len(s.userIDs))
	for u := range lists {
		history, _ := s.users.Row(u)
		lists[u] = slices.Clone(score(history))
	}
	return lists
}

// scored is the lists of a Scorer.
func (s *split) scored(t testing.TB, neighbours Matrix, top int) [][]Scored {
	t.Helper()
	scorer, err := NewScorer(neighbours, ScoreOptions{Top: top})
	if err != nil {
		t.Fatal(err)
	}
	return s.lists(func(history []uint32) []Scored { return scorer.Score(history, nil, nil) })
}

// metrics is what the lists are worth at 10 and 20.
func (s *split) metrics(lists [][]Scored) map[string]float64 {
	sums := rankmetrics.New(rankmetrics.Options{Items: len(s.itemIDs), Cutoffs: []int{10, 20}})
	for u, list := range lists {
		if history, _ := s.users.Row(u); len(history) == 0 {
			continue
		}
		var items []uint32
		for _, c := range s.pad(u, list) {
			items = append(items, c.Index)
		}
		sums.Add(uint32(u), items, s.test[u])
	}
	result := map[string]float64{"users": float64(sums.Users())}
	short := map[rankmetrics.Metric]string{
		rankmetrics.Precision: "P", rankmetrics.Recall: "R", rankmetrics.NDCG: "NDCG", rankmetrics.MAP: "MAP", rankmetrics.Coverage: "coverage",
	}
	for _, v := range sums.Values() {
		result[fmt.Sprintf("%s@%d", short[v.Metric], v.K)] = v.Value
	}
	return result
}

// pad fills a list up to 20 with the lowest items that have score 0, as the reference ranks all items.
func (s *split) pad(u int, list []Scored) []Scored {
	history, _ := s.users.Row(u)
	for i := uint32(0); len(list) < 20; i++ {
		_, had := slices.BinarySearch(history, i)
		if !had && !slices.ContainsFunc(list, func(c Scored) bool { return c.Index == i }) {
			list = append(list, Scored{Index: i})
		}
	}
	return list
}

// expected reads the reference metrics of a model.
func expected(t testing.TB, name, model string) map[string]float64 {
	t.Helper()
	for _, file := range []string{"metrics_extra.json", "metrics_pop_knn_rp3_als.json"} {
		data, err := os.ReadFile(shared(t, "splits", name, file))
		if err != nil {
			t.Fatal(err)
		}
		var rows []map[string]any
		var all struct{ Metrics []map[string]any }
		if json.Unmarshal(data, &rows) != nil {
			if err := json.Unmarshal(data, &all); err != nil {
				t.Fatal(err)
			}
			rows = all.Metrics
		}
		for _, row := range rows {
			if row["model"] != model {
				continue
			}
			result := map[string]float64{}
			for key, value := range row {
				if x, ok := value.(float64); ok && key != "fit_s" {
					result[key] = x
				}
			}
			return result
		}
	}
	t.Fatalf("%s has no model %q", name, model)
	return nil
}

// compare checks metrics against those of a model.
func compare(t *testing.T, name, model string, got map[string]float64, tolerance float64) {
	t.Helper()
	for key, want := range expected(t, name, model) {
		if math.Abs(got[key]-want) > tolerance {
			t.Errorf("%s, %s: %s is %.5f, want %.5f", name, model, key, got[key], want)
		}
	}
	t.Logf("%s, %s: NDCG@10 %.5f, R@20 %.5f, NDCG@20 %.5f", name, model, got["NDCG@10"], got["R@20"], got["NDCG@20"])
}
