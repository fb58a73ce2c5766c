package recommend_test

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/shardmill/shardmill/jobs"
	"github.com/shardmill/shardmill/jobs/internal/matrix"
	"github.com/shardmill/shardmill/jobs/recommend"
	"github.com/shardmill/shardmill/mapreduce"
	"github.com/shardmill/shardmill/mapreduce/mrtest"
)

// oracle makes the matrix by users out of a table, in memory: values by user and item, and rows dropped by rule.
func oracle(t *testing.T, path string, p recommend.Params) (values map[[2]int64]float64, dropped map[string]int64) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(strings.NewReader(string(text))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	type row struct {
		user, item, time int64
		value            float64
	}
	var all []row
	dropped = map[string]int64{}
	users, items, newest := map[int64]int64{}, map[int64]int64{}, int64(math.MinInt64)
	for _, r := range records[1:] {
		var n [4]float64
		for i := range n {
			if n[i], err = strconv.ParseFloat(r[i], 64); err != nil {
				t.Fatal(err)
			}
		}
		x := row{int64(n[0]), int64(n[1]), int64(n[3]), n[2]}
		switch {
		case p.MinValue == nil && x.value <= 0:
			dropped["nonpositive"]++
			continue
		case p.MinValue != nil && x.value < *p.MinValue:
			dropped["min-value"]++
			continue
		}
		users[x.user]++
		items[x.item]++
		newest = max(newest, x.time)
		all = append(all, x)
	}
	values, times := map[[2]int64]float64{}, map[[2]int64]int64{}
	for _, x := range all {
		switch {
		case users[x.user] < p.MinUser:
			dropped["min-user"]++
			continue
		case items[x.item] < p.MinItem:
			dropped["min-item"]++
			continue
		}
		v := x.value
		if p.Duplicates == "count" {
			v = 1
		}
		if p.HalfLife == "2d" {
			v *= math.Pow(.5, float64(newest-x.time)/(2*86400))
		}
		at := [2]int64{x.user, x.item}
		old, again := values[at]
		switch {
		case !again:
		case p.Duplicates == "max":
			v = max(v, old)
		case p.Duplicates == "last" && x.time < times[at]:
			continue
		case p.Duplicates != "last":
			v += old
		}
		values[at], times[at] = v, x.time
	}
	return values, dropped
}

// TestMatrix compares the matrix that a job makes, both ways, with one made in memory, for all that options can ask for.
func TestMatrix(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var b strings.Builder
	b.WriteString("user,item,value,time\n")
	for range 1500 {
		fmt.Fprintf(&b, "%d,%d,%d,%d\n", 10+r.IntN(80), 100+int(30*r.Float64()*r.Float64()), r.IntN(6)-1, 1_700_000_000+r.IntN(10*86400))
	}
	in, three := input(t, b.String()), 3.
	for _, change := range []func(p *recommend.Params){
		func(*recommend.Params) {},
		func(p *recommend.Params) { p.Duplicates = "max" },
		func(p *recommend.Params) { p.Duplicates, p.MinUser, p.MinItem = "last", 18, 40 },
		func(p *recommend.Params) { p.Duplicates = "count" },
		func(p *recommend.Params) { p.HalfLife = "2d" },
		func(p *recommend.Params) { p.HalfLife, p.Duplicates, p.MinValue = "2d", "count", &three },
		func(p *recommend.Params) { p.MinValue, p.MinItem = &three, 25 },
	} {
		var params recommend.Params
		cfg := config(t, func(p *recommend.Params) {
			p.Algorithm, p.Top, p.ValueCol, p.TimeCol = recommend.Popularity, 1, "value", "time"
			change(p)
			params = *p
		}, in)
		cfg.KeepIntermediate, cfg.Partitions = true, 3
		s := mrtest.Run(t, jobs.Standard(), smallJob(), cfg, mapreduce.ExitComplete)
		values, dropped := oracle(t, in, params)
		if !maps.Equal(s.Rows.Dropped, dropped) {
			t.Errorf("%+v: dropped %v, want %v", params, s.Rows.Dropped, dropped)
		}
		checkMatrix(t, cfg.Dir, "user_items", values)
		turned := map[[2]int64]float64{}
		for at, v := range values {
			turned[[2]int64{at[1], at[0]}] = v
		}
		checkMatrix(t, cfg.Dir, "item_users", turned)
	}
}

