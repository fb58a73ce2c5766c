package recommend

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func texts(parts []part) (texts []string) {
	for _, of := range parts {
		texts = append(texts, of.text)
	}
	return texts
}

func TestConfigurations(t *testing.T) {
	number := func(v float64) *float64 { return &v }
	factors := 16
	for _, c := range []struct {
		name, algorithm string
		change          func(p *Params)
		grids           []string
		want            string
	}{
		{"one alone", "popularity", nil, nil, "popularity"},
		{"without a grid", "als:factors=8,ease", nil, nil, "als:factors=8 ease"},
		{"one value", "ease", nil, []string{"lambda=5"}, "ease:lambda=5"},
		{
			"all that have it", "cosine,popularity,rp3beta", nil,
			[]string{"k=20,50"},
			"cosine:k=20 cosine:k=50 popularity rp3beta:k=20 rp3beta:k=50",
		},
		{
			"the last grid changes first", "rp3beta", nil,
			[]string{"beta=0,.2", "k=50,20,70"},
			"rp3beta:k=50:beta=0 rp3beta:k=20:beta=0 rp3beta:k=70:beta=0 rp3beta:k=50:beta=0.2 rp3beta:k=20:beta=0.2 rp3beta:k=70:beta=0.2",
		},
		{"for one", "rp3beta,als", nil, []string{"als:alpha=1,40"}, "rp3beta als:alpha=1 als:alpha=40"},
		{
			"for one and for all", "cosine,bm25,tfidf", nil,
			[]string{"k=20,50", "bm25:k=100"},
			"cosine:k=20 cosine:k=50 bm25:k=100 tfidf:k=20 tfidf:k=50",
		},
		{"its own stays", "cosine:k=30,bm25:b=1", nil, []string{"k=20,50"}, "cosine:k=30 bm25:k=20:b=1 bm25:k=50:b=1"},
		{"its own zero stays", "cosine:shrink=0,tfidf", nil, []string{"shrink=0,9"}, "cosine tfidf tfidf:shrink=9"},
		{"one of two", "als:alpha=3,als", nil, []string{"als:alpha=5,6"}, "als:alpha=3 als:alpha=5 als:alpha=6"},
		{"a flag for all", "als,cosine", func(p *Params) { p.Factors, p.K = &factors, 9 }, []string{"alpha=1,2"}, "als:alpha=1:factors=16 als:alpha=2:factors=16 cosine:k=9"},
		{"a flag and a grid", "als,als:factors=3,cosine", func(p *Params) { p.Factors = &factors }, []string{"k=1,2"}, "als:factors=16 als:factors=3 cosine:k=1 cosine:k=2"},
		{"words", "als", nil, []string{"solver=cg,cholesky", "regularize-by=plain"}, "als:regularize-by=plain:solver=cg als:regularize-by=plain:solver=cholesky"},
		{"numbers as they are", "ease", nil, []string{"lambda=1e3,1000000,.5,+2e9"}, "ease:lambda=1000 ease:lambda=1e+06 ease:lambda=0.5 ease:lambda=2e+09"},
		{"large seeds", "als", nil, []string{"seed=18446744073709551615,0"}, "als:seed=18446744073709551615 als"},
		{"a zero that counts", "rp3beta", func(p *Params) { p.Beta = number(0) }, nil, "rp3beta:beta=0"},
	} {
		list, err := configurations(algorithms(c.algorithm, c.change), c.grids, false)
		if got := strings.Join(texts(list), " "); got != c.want || err != nil {
			t.Errorf("%s: %v\ngot  %s\nwant %s", c.name, err, got, c.want)
		}
		for _, of := range list {
			checkReadAgain(t, of)
		}
	}
}

// checkReadAgain: a configuration's text, as --algorithm of a recommendation without flags for all, means the same.
func checkReadAgain(t rapid.TB, of part) {
	t.Helper()
	parts, err := algorithms(of.text, func(p *Params) { p.ValueCol = of.ValueCol }).parts()
	if err != nil || len(parts) != 1 {
		t.Fatalf("%s: %d parts, %v", of.text, len(parts), err)
	}
	if diff := cmp.Diff(of.Params, parts[0].Params); diff != "" || of.label != of.Algorithm {
		t.Fatalf("%s: labelled %s, and read again it differs:\n%s", of.text, of.label, diff)
	}
	if again := parts[0].Params.text(); again != of.text {
		t.Fatalf("%s: read again it is %s", of.text, again)
	}
}

