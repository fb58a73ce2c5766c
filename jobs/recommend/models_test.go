package recommend_test

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/shardmill/shardmill/formats/table"
	"github.com/shardmill/shardmill/jobs"
	"github.com/shardmill/shardmill/jobs/internal/als"
	"github.com/shardmill/shardmill/jobs/recommend"
	"github.com/shardmill/shardmill/mapreduce"
	"github.com/shardmill/shardmill/mapreduce/mrtest"
)

// trained is a model that is trained on a small dataset.
type trained struct {
	name   string
	input  func(t testing.TB) string
	change func(p *recommend.Params)
}

// smallALS is three iterations of few factors.
func smallALS(p *recommend.Params) {
	p.Algorithm, p.Factors, p.Iterations, p.Regularization = recommend.ALS, given(9), given(3), given(.5)
}

func smallExplicit(p *recommend.Params) {
	smallALS(p)
	p.Explicit, p.ValueCol, p.Regularization = true, "rating", nil
}

func given[T any](v T) *T { return &v }

// models are those that have iterations or an inverse.
func models() []trained {
	return []trained{
		{"als", smallCrowd, smallALS},
		{"als-cholesky", smallCrowd, func(p *recommend.Params) {
			smallALS(p)
			p.Solver, p.RegularizeBy, p.Confidence, p.Seed = "cholesky", "count", "one-plus-alpha-r", 7
		}},
		{"als-explicit", ratedCrowd, smallExplicit},
		{"ease-items", smallCrowd, func(p *recommend.Params) { p.Algorithm = recommend.EASE }},
		{"ease-users", wideCrowd, func(p *recommend.Params) { p.Algorithm = recommend.EASE }},
	}
}

// modelOf is a small model of an algorithm.
func modelOf(algorithm string) trained {
	if algorithm == recommend.ALS {
		return models()[0]
	}
	return trained{algorithm, smallCrowd, func(p *recommend.Params) { p.Algorithm = algorithm }}
}

// isHalfStep tells whether a stage makes vectors of one side.
func isHalfStep(stage string) bool {
	return strings.Contains(stage, "-users-") || strings.Contains(stage, "-items-")
}

// wideCrowd is smallCrowd with fewer users than items.
func wideCrowd(t testing.TB) string {
	t.Helper()
	var b bytes.Buffer
	w := bufio.NewWriter(&b)
	if err := (crowd{110, 320, 25}).write(w); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return input(t, b.String())
}

// ratedCrowd is smallCrowd with ratings: users like the items whose number is even or odd as theirs is, and some are kinder.
func ratedCrowd(t testing.TB) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("user,item,rating\n")
	for _, r := range records(t, smallCrowd(t)) {
		rating := 2 + .3*float64(r.user%4) + .2*float64(r.item%3)
		if r.user%2 == r.item%2 {
			rating += 1.5
		}
		fmt.Fprintf(&b, "%d,%d,%.2f\n", r.user, r.item, rating)
	}
	return input(t, b.String())
}

// record is a line of a dataset.
type record struct {
	user, item int64
	value      float64 // 1 if there is none
}

func records(t testing.TB, path string) (all []record) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range lines[1:] {
		r := record{value: 1}
		if _, err := fmt.Sscan(strings.Join(l, " "), pointers(&r, len(l))...); err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}

func pointers(r *record, n int) []any { return []any{&r.user, &r.item, &r.value}[:n] }

// histories are the items of each user, with their values.
func histories(all []record) map[int64]map[int64]float64 {
	m := map[int64]map[int64]float64{}
	for _, r := range all {
		if m[r.user] == nil {
			m[r.user] = map[int64]float64{}
		}
		m[r.user][r.item] += r.value
	}
	return m
}

// factorsOf reads user_factors or item_factors.
func factorsOf(t testing.TB, dir, of string) map[int64][]float32 {
	t.Helper()
	type row struct {
		id     int64
		vector []float32
	}
	m := map[int64][]float32{}
	for _, r := range rows(t, dir, of+"_factors", table.Columns[row]{
		table.Int64(of, nil, func(r *row, v int64) { r.id = v }),
		table.Floats("factors", nil, func(r *row, v []float32) { r.vector = slices.Clone(v) }),
	}) {
		if m[r.id] != nil {
			t.Fatalf("%s %d has two vectors", of, r.id)
		}
		m[r.id] = r.vector
	}
	return m
}

// outcome is what a job results in, whatever the parts of it are.
type outcome struct {
	Lists, Similar map[int64][]string
	Users, Items   map[int64][]float32
	Measures       map[string]map[string]float64
}

func outcomeOf(t testing.TB, dir string, s mapreduce.Summary) outcome {
	t.Helper()
	text := func(m map[int64][]listed) map[int64][]string {
		texts := map[int64][]string{}
		for id, list := range m {
			for _, l := range list {
				texts[id] = append(texts[id], fmt.Sprint(l))
			}
		}
		return texts
	}
	o := outcome{Lists: text(lists(t, dir)), Measures: map[string]map[string]float64{}}
	for _, d := range s.Datasets {
		switch d.Name {
		case "similar_items":
			o.Similar = text(similar(t, dir))
		case "user_factors":
			o.Users = factorsOf(t, dir, "user")
		case "item_factors":
			o.Items = factorsOf(t, dir, "item")
		}
	}
	for _, st := range s.Stages {
		if st.Measures != nil {
			o.Measures[st.Name] = st.Measures
		}
	}
	return o
}

func dot(a, b []float32) (sum float64) {
	for i, v := range a {
		sum += float64(v) * float64(b[i])
	}
	return sum
}