// checkMatrix compares the entries of a matrix, by their places among the ids, which the dictionaries number.
func checkMatrix(t *testing.T, dir, name string, want map[[2]int64]float64) {
	t.Helper()
	users, items, err := matrices(dir)
	if err != nil {
		t.Fatal(err)
	}
	m, rowIDs, columnIDs := users, idList(t, dir, "user_ids"), idList(t, dir, "item_ids")
	if name == "item_users" {
		m, rowIDs, columnIDs = items, columnIDs, rowIDs
	}
	if m.Entries() != int64(len(want)) {
		t.Errorf("%s: %d entries, want %d", name, m.Entries(), len(want))
	}
	for i := range m.Rows() {
		columns, values := m.Row(i)
		for k, c := range columns {
			v := float32(1)
			if values != nil {
				v = values[k]
			}
			if w, ok := want[[2]int64{rowIDs[i], columnIDs[c]}]; !ok || math.Abs(float64(v)-w) > 1e-6*w {
				t.Fatalf("%s: row %d, column %d: %v, want %v", name, rowIDs[i], columnIDs[c], v, w)
			}
		}
	}
	checkFiles(t, dir, name)
}

// checkFiles: the rows of a file of a matrix follow one another, and each file has some.
func checkFiles(t *testing.T, dir, name string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "stages", "*", "data", name, "*.matrix"))
	if err != nil || len(files) < 2 {
		t.Fatalf("%s: %d files, %v", name, len(files), err)
	}
	var spans [][2]uint32
	for _, f := range files {
		r, err := matrix.OpenReader(f)
		if err != nil {
			t.Fatal(err)
		}
		var all []uint32
		for {
			var row matrix.Row
			if err := r.Read(&row); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			all = append(all, row.Index)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		if len(all) == 0 {
			t.Fatalf("%s has no rows", f)
		}
		spans = append(spans, [2]uint32{all[0], all[len(all)-1]})
	}
	slices.SortFunc(spans, func(a, b [2]uint32) int { return int(a[0]) - int(b[0]) })
	for i := range spans[1:] {
		if spans[i+1][0] <= spans[i][1] {
			t.Errorf("%s: rows of files overlap: %v", name, spans)
		}
	}
}

// TestBadInput: what no run can use is said so that one knows what to do.
func TestBadInput(t *testing.T) {
	good := "user,item,value\n1,2,3\n1,3,3\n2,2,1\n"
	for _, c := range []struct {
		name, text string
		change     func(p *recommend.Params)
		says       []string
	}{
		{"unknown column", good, func(p *recommend.Params) { p.UserCol = "customer" }, []string{"customer", "user", "item", "value"}},
		{"wrong separator", "user;item\n1;2\n", nil, []string{"one column", "user;item", "--separator"}},
		{"empty file", "", nil, []string{"no rows"}},
		{"no rows", "user,item\n", nil, []string{"no rows"}},
		{"nothing is left", "user,item,value\n1,2,0\n1,3,-1\n", func(p *recommend.Params) { p.ValueCol = "value" }, []string{"no interaction is left", "--min-value"}},
		{"no user is left", good, func(p *recommend.Params) { p.MinUser = 3 }, []string{"--min-user", "3"}},
		{"no item is left", good, func(p *recommend.Params) { p.MinItem = 3 }, []string{"--min-item", "3"}},
		{"no pair is left", "user,item\n1,7\n1,8\n2,9\n3,9\n", func(p *recommend.Params) { p.MinUser, p.MinItem = 2, 2 }, []string{"--min-user", "--min-item", "no row has both"}},
		{"small catalogue", good, func(p *recommend.Params) { p.Top = 3 }, []string{"--top 3", "2 items"}},
		{"too many for ease", diagonal(15_001), func(p *recommend.Params) { p.Algorithm = recommend.EASE }, []string{"--algorithm ease", "15001 users", "15001 items", "15000", "--min-user", "--min-item"}},
		{"texts as numbers", "user,item\n1,a\n2,b\n", func(p *recommend.Params) { p.IDType = "int64" }, []string{"a", "--id-type"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := config(t, func(p *recommend.Params) {
				p.Top = 1
				if c.change != nil {
					c.change(p)
				}
			}, input(t, c.text))
			s, err := mapreduce.Run(t.Context(), jobs.Standard(), recommend.Job(), cfg)
			mrtest.Code(t, s, err, mapreduce.ExitInput)
			for _, word := range c.says {
				if err == nil || !strings.Contains(err.Error(), word) {
					t.Errorf("%v: does not say %q", err, word)
				}
			}
		})
	}
}

