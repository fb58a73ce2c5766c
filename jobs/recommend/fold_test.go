package recommend_test

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/shardmill/shardmill/formats/table"
	"github.com/shardmill/shardmill/jobs"
	"github.com/shardmill/shardmill/jobs/internal/datasets"
	"github.com/shardmill/shardmill/jobs/recommend"
	"github.com/shardmill/shardmill/mapreduce"
	"github.com/shardmill/shardmill/mapreduce/mrtest"
)

// trainedJob runs a job, whose results are a model.
func trainedJob(t *testing.T, change func(p *recommend.Params), in string) string {
	t.Helper()
	cfg := config(t, change, in)
	mrtest.Run(t, jobs.Standard(), smallJobAs("recommend"), cfg, mapreduce.ExitComplete)
	return cfg.Dir
}

func smallJobAs(name string) mapreduce.Job { return recommend.SmallJob(name, smallBytes) }

// foldConfig is a run that scores users by a model.
func foldConfig(t *testing.T, model string, change func(p *recommend.Params), in string) mapreduce.Config {
	t.Helper()
	return config(t, func(p *recommend.Params) {
		p.Model, p.Algorithm = model, ""
		if change != nil {
			change(p)
		}
		var err error
		if *p, err = recommend.FoldIn(*p); err != nil {
			t.Fatal(err)
		}
	}, in)
}

// owner is a row of users.
type owner struct {
	user, items, listed int64
	reason              string
}

func owners(t *testing.T, dir string) []owner {
	t.Helper()
	return rows(t, dir, "users", table.Columns[owner]{
		table.Int64("user", nil, func(r *owner, v int64) { r.user = v }),
		table.Int64("items", nil, func(r *owner, v int64) { r.items = v }),
		table.Int32("recommended", nil, func(r *owner, v int32) { r.listed = int64(v) }),
		table.NullString("reason", nil, func(r *owner, v string, _ bool) { r.reason = v }),
	})
}

// vectorsOf are factors of the results, by id.
func vectorsOf(t *testing.T, dir, noun string) map[int64][]float64 {
	t.Helper()
	type row struct {
		id      int64
		factors []float64
	}
	m := map[int64][]float64{}
	for _, r := range rows(t, dir, noun+"_factors", table.Columns[row]{
		table.Int64(noun, nil, func(r *row, v int64) { r.id = v }),
		table.Floats("factors", nil, func(r *row, v []float32) {
			r.factors = nil
			for _, x := range v {
				r.factors = append(r.factors, float64(x))
			}
		}),
	}) {
		m[r.id] = r.factors
	}
	return m
}

// TestFoldSameLists: users with the history that a model was trained with get the lists that it gave them.
func TestFoldSameLists(t *testing.T) {
	in := smallCrowd(t)
	for name, change := range map[string]func(p *recommend.Params){
		"rp3beta": nil,
		"cosine":  func(p *recommend.Params) { p.Algorithm, p.K, p.MinItem = "cosine", 30, 20 },
		"bm25":    func(p *recommend.Params) { p.Algorithm = "bm25" },
		"llr":     func(p *recommend.Params) { p.Algorithm = "llr" },
		"popular": func(p *recommend.Params) { p.Algorithm, p.MinUser = recommend.Popularity, 8 },
		"ease":    func(p *recommend.Params) { p.Algorithm = recommend.EASE },
		"als": func(p *recommend.Params) { // exact, and to the end
			p.Algorithm, p.Solver, p.Iterations = "als:factors=8", "cholesky", ptr(60)
		},
	} {
		t.Run(name, func(t *testing.T) {
			model := trainedJob(t, change, in)
			least := int64(0)
			if name == "popular" {
				least = 8
			}
			cfg := foldConfig(t, model, func(p *recommend.Params) { p.MinUser = least }, in)
			s := mrtest.Run(t, jobs.Standard(), recommend.Job(), cfg, mapreduce.ExitComplete)
			want, got := lists(t, model), lists(t, cfg.Dir)
			if len(want) < 50 || len(got) != len(want) {
				t.Fatalf("%d users, want %d, at least 50", len(got), len(want))
			}
			same := slices.Equal[[]listed]
			if name == "als" {
				same = closeScores
			}
			for user, list := range want {
				if !same(got[user], list) {
					t.Fatalf("user %d: %v, want %v", user, got[user], list)
				}
			}
			if !slices.Equal(owners(t, cfg.Dir), owners(t, model)) {
				t.Error("users is another")
			}
			for _, st := range s.Stages {
				if strings.Contains(st.Name, "transpose") || strings.Contains(st.Name, "solve") {
					t.Errorf("it trains: stage %s", st.Name)
				}
			}
			for _, dir := range []string{model, cfg.Dir} {
				verify(t, dir)
			}
		})
	}
}

