package recommend_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shardmill/shardmill/jobs"
	"github.com/shardmill/shardmill/jobs/internal/datasets"
	"github.com/shardmill/shardmill/jobs/internal/rankmetrics"
	"github.com/shardmill/shardmill/jobs/recommend"
	"github.com/shardmill/shardmill/mapreduce"
	"github.com/shardmill/shardmill/mapreduce/mrtest"
)

// someAlgorithms are one of each kind, with few iterations.
const someAlgorithms = "popularity,cosine:k=7,cosine:k=30,rp3beta,als:factors=8:iterations=3,ease"

// trying is a run in child processes of an evaluation of small data.
func trying(t testing.TB, change func(p *recommend.EvaluationParams), inputs ...string) mapreduce.Config {
	t.Helper()
	p := recommend.EvaluationDefaults()
	p.Algorithm = someAlgorithms
	if change != nil {
		change(&p)
	}
	if p.Test != "" {
		inputs = append(inputs, p.Test)
	}
	cfg := config(t, nil, inputs...)
	cfg.InProcess, cfg.Workers, cfg.Partitions = false, 2, 3
	var err error
	if cfg.Params, err = json.Marshal(p); err != nil {
		t.Fatal(err)
	}
	return cfg
}

// evaluated runs an evaluation and reads what it has found.
func evaluated(t testing.TB, cfg mapreduce.Config) *recommend.Comparison {
	t.Helper()
	mrtest.Run(t, jobs.Standard(), smallEvaluation(), cfg, mapreduce.ExitComplete)
	return comparisonOf(t, cfg.Dir)
}