// TestDefaultGrids: each algorithm has one, until something is said of it.
func TestDefaultGrids(t *testing.T) {
	const neighbours = "cosine:k=50 cosine:k=200 tfidf:k=50 tfidf:k=200 bm25:k=50 bm25:k=200 jaccard:k=50 jaccard:k=200 llr:k=50 llr:k=200 "
	const rp3beta = "rp3beta:k=100:beta=0.2 rp3beta:k=100:beta=0.4 rp3beta:k=200:beta=0.2 rp3beta:k=200:beta=0.4 "
	const als = "als:alpha=10:regularization=1 als:alpha=40:regularization=1 als:alpha=10:regularization=50 als:alpha=40:regularization=50 "
	const ease = "ease:lambda=100 ease:lambda=400"
	seven := 7.
	for _, c := range []struct {
		name   string
		change func(p *Params)
		grids  []string
		want   string
	}{
		{"nothing is said", nil, nil, "popularity " + neighbours + rp3beta + als + ease},
		{
			"a flag takes the place of values", func(p *Params) { p.K, p.Lambda = 30, &seven }, nil,
			"popularity cosine:k=30 tfidf:k=30 bm25:k=30 jaccard:k=30 llr:k=30 rp3beta:k=30:beta=0.2 rp3beta:k=30:beta=0.4 " + als + "ease:lambda=7",
		},
		{
			"a grid takes the place of all", nil,
			[]string{"k=9", "als:factors=8,9", "bm25:b=.5"},
			"popularity cosine:k=9 tfidf:k=9 bm25:k=9:b=0.5 jaccard:k=9 llr:k=9 rp3beta:k=9 als:factors=8 als:factors=9 " + ease,
		},
		{
			"counts multiply", func(p *Params) { p.RegularizeBy = byCount }, nil,
			"popularity " + neighbours + rp3beta + "als:alpha=10:regularization=0.01:regularize-by=count als:alpha=40:regularization=0.01:regularize-by=count " +
				"als:alpha=10:regularization=0.1:regularize-by=count als:alpha=40:regularization=0.1:regularize-by=count " + ease,
		},
		{
			"ratings", func(p *Params) { p.Explicit, p.ValueCol = true, "stars" }, nil,
			"popularity " + neighbours + rp3beta + "als:regularization=0.01:explicit=true als:regularization=0.1:explicit=true " + ease,
		},
	} {
		p := Defaults()
		if c.change != nil {
			c.change(&p)
		}
		list, err := configurations(p, c.grids, true)
		if got := strings.Join(texts(list), " "); got != c.want || err != nil {
			t.Errorf("%s: %v\ngot  %s\nwant %s", c.name, err, got, c.want)
		}
		for _, of := range list {
			checkReadAgain(t, of)
		}
	}
}