// diagonal is n users with an item each, which no other has.
func diagonal(n int) string {
	b := []byte("user,item\n")
	for i := range n {
		b = fmt.Appendf(b, "%d,%d\n", i, i)
	}
	return string(b)
}

// TestEaseFits: what counts are the users and items that are left.
func TestEaseFits(t *testing.T) {
	in := input(t, diagonal(15_001)+"15001,0\n15001,1\n")
	cfg := config(t, func(p *recommend.Params) { p.Algorithm, p.Top, p.MinItem = recommend.EASE, 1, 2 }, in)
	mrtest.Run(t, jobs.Standard(), recommend.Job(), cfg, mapreduce.ExitComplete)
	if got := lists(t, cfg.Dir); len(got[0]) != 1 || got[0][0].item != 1 || len(got[15001]) != 0 {
		t.Errorf("%v and %v", got[0], got[15001])
	}
}

// TestBadParams: each wrong parameter is refused by the name of its flag, before anything is opened.
func TestBadParams(t *testing.T) {
	for flag, change := range map[string]func(p *recommend.Params){
		"--algorithm":  func(p *recommend.Params) { p.Algorithm = "svd" },
		"--top":        func(p *recommend.Params) { p.Top = 0 },
		"--similar":    func(p *recommend.Params) { p.Similar = 0 },
		"--because":    func(p *recommend.Params) { p.Because = -1 },
		"--duplicates": func(p *recommend.Params) { p.Duplicates = "mean" },
		"--half-life":  func(p *recommend.Params) { p.HalfLife, p.TimeCol = "d", "time" },
		"--time-col":   func(p *recommend.Params) { p.HalfLife = "3d" },
		"--min-user":   func(p *recommend.Params) { p.MinUser = -1 },
		"--id-type":    func(p *recommend.Params) { p.IDType = "uuid" },
		"--value-col":  func(p *recommend.Params) { v := 1.; p.MinValue = &v },
		"--k":          func(p *recommend.Params) { p.K = -1 },
		"--beta":       func(p *recommend.Params) { p.Algorithm, p.Beta = recommend.Popularity, new(float64) },
		"--shard-rows": func(p *recommend.Params) { p.ShardRows = 0 },
	} {
		t.Run(flag, func(t *testing.T) {
			s, err := mapreduce.Run(t.Context(), jobs.Standard(), recommend.Job(), config(t, change, "no-such-file.csv"))
			mrtest.Code(t, s, err, mapreduce.ExitUsage)
			if !strings.Contains(err.Error(), flag) {
				t.Errorf("%v: does not name %s", err, flag)
			}
		})
	}
}