func comparisonOf(t testing.TB, dir string) *recommend.Comparison {
	t.Helper()
	c, err := recommend.ReadComparison(dir, mapreduce.ResultsOut)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// withoutCost is what does not differ from run to run.
func withoutCost(c *recommend.Comparison) recommend.Comparison {
	same := *c
	same.Configurations = slices.Clone(c.Configurations)
	for i := range same.Configurations {
		same.Configurations[i].Cost = recommend.Cost{}
	}
	if c.Winner != nil {
		w := *c.Winner
		w.Cost, w.Command = recommend.Cost{}, nil
		same.Winner = &w
	}
	return same
}

// TestEvaluationSameBytes: the number of workers shows nowhere, with and without rungs.
func TestEvaluationSameBytes(t *testing.T) {
	in := smallCrowd(t)
	for _, budget := range []float64{0, 3} {
		first := ""
		for _, workers := range []int{1, 2, 4} {
			cfg := trying(t, func(p *recommend.EvaluationParams) { p.Budget = budget }, in)
			cfg.Workers = workers
			c := evaluated(t, cfg)
			if first == "" {
				first = cfg.Dir
			}
			mrtest.SameResults(t, first, cfg.Dir)
			if last := c.Configurations[0].Rung; len(c.Configurations) != 6 || (last > 1) != (budget > 0) {
				t.Errorf("budget %v: %d configurations, the best is of rung %d", budget, len(c.Configurations), last)
			}
		}
	}
}

// TestEvaluationMeasures compares all figures of an evaluation with those of the same parts, measured here.
func TestEvaluationMeasures(t *testing.T) {
	cfg := trying(t, func(p *recommend.EvaluationParams) { p.Cutoffs, p.ValueCol = "3,10", "rating" }, ratedCrowd(t))
	cfg.KeepIntermediate = true
	c := evaluated(t, cfg)
	users, items := len(idList(t, cfg.Dir, "user_ids")), len(idList(t, cfg.Dir, "item_ids"))
	part := func(name string) recommend.Matrix { return openMatrix(t, cfg.Dir, name, users, items) }
	turned := func(name string) recommend.Matrix { return openMatrix(t, cfg.Dir, name, items, users) }
	for _, of := range c.Configurations {
		want := measureAlone(t, of.Algorithm, part("fit"), turned("fit_items"), part("valid"))
		if diff := cmp.Diff(want, of.Metrics); diff != "" {
			t.Errorf("%s: %s", of.Algorithm, diff)
		}
	}
	if !slices.IsSortedFunc(c.Configurations, func(a, b recommend.Configuration) int {
		return -cmpFloat(*recommend.At(a.Metrics, "ndcg", 10).Value, *recommend.At(b.Metrics, "ndcg", 10).Value)
	}) {
		t.Error("they are not in order")
	}
	w := c.Winner
	if w == nil || w.Number != c.Configurations[0].Number || w.Algorithm != c.Configurations[0].Algorithm {
		t.Fatalf("winner %+v, the best is %+v", w, c.Configurations[0])
	}
	if diff := cmp.Diff(measureAlone(t, w.Algorithm, part("known"), turned("known_items"), part("test")), w.Metrics); diff != "" {
		t.Errorf("test: %s", diff)
	}
}

func cmpFloat(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// measureAlone trains and measures an algorithm.
func measureAlone(t *testing.T, algorithm string, users, items, relevant recommend.Matrix) (list []recommend.Measured) {
	t.Helper()
	p := recommend.Defaults()
	p.Algorithm = algorithm
	known := 0
	for u := range users.Rows() {
		if columns, _ := users.Row(u); len(columns) > 0 {
			known++
		}
	}
	row := func(item uint32) []uint32 { columns, _ := items.Row(int(item)); return columns }
	sums := rankmetrics.New(rankmetrics.Options{
		Items: items.Rows(), Users: known, Cutoffs: []int{3, 10}, Row: row, Count: func(item uint32) int { return len(row(item)) },
	})
	err := recommend.LearnAlone(t.Context(), p, users, items, 10, func(user uint32, scored []recommend.Scored) {
		var found []uint32
		for _, s := range scored {
			found = append(found, s.Index)
		}
		took, _ := relevant.Row(int(user))
		sums.Add(user, found, took)
	})
	if err != nil {
		t.Fatal(err)
	}
	number := func(v float64) *float64 {
		if math.IsNaN(v) {
			return nil
		}
		return &v
	}
	for _, v := range sums.Values() {
		list = append(list, recommend.Measured{Metric: string(v.Metric), K: int32(v.K), Value: number(v.Value), Low: number(v.Low), High: number(v.High)})
	}
	return list
}

// TestEvaluationWorkerDies: a worker that is killed while it trains costs another attempt of its configuration.
func TestEvaluationWorkerDies(t *testing.T) {
	in := smallCrowd(t)
	clean := trying(t, nil, in)
	want := evaluated(t, clean)
	path := mortal(t, "once")
	cfg := trying(t, nil, in)
	mrtest.Run(t, jobs.Standard(), mortalEvaluation(), cfg, mapreduce.ExitComplete)
	if _, err := os.Stat(path); err == nil {
		t.Fatal("no worker died")
	}
	retried := 0
	for _, e := range mrtest.Events(t, cfg.Dir) {
		if e.Kind == mapreduce.EventRetry {
			retried++
			if e.Stage != "05-trials" || !strings.HasPrefix(e.Task, "reduce-") {
				t.Errorf("tried again: %s/%s", e.Stage, e.Task)
			}
		}
	}
	if retried != 1 {
		t.Errorf("%d tasks were tried again", retried)
	}
	mrtest.SameResults(t, clean.Dir, cfg.Dir)
	if diff := cmp.Diff(withoutCost(want), withoutCost(comparisonOf(t, cfg.Dir))); diff != "" {
		t.Error(diff)
	}
}

// TestEvaluationPoison: a configuration that kills each worker is a reject, and the others are compared as without it.
func TestEvaluationPoison(t *testing.T) {
	in := smallCrowd(t)
	for _, budget := range []float64{0, 3} {
		want := withoutCost(evaluated(t, trying(t, func(p *recommend.EvaluationParams) { p.Budget = budget }, in)))
		const poison = 2
		mortal(t, strconv.Itoa(poison))
		cfg := trying(t, func(p *recommend.EvaluationParams) { p.Budget = budget }, in)
		mrtest.Run(t, jobs.Standard(), mortalEvaluation(), cfg, mapreduce.ExitRejects)
		got := withoutCost(comparisonOf(t, cfg.Dir))
		rejects := mrtest.Rejects(t, jobs.Standard(), cfg.Dir)
		if len(rejects) != 1 || rejects[0].Class != "crash" {
			t.Errorf("rejects %+v", rejects)
		}
		last := got.Configurations[len(got.Configurations)-1]
		if last.Number != poison || last.Rank != 0 || !strings.Contains(last.Reason, "see the rejects") {
			t.Errorf("the last one is %+v", last)
		}
		if budget > 0 { // another one is in the next rung in its place
			continue
		}
		left := slices.DeleteFunc(want.Configurations, func(c recommend.Configuration) bool { return c.Number == poison })
		for i := range left {
			left[i].Rank = i + 1
		}
		if diff := cmp.Diff(left, got.Configurations[:len(got.Configurations)-1]); diff != "" {
			t.Error(diff)
		}
	}
}

// TestEvaluationResume: what was committed when the driver was killed is not done again.
func TestEvaluationResume(t *testing.T) {
	cfg := trying(t, nil, smallCrowd(t))
	evaluated(t, cfg)
	all := mrtest.Started(mrtest.Events(t, cfg.Dir))
	dir := filepath.Join(t.TempDir(), "job")
	d := mrtest.Driver{Job: "small-evaluation", Config: cfg, Code: mapreduce.ExitComplete}
	cmd, token := d.Start(t, dir, "committed:05-trials/reduce-000003")
	if code := mrtest.Wait(t, cmd, token); code != -1 {
		t.Fatalf("the driver was not killed: exit code %d: %s", code, cmd.Stderr)
	}
	killed, committed := mrtest.Started(mrtest.Events(t, dir)), mrtest.Committed(t, dir)
	d.Finish(t, dir)
	missing := maps.Clone(all)
	for _, task := range committed {
		delete(missing, task)
	}
	resumed := mrtest.Started(mrtest.Events(t, dir))
	for task, n := range killed {
		if resumed[task] -= n; resumed[task] == 0 {
			delete(resumed, task)
		}
	}
	if !maps.Equal(resumed, missing) || !slices.Contains(committed, "05-trials/reduce-000003") {
		t.Errorf("the second driver started %v, expected %v", resumed, missing)
	}
	if trials := len(slices.DeleteFunc(slices.Collect(maps.Keys(missing)), func(task string) bool { return task < "05" || task > "06" })); trials == 0 || trials > 3 {
		t.Errorf("%d trials were missing", trials)
	}
	mrtest.SameResults(t, cfg.Dir, dir)
}

// TestEvaluationTestPart: what is in the test part changes nothing before the test: neither what is measured nor what is chosen.
func TestEvaluationTestPart(t *testing.T) {
	all := records(t, smallCrowd(t))
	var train strings.Builder
	var test []record
	train.WriteString("user,item\n")
	for i, r := range all {
		if i%5 == 0 {
			test = append(test, r)
		} else {
			fmt.Fprintf(&train, "%d,%d\n", r.user, r.item)
		}
	}
	in, known := input(t, train.String()), knownIDs(all)
	part := func(name string, change func(i int, r record) record) *recommend.Comparison {
		var b strings.Builder
		b.WriteString("user,item\n")
		for i, r := range test {
			r = change(i, r)
			if !known[[2]int64{r.user, r.item}] {
				r = test[i] // of the same ids as all others
			}
			fmt.Fprintf(&b, "%d,%d\n", r.user, r.item)
		}
		path := filepath.Join(t.TempDir(), name)
		mrtest.Write(t, path, []byte(b.String()))
		return evaluated(t, trying(t, func(p *recommend.EvaluationParams) { p.Test, p.Budget = path, 3 }, in))
	}
	first := part("as it is.csv", func(_ int, r record) record { return r })
	others := map[string]*recommend.Comparison{
		"reversed":        part("reversed.csv", func(i int, _ record) record { return test[len(test)-1-i] }),
		"of other people": part("others.csv", func(i int, r record) record { r.item = test[(i+7)%len(test)].item; return r }),
		"of one pair":     part("one.csv", func(int, record) record { return test[0] }),
	}
	for name, other := range others {
		a, b := withoutCost(first), withoutCost(other)
		if diff := cmp.Diff(a.Configurations, b.Configurations); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if a.Winner.Number != b.Winner.Number {
			t.Errorf("%s: configuration %d won, and before %d", name, b.Winner.Number, a.Winner.Number)
		}
	}
	if same := cmp.Equal(withoutCost(first).Winner.Metrics, withoutCost(others["of one pair"]).Winner.Metrics); same {
		t.Error("the test part of one pair gives the metrics of all: the test shows nothing")
	}
}

// knownIDs are all pairs of a user and an item of the records.
func knownIDs(all []record) map[[2]int64]bool {
	pairs := map[[2]int64]bool{}
	for _, a := range all {
		pairs[[2]int64{a.user, a.item}] = true
	}
	return pairs
}

// TestEvaluationTooFewUsers: a rung without a user who can be measured is the budget's fault.
func TestEvaluationTooFewUsers(t *testing.T) {
	in := input(t, "user,item\na,1\na,2\na,3\na,4\na,5\nb,1\nb,2\nb,3\nb,4\nb,5\nb,6\n")
	cfg := evaluating(t, func(p *recommend.EvaluationParams) {
		p.Algorithm, p.Grid, p.Budget, p.Split = "cosine", []string{"k=1,2,3"}, 1, "hash:0.3"
	}, in)
	const want = "--budget 1: none of the 17 % of the users that rung 1 takes can be measured; give a larger --budget"
	s, err := mapreduce.Run(t.Context(), jobs.Standard(), smallEvaluation(), cfg)
	if err == nil || !strings.Contains(err.Error(), want) || mapreduce.ExitCode(s, err) != mapreduce.ExitInput {
		t.Errorf("%v, expected %q", err, want)
	}
}

// TestEvaluationBudget: rungs take less work, and choose one that is about as good.
func TestEvaluationBudget(t *testing.T) {
	in := smallCrowd(t)
	grids := func(p *recommend.EvaluationParams) {
		p.Algorithm, p.Grid = "cosine,rp3beta,als:factors=8:iterations=8", []string{"k=2,5,10,20,40", "beta=0.1,0.3,0.6", "als:regularization=0.1,1,10", "als:alpha=1,10,40"}
	}
	full := evaluated(t, trying(t, grids, in))
	halved := evaluated(t, trying(t, func(p *recommend.EvaluationParams) { grids(p); p.Budget = 9 }, in))
	if n := len(full.Configurations); n != 5+15+9 || len(halved.Configurations) != n {
		t.Fatalf("%d and %d configurations", n, len(halved.Configurations))
	}
	work, perRung := 0., map[int32]int{}
	for _, c := range halved.Configurations {
		perRung[c.Rung]++
		for r := int32(1); r <= c.Rung; r++ {
			work += c.Share / math.Pow(3, float64(c.Rung-r)) // about: the last share is rounded up
		}
	}
	if work > 14 || perRung[1] == 0 || perRung[2] == 0 {
		t.Errorf("the work is %v, configurations by their last rung: %v", work, perRung)
	}
	best := func(c *recommend.Comparison) float64 { return *recommend.At(c.Winner.Metrics, "ndcg", 10).Value }
	t.Logf("work %.1f of %d; NDCG@10 of the test: %.4f by rungs, %.4f of all", work, len(full.Configurations), best(halved), best(full))
	if best(halved) < .9*best(full) {
		t.Errorf("NDCG@10 is %v by rungs, and %v of all", best(halved), best(full))
	}
}

// TestEvaluationLittleMemory: models that are larger than a worker may hold are made in files, with the same results.
func TestEvaluationLittleMemory(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector alone takes more memory than these workers may")
	}
	const users, items = 2900, 2600 // inverse and neighbours are above 32 MiB, half of the least limit of the heap
	var b strings.Builder
	b.WriteString("user,item\n")
	for u := range users {
		for i := range 12 {
			fmt.Fprintf(&b, "%d,%d\n", u, (u+i*i*(1+u%7))%items)
		}
	}
	in := input(t, b.String())
	run := func(memory int64) mapreduce.Config {
		cfg := trying(t, func(p *recommend.EvaluationParams) { p.Algorithm = "cosine:k=3000,ease" }, in)
		cfg.WorkerMemory = memory
		evaluated(t, cfg)
		mrtest.NothingLeft(t, cfg.Dir)
		return cfg
	}
	mrtest.SameResults(t, run(2<<30).Dir, run(64<<20).Dir)
}

// TestEvaluationLastfm: all algorithms with their own grids find, without the test part, one that is good on it; with a budget as well, in
// less time.
func TestEvaluationLastfm(t *testing.T) {
	train := datasets.Path(t, "splits", "lastfm-hash80", "train.csv")
	var cpu []float64
	for _, c := range []struct{ budget, least float64 }{{0, .245}, {6, .235}} {
		cfg := trying(t, func(p *recommend.EvaluationParams) {
			p.Algorithm, p.Test, p.Budget = "", datasets.Path(t, "splits", "lastfm-hash80", "test.csv"), c.budget
		}, train)
		mrtest.Run(t, jobs.Standard(), recommend.EvaluationJob(), cfg, mapreduce.ExitComplete)
		found, sum := comparisonOf(t, cfg.Dir), 0.
		for _, of := range found.Configurations {
			sum += of.Cost.CPUSeconds
			if of.Cost.WallSeconds <= 0 || of.Cost.PeakRSS <= 0 {
				t.Errorf("%s cost %+v", of.Algorithm, of.Cost)
			}
		}
		cpu = append(cpu, sum)
		got := *recommend.At(found.Winner.Metrics, "ndcg", 10).Value
		t.Logf("budget %v: %s: NDCG@10 of %d users is %.4f; %.1f CPU s", c.budget, found.Winner.Algorithm, found.Winner.Users, got, sum)
		if got < c.least || found.Winner.Users != 1878 {
			t.Errorf("budget %v: %s: NDCG@10 of %d users is %.4f, want %v of 1878", c.budget, found.Winner.Algorithm, found.Winner.Users, got, c.least)
		}
	}
	if cpu[1] > .75*cpu[0] {
		t.Errorf("with a budget of 6 of 21 configurations the trials took %.1f CPU s in place of %.1f", cpu[1], cpu[0])
	}
}

// TestEvaluationGowalla is TestEvaluationLastfm for a larger dataset; ease is too large for it.
func TestEvaluationGowalla(t *testing.T) {
	if os.Getenv("BENCH_BIG") == "" {
		t.Skip("it takes a minute of CPU: set BENCH_BIG=1")
	}
	cfg := trying(t, func(p *recommend.EvaluationParams) {
		p.Format, p.Algorithm, p.Test = "lines", "", datasets.Path(t, "gowalla", "test.txt")
		p.Cutoffs, p.Pick = "20", "recall@20"
	}, datasets.Path(t, "gowalla", "train.txt"))
	mrtest.Run(t, jobs.Standard(), recommend.EvaluationJob(), cfg, mapreduce.ExitComplete)
	c := comparisonOf(t, cfg.Dir)
	got := *recommend.At(c.Winner.Metrics, "recall", 20).Value
	t.Logf("%s: R@20 of %d users is %.4f", c.Winner.Algorithm, c.Winner.Users, got)
	if got < .180 {
		t.Errorf("%s: R@20 is %.4f, want .180", c.Winner.Algorithm, got)
	}
	for _, of := range c.Configurations {
		if strings.HasPrefix(of.Algorithm, "ease") != strings.Contains(of.Reason, "at most 15000") {
			t.Errorf("%s: reason %q", of.Algorithm, of.Reason)
		}
	}
}

// TestEvaluationCoverage: items that --min-item leaves out are not in the catalogue.
func TestEvaluationCoverage(t *testing.T) {
	in := smallCrowd(t)
	cfg := trying(t, func(p *recommend.EvaluationParams) { p.Algorithm, p.MinItem, p.Cutoffs = "ease", 40, "10" }, in)
	c := evaluated(t, cfg)
	users := map[int64]int{}
	for _, r := range records(t, in) {
		users[r.item]++
	}
	left := 0
	for _, n := range users {
		if n >= 40 {
			left++
		}
	}
	got := *recommend.At(c.Configurations[0].Metrics, "coverage", 10).Value * float64(left)
	if left == len(users) || math.Abs(got-math.Round(got)) > 1e-9 || got < float64(left)/2 || got > float64(left) {
		t.Errorf("%v of %d items are listed, of %d", got, left, len(users))
	}
}

// TestEvaluationCommand: the command line of the winner gives the job recommend the parameters of the winner.
func TestEvaluationCommand(t *testing.T) {
	in := ratedCrowd(t)
	cfg := trying(t, func(p *recommend.EvaluationParams) {
		p.Algorithm, p.ValueCol, p.MinUser, p.Alpha, p.NoHeader, p.MinValue = "als:factors=8:iterations=2", "rating", 3, given(4.), false, given(-2.5)
	}, in)
	c := evaluated(t, cfg)
	want := []string{
		"recommend", "--algorithm", "als:alpha=4:factors=8:iterations=2", "--min-user", "3", "--min-value", "-2.5", "--value-col", "rating", in,
	}
	if diff := cmp.Diff(want, c.Winner.Command); diff != "" {
		t.Error(diff)
	}
}