// closeScores allows for scores that differ a little.
func closeScores(a, b []listed) bool {
	return slices.EqualFunc(a, b, func(x, y listed) bool { return x.rank == y.rank && math.Abs(x.score-y.score) < 1e-3 })
}

func ptr[T any](v T) *T { return &v }

// verify fails if a job directory is not what it says.
func verify(t *testing.T, dir string) {
	t.Helper()
	looked := 0
	err := mapreduce.Verify(t.Context(), jobs.Standard(), []mapreduce.Job{recommend.Job()}, dir, func(f mapreduce.Finding) {
		looked++
		for _, p := range f.Problems {
			t.Errorf("%s: %s", f.Check, p)
		}
	})
	if err != nil || looked == 0 {
		t.Errorf("verify: %d findings, %v", looked, err)
	}
}

// history is what the rows of a CSV file of user, item and value say.
func history(t *testing.T, path string) map[int64]map[int64]float64 {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	m := map[int64]map[int64]float64{}
	for _, line := range strings.Split(strings.TrimSpace(string(data)), "\n")[1:] {
		fields := strings.Split(strings.TrimSpace(line), ",")
		user, item := whole(t, fields[0]), whole(t, fields[1])
		if m[user] == nil {
			m[user] = map[int64]float64{}
		}
		m[user][item]++
	}
	return m
}

func whole(t *testing.T, s string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestFoldExact: the vector of a user is the exact solution of a half-step on the item factors of the results.
func TestFoldExact(t *testing.T) {
	for _, c := range []struct {
		name   string
		train  func(t *testing.T) string
		lambda float64
		alpha  float64
	}{
		{"small", func(t *testing.T) string { return smallCrowd(t) }, 5, 4},
		{"lastfm", func(t *testing.T) string { return datasets.Path(t, "splits", "lastfm-hash80", "train.csv") }, 50, 10},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := c.train(t)
			model := trainedJob(t, func(p *recommend.Params) {
				p.Algorithm, p.Regularization, p.Alpha = recommend.ALS, &c.lambda, &c.alpha
			}, in)
			cfg := foldConfig(t, model, nil, in)
			mrtest.Run(t, jobs.Standard(), recommend.Job(), cfg, mapreduce.ExitComplete)
			items := vectorsOf(t, model, "item")
			trained, folded := vectorsOf(t, model, "user"), vectorsOf(t, cfg.Dir, "user")
			users := history(t, in)
			if len(folded) != len(users) || len(trained) != len(users) {
				t.Fatalf("%d vectors, %d trained, want %d", len(folded), len(trained), len(users))
			}
			gram := gramOf(items)
			var worst, sum, most float64
			for user, has := range users {
				if d := distance(folded[user], exact(t, gram, items, has, c.lambda, c.alpha)); d > worst {
					worst = d
				}
				d := distance(folded[user], trained[user])
				sum, most = sum+d, max(most, d)
			}
			t.Logf("%d users: at most %.2g from the exact solution; from the trained vectors %.4f in the mean and %.4f at most (relative)", len(users), worst, sum/float64(len(users)), most)
			if worst > 1e-3 {
				t.Errorf("%g from the exact solution, want at most 0.001", worst)
			}
		})
	}
}

func gramOf(vectors map[int64][]float64) *mat.SymDense {
	var gram *mat.SymDense
	for _, id := range slices.Sorted(maps.Keys(vectors)) {
		v := vectors[id]
		if gram == nil {
			gram = mat.NewSymDense(len(v), nil)
		}
		gram.SymRankOne(gram, 1, mat.NewVecDense(len(v), v))
	}
	return gram
}

// exact solves (Y'Y + sum of (c-1) y y' + lambda I) x = sum of c y, with c = alpha r.
func exact(t *testing.T, gram *mat.SymDense, items map[int64][]float64, has map[int64]float64, lambda, alpha float64) []float64 {
	t.Helper()
	k := gram.SymmetricDim()
	a, b := mat.NewSymDense(k, nil), mat.NewVecDense(k, nil)
	a.CopySym(gram)
	for i := range k {
		a.SetSym(i, i, a.At(i, i)+lambda)
	}
	for item, r := range has {
		y, c := mat.NewVecDense(k, items[item]), alpha*r
		a.SymRankOne(a, c-1, y)
		b.AddScaledVec(b, c, y)
	}
	var cholesky mat.Cholesky
	if !cholesky.Factorize(a) {
		t.Fatal("not positive definite")
	}
	x := mat.NewVecDense(k, nil)
	if err := cholesky.SolveVecTo(x, b); err != nil {
		t.Fatal(err)
	}
	return x.RawVector().Data
}