// TestBadModelParams: wrong parameters of als and ease are refused by the name of their flag and with what is possible, as are those of
// other algorithms.
func TestBadModelParams(t *testing.T) {
	als := func(change func(p *recommend.Params)) func(p *recommend.Params) {
		return func(p *recommend.Params) {
			p.Algorithm, p.ValueCol = recommend.ALS, "value"
			change(p)
		}
	}
	ease := func(change func(p *recommend.Params)) func(p *recommend.Params) {
		return func(p *recommend.Params) {
			p.Algorithm = recommend.EASE
			change(p)
		}
	}
	explicit := func(change func(p *recommend.Params)) func(p *recommend.Params) {
		return als(func(p *recommend.Params) {
			p.Explicit = true
			change(p)
		})
	}
	for name, c := range map[string]struct {
		change func(p *recommend.Params)
		says   []string
	}{
		"no factors":             {als(func(p *recommend.Params) { p.Factors = given(0) }), []string{"--factors 0", "1 to 1024"}},
		"many factors":           {als(func(p *recommend.Params) { p.Factors = given(1025) }), []string{"--factors 1025", "1 to 1024"}},
		"negative factors":       {als(func(p *recommend.Params) { p.Factors = given(-1) }), []string{"--factors -1"}},
		"no iterations":          {als(func(p *recommend.Params) { p.Iterations = given(0) }), []string{"--iterations 0", "1 to 400"}},
		"many iterations":        {als(func(p *recommend.Params) { p.Iterations = given(401) }), []string{"--iterations 401", "1 to 400"}},
		"regularization":         {als(func(p *recommend.Params) { p.Regularization = given(-1.) }), []string{"--regularization -1", "0 or above"}},
		"no alpha":               {als(func(p *recommend.Params) { p.Alpha = given(0.) }), []string{"--alpha 0", "above 0"}},
		"negative alpha":         {als(func(p *recommend.Params) { p.Alpha = given(-2.) }), []string{"--alpha -2"}},
		"solver":                 {als(func(p *recommend.Params) { p.Solver = "lu" }), []string{"--solver", "lu", "cg", "cholesky"}},
		"confidence":             {als(func(p *recommend.Params) { p.Confidence = "log" }), []string{"--confidence", "log", "alpha-r", "one-plus-alpha-r"}},
		"regularize-by":          {als(func(p *recommend.Params) { p.RegularizeBy = "users" }), []string{"--regularize-by", "users", "plain", "count"}},
		"ratings":                {explicit(func(p *recommend.Params) { p.ValueCol = "" }), []string{"--explicit", "--value-col"}},
		"ratings, alpha":         {explicit(func(p *recommend.Params) { p.Alpha = given(1.) }), []string{"--explicit", "--alpha"}},
		"ratings, confidence":    {explicit(func(p *recommend.Params) { p.Confidence = "alpha-r" }), []string{"--explicit", "--confidence"}},
		"ratings, cg":            {explicit(func(p *recommend.Params) { p.Solver = "cg" }), []string{"--explicit", "--solver", "cholesky"}},
		"ratings regularization": {explicit(func(p *recommend.Params) { p.Regularization = given(-.5) }), []string{"--regularization -0.5"}},
		"no lambda":              {ease(func(p *recommend.Params) { p.Lambda = given(0.) }), []string{"--lambda 0", "above 0"}},
		"negative lambda":        {ease(func(p *recommend.Params) { p.Lambda = given(-3.) }), []string{"--lambda -3"}},
		"lambda of als":          {als(func(p *recommend.Params) { p.Lambda = given(1.) }), []string{"--lambda", "--algorithm als"}},
		"k of als":               {als(func(p *recommend.Params) { p.K = 5 }), []string{"--k ", "--algorithm als"}},
		"beta of als":            {als(func(p *recommend.Params) { p.Beta = given(.5) }), []string{"--beta", "--algorithm als"}},
		"factors of ease":        {ease(func(p *recommend.Params) { p.Factors = given(5) }), []string{"--factors", "--algorithm ease"}},
		"iterations of ease":     {ease(func(p *recommend.Params) { p.Iterations = given(5) }), []string{"--iterations", "--algorithm ease"}},
		"alpha of ease":          {ease(func(p *recommend.Params) { p.Alpha = given(.5) }), []string{"--alpha", "--algorithm ease"}},
		"shrink of ease":         {ease(func(p *recommend.Params) { p.Shrink = 5 }), []string{"--shrink", "--algorithm ease"}},
		"explicit of ease":       {ease(func(p *recommend.Params) { p.Explicit = true }), []string{"--explicit", "--algorithm ease"}},
		"solver of rp3beta":      {func(p *recommend.Params) { p.Solver = "cg" }, []string{"--solver", "--algorithm rp3beta"}},
		"seed of rp3beta":        {func(p *recommend.Params) { p.Seed = 3 }, []string{"--seed", "--algorithm rp3beta"}},
		"regularize-by of bm25":  {func(p *recommend.Params) { p.Algorithm, p.RegularizeBy = "bm25", "count" }, []string{"--regularize-by", "--algorithm bm25"}},
		"confidence of bm25":     {func(p *recommend.Params) { p.Algorithm, p.Confidence = "bm25", "alpha-r" }, []string{"--confidence", "--algorithm bm25"}},
		"regularization of bm25": {func(p *recommend.Params) { p.Algorithm, p.Regularization = "bm25", given(1.) }, []string{"--regularization", "--algorithm bm25"}},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := mapreduce.Run(t.Context(), jobs.Standard(), recommend.Job(), config(t, c.change, "no-such-file.csv"))
			mrtest.Code(t, s, err, mapreduce.ExitUsage)
			for _, word := range c.says {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("%v: does not say %q", err, word)
				}
			}
		})
	}
}

