package rankmetrics

import (
	"encoding/csv"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
)

// shared is a file of the real interactions beside the repository; without it the test is skipped.
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

// pairs reads the first cell of each row of a CSV file, a user, and the one in a column, an item.
func pairs(t testing.TB, path string, column int) (pairs [][2]int) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }() // only read
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows[1:] {
		user, err := strconv.Atoi(row[0])
		if err != nil {
			t.Fatal(err)
		}
		item, err := strconv.Atoi(row[column])
		if err != nil {
			t.Fatal(err)
		}
		pairs = append(pairs, [2]int{user, item})
	}
	return pairs
}

// lastfm is the split of Last.fm with items and users by number.
type lastfm struct {
	users, items map[int]uint32
	rows         [][]uint32 // of the training part, by item
	trained      map[int]bool
	test         map[int][]uint32
}

func readLastfm(t testing.TB) *lastfm {
	t.Helper()
	train, test := pairs(t, shared(t, "splits", "lastfm-hash80", "train.csv"), 1), pairs(t, shared(t, "splits", "lastfm-hash80", "test.csv"), 1)
	l := &lastfm{users: map[int]uint32{}, items: map[int]uint32{}, trained: map[int]bool{}, test: map[int][]uint32{}}
	for _, p := range slices.Concat(train, test) {
		if _, known := l.users[p[0]]; !known {
			l.users[p[0]] = uint32(len(l.users))
		}
		if _, known := l.items[p[1]]; !known {
			l.items[p[1]] = uint32(len(l.items))
		}
	}
	l.rows = make([][]uint32, len(l.items))
	for _, p := range train {
		l.trained[p[0]] = true
		l.rows[l.items[p[1]]] = append(l.rows[l.items[p[1]]], l.users[p[0]])
	}
	for _, row := range l.rows {
		slices.Sort(row)
	}
	for _, p := range test {
		if l.trained[p[0]] {
			l.test[p[0]] = append(l.test[p[0]], l.items[p[1]])
		}
	}
	for _, items := range l.test {
		slices.Sort(items)
	}
	return l
}

// measure adds the lists of a file, user after user.
func (l *lastfm) measure(t testing.TB, file string) *Sums {
	t.Helper()
	lists := map[int][]uint32{}
	for _, p := range pairs(t, shared(t, "splits", "lastfm-hash80", file), 2) {
		lists[p[0]] = append(lists[p[0]], l.items[p[1]])
	}
	s := New(training(l.rows, len(l.trained), 1, 5, 10))
	var users []int
	for user := range l.test {
		users = append(users, user)
	}
	slices.Sort(users)
	for _, user := range users {
		s.Add(l.users[user], lists[user], l.test[user])
	}
	return s
}

// TestReference measures lists that come with the metrics which another implementation has measured, to 5 digits. Those by cosine
// have neighbours at a tie cut in another way, which changes lists.
func TestReference(t *testing.T) {
	l := readLastfm(t)
	data, err := os.ReadFile(shared(t, "splits", "lastfm-hash80", "metrics_pop_knn_rp3_als.json"))
	if err != nil {
		t.Fatal(err)
	}
	extra, err := os.ReadFile(shared(t, "splits", "lastfm-hash80", "metrics_extra.json"))
	if err != nil {
		t.Fatal(err)
	}
	var first struct{ Metrics []map[string]any }
	var more []map[string]any
	if err := json.Unmarshal(data, &first); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(extra, &more); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		file, model string
		within      float64
	}{
		{"popularity_top10.csv", "popularity", 1e-5},
		{"itemknn_cosine50_top10.csv", "itemKNN cosine K=50", 1e-3},
		{"rp3beta_b0.2_k200_top10.csv", "RP3beta a=1.0 b=0.2 K=200", 1e-5},
	} {
		models := slices.Concat(first.Metrics, more)
		at := slices.IndexFunc(models, func(m map[string]any) bool { return m["model"] == c.model })
		if at < 0 {
			t.Errorf("no model %q", c.model)
			continue
		}
		compare(t, c.model, l.measure(t, c.file), models[at], c.within)
	}
}

func compare(t *testing.T, model string, s *Sums, want map[string]any, within float64) {
	t.Helper()
	if want["users"] != float64(s.Users()) {
		t.Errorf("%s: %d users, want %v", model, s.Users(), want["users"])
	}
	short := map[Metric]string{Precision: "P@10", Recall: "R@10", NDCG: "NDCG@10", MAP: "MAP@10", Coverage: "coverage@10"}
	compared := 0
	for _, v := range s.Values() {
		if v.K != 10 {
			continue
		}
		t.Logf("%s: %-12s %.5f [%.5f, %.5f]", model, v.Metric.At(v.K), v.Value, v.Low, v.High)
		if w, some := want[short[v.Metric]].(float64); some {
			compared++
			allowed := within
			if v.Metric == Coverage {
				allowed = max(within, 1e-4) // 4 digits
			}
			if math.Abs(v.Value-w) > allowed {
				t.Errorf("%s: %s is %.6f, want %v", model, v.Metric.At(v.K), v.Value, w)
			}
		}
	}
	if compared < 4 {
		t.Errorf("%s: %d metrics have a reference", model, compared)
	}
}