// distance is relative to the second.
func distance(a, b []float64) float64 {
	var d, n float64
	for i := range b {
		d += (a[i] - b[i]) * (a[i] - b[i])
		n += b[i] * b[i]
	}
	return math.Sqrt(d / n)
}

// TestFoldRatings: with explicit ratings, too, users of the model get its lists, but for the last half-step.
func TestFoldRatings(t *testing.T) {
	var b strings.Builder
	b.WriteString("user,item,value\n")
	for u := range 60 {
		for i := range 30 {
			if (u*7+i*3)%4 != 0 {
				fmt.Fprintf(&b, "%d,%d,%d\n", u, i, 1+(u*i+u+i)%5)
			}
		}
	}
	in := input(t, b.String())
	model := trainedJob(t, func(p *recommend.Params) {
		p.Algorithm, p.Explicit, p.ValueCol, p.Factors, p.Iterations, p.Top = recommend.ALS, true, "value", ptr(1), ptr(25), 3
	}, in)
	cfg := foldConfig(t, model, func(p *recommend.Params) { p.ValueCol, p.Top = "value", 3 }, in)
	mrtest.Run(t, jobs.Standard(), recommend.Job(), cfg, mapreduce.ExitComplete)
	want, got := lists(t, model), lists(t, cfg.Dir)
	if len(want) != 60 || len(got) != len(want) {
		t.Fatalf("%d users, want %d", len(got), len(want))
	}
	for user, list := range want {
		for i, w := range list {
			if math.Abs(got[user][i].score-w.score) > .01 {
				t.Errorf("user %d: %v, want %v", user, got[user], list)
				break
			}
		}
	}
}

// TestFoldNewUsers: rows of unknown items are dropped and counted, and a user of such only has a row with its reason.
func TestFoldNewUsers(t *testing.T) {
	in := smallCrowd(t)
	known := slices.Sorted(maps.Keys(itemsOf(history(t, in))))
	fresh := input(t, fmt.Sprintf("user,item\n900001,%d\n900001,999999\n900002,999999\n900002,999998\n900003,%d\n900003,%d\n", known[0], known[1], known[2]))
	for _, algorithm := range []string{"rp3beta", recommend.ALS, recommend.EASE, recommend.Popularity} {
		t.Run(algorithm, func(t *testing.T) {
			model := trainedJob(t, func(p *recommend.Params) { p.Algorithm = algorithm }, in)
			cfg := foldConfig(t, model, nil, fresh)
			s := mrtest.Run(t, jobs.Standard(), recommend.Job(), cfg, mapreduce.ExitComplete)
			if n := s.Rows.Dropped["unknown-item"]; n != 3 || s.Rows.Rejected != 0 {
				t.Errorf("%d rows dropped by unknown-item, %d rejected, want 3 and none", n, s.Rows.Rejected)
			}
			got := owners(t, cfg.Dir)
			if len(got) != 3 || got[0].items != 1 || got[0].listed == 0 || got[2].items != 2 || got[2].listed == 0 {
				t.Fatalf("users are %v", got)
			}
			unknown := got[1]
			switch {
			case unknown.user != 900002 || unknown.items != 0:
				t.Errorf("the user of unknown items is %v", unknown)
			case algorithm == recommend.Popularity && unknown.listed != 10:
				t.Errorf("the user of unknown items gets no popular ones: %v", unknown)
			case algorithm != recommend.Popularity && (unknown.listed != 0 || unknown.reason != "none of the user's items is known"):
				t.Errorf("the user of unknown items is %v", unknown)
			}
			verify(t, cfg.Dir)
		})
	}
}

func itemsOf(users map[int64]map[int64]float64) map[int64]bool {
	m := map[int64]bool{}
	for _, has := range users {
		for i := range has {
			m[i] = true
		}
	}
	return m
}

// TestFoldSameBytes: the number of workers shows nowhere.
func TestFoldSameBytes(t *testing.T) {
	in := smallCrowd(t)
	model := trainedJob(t, func(p *recommend.Params) { p.Algorithm, p.Iterations = recommend.ALS, ptr(2) }, in)
	first := ""
	for _, workers := range []int{1, 3} {
		cfg := foldConfig(t, model, nil, in)
		cfg.InProcess, cfg.Workers, cfg.Partitions = false, workers, 3
		mrtest.Run(t, jobs.Standard(), smallJob(), cfg, mapreduce.ExitComplete)
		if first == "" {
			first = cfg.Dir
		}
		mrtest.SameResults(t, first, cfg.Dir)
	}
}