// TestNotFinite: infinite and undefined parameters, which JSON does not have but a flag may.
func TestNotFinite(t *testing.T) {
	for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		for flag, change := range map[string]func(p *recommend.Params){
			"--regularization": func(p *recommend.Params) { p.Algorithm, p.Regularization = recommend.ALS, &v },
			"--alpha":          func(p *recommend.Params) { p.Algorithm, p.Alpha = recommend.ALS, &v },
			"--lambda":         func(p *recommend.Params) { p.Algorithm, p.Lambda = recommend.EASE, &v },
		} {
			p := recommend.Defaults()
			change(&p)
			if err := p.Validate(); err == nil || !strings.Contains(err.Error(), flag) {
				t.Errorf("%s %v: %v", flag, v, err)
			}
		}
	}
}

// TestBadValues: a value that is not a number is a reject for als, too, and one whose vector does not fit costs the vectors of its user and
// its item alone: they have no lists.
func TestBadValues(t *testing.T) {
	text, err := os.ReadFile(ratedCrowd(t))
	if err != nil {
		t.Fatal(err)
	}
	run := func(t *testing.T, lines string, change func(p *recommend.Params)) (mapreduce.Config, mapreduce.Summary) {
		cfg := config(t, func(p *recommend.Params) {
			smallALS(p)
			p.ValueCol = "rating"
			change(p)
		}, input(t, string(text)+lines))
		cfg.Partitions = 3
		return cfg, mrtest.Run(t, jobs.Standard(), smallJob(), cfg, mapreduce.ExitRejects)
	}
	for _, explicit := range []bool{false, true} {
		cfg, s := run(t, "901,3,NaN\n901,4,inf\n901,5,2\n", func(p *recommend.Params) { p.Explicit = explicit })
		if s.Rows.Rejected != 2 || len(lists(t, cfg.Dir)[901]) != 10 {
			t.Errorf("%+v, and %v", s.Rows, lists(t, cfg.Dir)[901])
		}
	}
	cfg, s := run(t, "900,3,1\n900,800,3e38\n", func(*recommend.Params) {})
	if s.Rows.Rejected != 6 { // a user and an item in each of three iterations
		t.Errorf("%+v", s.Rows)
	}
	users, items := factorsOf(t, cfg.Dir, "user"), factorsOf(t, cfg.Dir, "item")
	got, near := lists(t, cfg.Dir), similar(t, cfg.Dir)
	if users[900] != nil || items[800] != nil || len(users) != len(got) || len(items) != len(near) || len(got) < 290 {
		t.Errorf("%v and %v; %d lists of %d users, %d of %d items", users[900], items[800], len(got), len(users), len(near), len(items))
	}
	if got[900] != nil || near[800] != nil {
		t.Errorf("recommended %v, similar %v", got[900], near[800])
	}
	for owner, list := range near {
		for _, l := range list {
			if l.item == 800 {
				t.Errorf("%d is near to 800, of which nothing is known", owner)
			}
		}
	}
}

// A reject takes nothing else with it, wherever in a batch it stands.
func TestRejectsAlone(t *testing.T) {
	for name, text := range map[string]string{
		"first":  "2,1,1e39\n1,1,2\n1,2,3\n",
		"middle": "1,1,2\n2,1,1e39\n1,2,3\n",
		"same":   "1,1,2\n1,9,1e39\n1,2,3\n",
		"last":   "1,1,2\n1,2,3\n2,1,1e39\n",
	} {
		cfg := config(t, func(p *recommend.Params) {
			p.Algorithm, p.ValueCol, p.Top = recommend.Popularity, "value", 1
		}, input(t, "user,item,value\n3,1,1\n"+text))
		cfg.KeepIntermediate, cfg.Partitions = true, 2
		sum := mrtest.Run(t, jobs.Standard(), smallJob(), cfg, mapreduce.ExitRejects)
		if sum.Rows.Read != 4 || sum.Rows.Rejected != 1 {
			t.Errorf("%s: %+v", name, sum.Rows)
		}
		checkMatrix(t, cfg.Dir, "user_items", map[[2]int64]float64{{1, 1}: 2, {1, 2}: 3, {3, 1}: 1})
	}
}