func TestWrongGrids(t *testing.T) {
	number := 2.
	for _, c := range []struct {
		algorithm string
		change    func(p *Params)
		grids     []string
		says      []string
	}{
		{"cosine", nil, []string{""}, []string{"--grid ", "k=20,50"}},
		{"cosine", nil, []string{"k"}, []string{"--grid k: ", "k=20,50"}},
		{"cosine", nil, []string{"=5"}, []string{"--grid =5: ", "k=20,50"}},
		{"cosine", nil, []string{":k=5"}, []string{"--grid :k=5: ", "als:alpha=10,40"}},
		{"cosine", nil, []string{"cosine:=5"}, []string{"k=20,50"}},
		{"cosine", nil, []string{"cosine=5"}, []string{"--grid cosine=5: no algorithm of cosine has cosine"}},
		{"cosine", nil, []string{"k="}, []string{"--grid k=: k=: not a whole number above 0"}},
		{"cosine", nil, []string{"k=20,,50"}, []string{"k=: not a whole number"}},
		{"cosine", nil, []string{"k=20, 50"}, []string{"k= 50: not a whole number"}},
		{"cosine", nil, []string{"k=20,x"}, []string{"--grid k=20,x: k=x: not a whole number above 0"}},
		{"cosine", nil, []string{"k=20,0"}, []string{"k=0: not a whole number above 0"}},
		{"cosine", nil, []string{"k=20;50"}, []string{"k=20;50: not"}},
		{"cosine", nil, []string{"shrink=1,nan"}, []string{"shrink=nan: not a number"}},
		{"cosine", nil, []string{"k=20,50,20"}, []string{"20 is there twice"}},
		{"cosine", nil, []string{"k=20,020"}, []string{"configuration cosine:k=20 is there twice"}},
		{"cosine", nil, []string{"k=20:shrink=5"}, []string{"--grid k=20:shrink=5: one parameter", "again"}},
		{"cosine", nil, []string{"cosine:k:shrink=5"}, []string{"one parameter"}},
		{"cosine", nil, []string{"k=20", "k=50"}, []string{"--grid k=50: k is there twice"}},
		{"cosine", nil, []string{"cosine:k=20", "cosine:k=50"}, []string{"cosine:k is there twice"}},
		{"cosine", nil, []string{"magic:k=20"}, []string{`"magic"`, "one of popularity, "}},
		{"cosine", nil, []string{"als:alpha=20"}, []string{"--grid als:alpha=20: als is not in --algorithm cosine"}},
		{"cosine", nil, []string{"cosine:beta=1"}, []string{`"beta": cosine has k, shrink`}},
		{"popularity", nil, []string{"popularity:k=1"}, []string{"popularity has no parameters"}},
		{"cosine,popularity", nil, []string{"factors=8"}, []string{"--grid factors=8: no algorithm of cosine,popularity has factors"}},
		{"cosine", nil, []string{"top=8"}, []string{"--grid top=8: no algorithm of cosine has top"}},
		{"cosine:k=5", nil, []string{"k=8,9"}, []string{"--grid k=8,9: k is set elsewhere for cosine:k=5"}},
		{"cosine", func(p *Params) { p.K = 7 }, []string{"k=8,9"}, []string{"k is set elsewhere for cosine"}},
		{"bm25", nil, []string{"k=8,9", "bm25:k=1"}, []string{"--grid k=8,9: k is set elsewhere for bm25"}},
		{"als,rp3beta", nil, []string{"alpha=1,2"}, []string{"--grid alpha=1,2", "als:alpha=1,2 or rp3beta:alpha=1,2"}},
		{"als,rp3beta", func(p *Params) { p.Alpha = &number }, nil, []string{"--alpha is one thing for als"}},
		{"als", nil, []string{"factors=8,0"}, []string{"configuration als:factors=0: --factors 0: from 1"}},
		{"als", nil, []string{"solver=lu"}, []string{"configuration als:solver=lu", `--solver "lu"`}},
		{"als", nil, []string{"explicit=true"}, []string{"--value-col"}},
		{"als,als", nil, nil, []string{"configuration als is there twice"}},
		{"als,magic", nil, nil, []string{`"magic"`}},
		{"cosine", func(p *Params) { p.Factors = new(int) }, nil, []string{"--factors is not for --algorithm cosine"}},
	} {
		list, err := configurations(algorithms(c.algorithm, c.change), c.grids, false)
		if err == nil {
			t.Errorf("%s, %q: no error, but %q", c.algorithm, c.grids, texts(list))
			continue
		}
		for _, word := range c.says {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%s, %q: %v: does not say %q", c.algorithm, c.grids, err, word)
			}
		}
	}
}