// checkList compares a list with what scores all items that are not left out.
func checkList(t testing.TB, list []listed, n int, scores map[int64]float64) {
	t.Helper()
	best := slices.SortedFunc(maps.Values(scores), func(a, b float64) int { return cmpDown(a, b) })
	if len(list) != min(n, len(best)) {
		t.Fatalf("%d of %d items: %v", len(list), len(best), list)
	}
	for i, l := range list {
		want, ok := scores[l.item]
		if !ok || math.Abs(l.score-want) > 1e-4*(1+math.Abs(want)) {
			t.Fatalf("item %d has %v, expected %v (of the items that can be listed: %v)", l.item, l.score, want, ok)
		}
		if math.Abs(l.score-best[i]) > 1e-4*(1+math.Abs(want)) {
			t.Fatalf("rank %d has %v, expected %v", l.rank, l.score, best[i])
		}
	}
}

func cmpDown(a, b float64) int {
	switch {
	case a > b:
		return -1
	case a < b:
		return 1
	}
	return 0
}

// TestScores: lists are the best items by the factors that the job gives, of those that a user has not and that were not
// filtered, and measures fall from iteration to iteration.
func TestScores(t *testing.T) {
	for _, c := range []struct {
		name     string
		explicit bool
		measures []string
		change   func(p *recommend.Params)
	}{
		{"implicit", false, []string{"loss"}, smallALS},
		{"explicit", true, []string{"rmse", "mae"}, smallExplicit},
	} {
		for _, least := range []int64{0, 14} {
			t.Run(fmt.Sprint(c.name, least), func(t *testing.T) {
				in := ratedCrowd(t)
				cfg := config(t, func(p *recommend.Params) {
					p.ValueCol, p.MinItem, p.MinUser = "rating", 2*least, least/2
					c.change(p)
				}, in)
				cfg.Partitions = 3
				s := mrtest.Run(t, jobs.Standard(), smallJob(), cfg, mapreduce.ExitComplete)
				checkFalls(t, s, c.measures)
				left := filtered(records(t, in), least/2, 2*least)
				checkScores(t, cfg.Dir, left, c.explicit)
			})
		}
	}
}

// filtered is the records whose user and item have enough.
func filtered(all []record, minUser, minItem int64) (left []record) {
	users, items := map[int64]int64{}, map[int64]int64{}
	for _, r := range all {
		users[r.user]++
		items[r.item]++
	}
	for _, r := range all {
		if users[r.user] >= minUser && items[r.item] >= minItem {
			left = append(left, r)
		}
	}
	return left
}

// checkFalls: measures of items stages fall, and no others have any.
func checkFalls(t *testing.T, s mapreduce.Summary, names []string) {
	t.Helper()
	last, n := map[string]float64{}, 0
	for _, st := range s.Stages {
		if !strings.Contains(st.Name, "-items-") {
			if st.Measures != nil {
				t.Errorf("%s has measures %v", st.Name, st.Measures)
			}
			continue
		}
		n++
		if len(st.Measures) != len(names) {
			t.Errorf("%s has measures %v, expected %v", st.Name, st.Measures, names)
		}
		for _, name := range names {
			v, ok := st.Measures[name]
			if before, again := last[name]; !ok || !(v > 0) || again && v >= before {
				t.Errorf("%s of %s is %v, and was %v", name, st.Name, v, before)
			}
			last[name] = v
		}
	}
	if n != 3 {
		t.Errorf("%d iterations have measures", n)
	}
}

// checkScores compares lists with products of factors.
func checkScores(t *testing.T, dir string, left []record, explicit bool) {
	t.Helper()
	users, items := factorsOf(t, dir, "user"), factorsOf(t, dir, "item")
	has, sum, catalogue := histories(left), 0., map[int64]bool{}
	for _, r := range left {
		sum += r.value
		catalogue[r.item] = true
	}
	if len(users) != len(has) || len(items) != len(catalogue) {
		t.Fatalf("%d and %d vectors of %d users and %d items", len(users), len(items), len(has), len(catalogue))
	}
	got := lists(t, dir)
	if len(got) != len(has) {
		t.Errorf("%d lists of %d users", len(got), len(has))
	}
	for user, seen := range has {
		scores := map[int64]float64{}
		for item, y := range items {
			switch _, had := seen[item]; {
			case had:
			case explicit:
				scores[item] = als.Predict(sum/float64(len(left)), users[user], y, len(y)-1)
			default:
				scores[item] = dot(users[user], y)
			}
		}
		checkList(t, got[user], 10, scores)
	}
}

// TestCosines: similar_items of als are the cosines of item_factors, without the biases.
func TestCosines(t *testing.T) {
	for _, c := range models()[:3] {
		t.Run(c.name, func(t *testing.T) {
			cfg := config(t, func(p *recommend.Params) {
				c.change(p)
				p.MinItem, p.Similar = 10, 7
			}, c.input(t))
			cfg.Partitions = 3
			mrtest.Run(t, jobs.Standard(), smallJob(), cfg, mapreduce.ExitComplete)
			items, got := factorsOf(t, cfg.Dir, "item"), similar(t, cfg.Dir)
			if len(got) != len(items) || len(items) < 20 {
				t.Fatalf("%d lists of %d items", len(got), len(items))
			}
			for item, x := range items {
				x = x[:9]
				scores := map[int64]float64{}
				for other, y := range items {
					if y = y[:9]; other != item {
						scores[other] = dot(x, y) / math.Sqrt(dot(x, x)*dot(y, y))
					}
				}
				checkList(t, got[item], 7, scores)
			}
		})
	}
}