// TestFoldErrors: models that cannot be used, and parameters that contradict them.
func TestFoldErrors(t *testing.T) {
	in := smallCrowd(t)
	model := trainedJob(t, nil, in)
	fold := foldConfig(t, model, nil, in)
	mrtest.Run(t, jobs.Standard(), recommend.Job(), fold, mapreduce.ExitComplete)
	other := config(t, nil, in)
	mrtest.Run(t, jobs.Standard(), smallJob(), other, mapreduce.ExitComplete)
	half := config(t, nil, in)
	half.Hook = func(point string) {
		if strings.HasPrefix(point, "planned:02") {
			panic(point)
		}
	}
	func() {
		defer func() { _ = recover() }()
		_, _ = mapreduce.Run(t.Context(), jobs.Standard(), recommend.Job(), half)
	}()
	blend := trainedJob(t, func(p *recommend.Params) { p.Algorithm = "cosine,popularity" }, in)
	for name, c := range map[string]struct {
		model  string
		change func(p *recommend.Params)
		want   string
		usage  bool
	}{
		"none":         {filepath.Join(t.TempDir(), "no"), nil, "--model: ", false},
		"another job":  {other.Dir, nil, "is a job small, not recommend", false},
		"a blend":      {blend, nil, "is of cosine,popularity: a model is of one algorithm", false},
		"not complete": {half.Dir, nil, "is not complete", false},
		"a fold":       {fold.Dir, nil, "has no model of its own: give that which it was made with, --model " + model, false},
		"algorithm":    {model, func(p *recommend.Params) { p.Algorithm = "als" }, "--algorithm als: --model " + model + " is of rp3beta", true},
		"k":            {model, func(p *recommend.Params) { p.K = 7 }, "--k is for training", true},
		"factors":      {model, func(p *recommend.Params) { p.Factors = ptr(8) }, "--factors is for training", true},
		"min-item":     {model, func(p *recommend.Params) { p.MinItem = 8 }, "--min-item is for training", true},
		"similar":      {model, func(p *recommend.Params) { p.Similar = 8 }, "--similar is for training", true},
	} {
		p := recommend.Defaults()
		p.Model, p.Algorithm = c.model, ""
		if c.change != nil {
			c.change(&p)
		}
		_, err := recommend.FoldIn(p)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		if usage := (*mapreduce.UsageError)(nil); errors.As(err, &usage) != c.usage {
			t.Errorf("%s: usage %v: %v", name, !c.usage, err)
		}
	}
}

// TestFoldModelChanges: another model is another job, and one of another catalogue knows nothing of the input.
func TestFoldModelChanges(t *testing.T) {
	in := smallCrowd(t)
	model := trainedJob(t, nil, in)
	strange := foldConfig(t, model, nil, input(t, "user,item\n1,a\n2,b\n"))
	_, err := mapreduce.Run(t.Context(), jobs.Standard(), recommend.Job(), strange)
	if mapreduce.ExitCode(mapreduce.Summary{}, err) != mapreduce.ExitInput || !strings.Contains(err.Error(), "knows no item of the input") {
		t.Errorf("a model of another catalogue: %v", err)
	}
	cfg := foldConfig(t, model, nil, in)
	mrtest.Run(t, jobs.Standard(), recommend.Job(), cfg, mapreduce.ExitComplete)
	refused := func(want string) {
		t.Helper()
		if _, err := mapreduce.Run(t.Context(), jobs.Standard(), recommend.Job(), cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the model has changed: %v, want %q", err, want)
		}
	}
	become := func(from, to string) {
		t.Helper()
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	become(filepath.Join(model, "out", "neighbours"), model+".lost")
	refused("has no neighbours")
	become(model, model+".old")
	become(trainedJob(t, func(p *recommend.Params) { p.K = 5 }, in), model)
	refused("trained with other parameters")
	become(model, model+".older")
	become(trainedJob(t, nil, input(t, "user,item\n"+strings.Repeat("1,1\n1,2\n1,3\n2,2\n2,3\n2,4\n", 2)+"3,5\n3,6\n3,7\n3,8\n3,9\n3,10\n")), model)
	refused("content of the model, file 1 of item_ids")
}

// TestFoldInverseOfUsers: an inverse of users says nothing of others.
func TestFoldInverseOfUsers(t *testing.T) {
	var b strings.Builder
	b.WriteString("user,item\n")
	for u := range 5 {
		for i := range 9 {
			if (u+i)%3 > 0 {
				fmt.Fprintf(&b, "%d,%d\n", u, i)
			}
		}
	}
	in := input(t, b.String())
	model := trainedJob(t, func(p *recommend.Params) { p.Algorithm, p.Top = recommend.EASE, 2 }, in)
	_, err := mapreduce.Run(t.Context(), jobs.Standard(), recommend.Job(), foldConfig(t, model, func(p *recommend.Params) { p.Top = 2 }, in))
	if mapreduce.ExitCode(mapreduce.Summary{}, err) != mapreduce.ExitInput || !strings.Contains(err.Error(), "its inverse is of users") {
		t.Errorf("an inverse of users: %v", err)
	}
}