// TestMostConfigurations: 1,000 are allowed, one more is not, wherever it comes from.
func TestMostConfigurations(t *testing.T) {
	values := func(from, n int) string {
		var texts []string
		for i := range n {
			texts = append(texts, fmt.Sprint(from+i))
		}
		return strings.Join(texts, ",")
	}
	for _, c := range []struct {
		algorithm string
		grids     []string
		n         int // 0 for too many
	}{
		{"cosine", []string{"k=" + values(1, 1000)}, 1000},
		{"cosine", []string{"k=" + values(1, 1001)}, 0},
		{"cosine,popularity", []string{"k=" + values(1, 1000)}, 0},
		{"cosine,popularity", []string{"k=" + values(1, 999)}, 1000},
		{"cosine", []string{"k=" + values(1, 25), "shrink=" + values(1, 40)}, 1000},
		{"bm25,cosine", []string{"k=" + values(1, 25), "shrink=" + values(1, 39)}, 1000},
		{"bm25,cosine", []string{"k=" + values(1, 25), "shrink=" + values(1, 40)}, 0},
	} {
		list, err := configurations(algorithms(c.algorithm, nil), c.grids, false)
		if len(list) != c.n || (err == nil) != (c.n > 0) || err != nil && !strings.Contains(err.Error(), "more than 1000 configurations") {
			t.Errorf("%s: %d configurations, %v, want %d", c.algorithm, len(list), err, c.n)
		}
	}
}

// TestCombinations: whatever the grids are, there are as many configurations of an algorithm as combinations of the values that it
// follows, all differ, and each is read again alike.
func TestCombinations(t *testing.T) {
	pool := map[string][]string{
		"k": {"10", "20", "30"}, "shrink": {"1", "2.5"}, "beta": {"0", ".3", "1"}, "b": {"0", "1"}, "factors": {"4", "8"},
		"regularization": {"0", "1e-3", "7"}, "solver": {"cg", "cholesky"}, "lambda": {"10", "1e4"}, "seed": {"1", "2", "3"},
	}
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOfNDistinct(rapid.SampledFrom(Algorithms()), 1, 5, rapid.ID[string]).Draw(t, "algorithms")
		var has []string
		for key := range pool {
			if slices.ContainsFunc(list, func(name string) bool { return hasOption(name, key) }) {
				has = append(has, key)
			}
		}
		slices.Sort(has)
		var keys, grids []string
		if len(has) > 0 {
			keys = rapid.SliceOfNDistinct(rapid.SampledFrom(has), 0, 3, rapid.ID[string]).Draw(t, "keys")
		}
		want := map[string]int{}
		for _, name := range list {
			want[name] = 1
		}
		for _, key := range keys {
			n := rapid.IntRange(1, len(pool[key])).Draw(t, key)
			grids = append(grids, key+"="+strings.Join(pool[key][:n], ","))
			for _, name := range list {
				if hasOption(name, key) {
					want[name] *= n
				}
			}
		}
		got, err := configurations(algorithms(strings.Join(list, ","), nil), grids, false)
		if err != nil {
			t.Fatal(err)
		}
		var order []string
		counts, seen := map[string]int{}, map[string]bool{}
		for _, of := range got {
			if seen[of.text] {
				t.Fatalf("%s is there twice", of.text)
			}
			seen[of.text] = true
			counts[of.Algorithm]++
			order = append(order, of.Algorithm)
			checkReadAgain(t, of)
		}
		if diff := cmp.Diff(want, counts); diff != "" || !slices.Equal(slices.Compact(order), list) {
			t.Fatalf("%q, %q: %q: %s", list, grids, texts(got), diff)
		}
	})
}

// FuzzGrids: whatever the texts are, they are refused, or give configurations that are read again alike.
func FuzzGrids(f *testing.F) {
	for _, c := range [][3]string{
		{"als,rp3beta", "k=20,50", "als:alpha=1,2"},
		{"als:factors=3", "solver=cg,cholesky", "seed=1"},
		{"ease", "lambda=1e3,5", "ease:lambda=2"},
		{"bm25:k1=2", "b=0,1", "k=:,="},
		{"cosine,cosine:shrink=0", "shrink=0,-0,1", "k=1"},
	} {
		f.Add(c[0], c[1], c[2], true)
		f.Add(c[0], c[1], c[2], false)
	}
	f.Fuzz(func(t *testing.T, algorithm, first, second string, all bool) {
		list, err := configurations(algorithms(algorithm, nil), []string{first, second}, all)
		if err != nil {
			return
		}
		if len(list) == 0 || len(list) > maxConfigurations {
			t.Fatalf("%d configurations", len(list))
		}
		for _, of := range list {
			if err := of.check(); err != nil {
				t.Fatalf("%s: %v", of.text, err)
			}
			checkReadAgain(t, of)
		}
	})
}
