package recommend_test

import (
	"cmp"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/shardmill/shardmill/formats/table"
	"github.com/shardmill/shardmill/jobs"
	"github.com/shardmill/shardmill/jobs/recommend"
	"github.com/shardmill/shardmill/mapreduce"
	"github.com/shardmill/shardmill/mapreduce/mrtest"
)

// mixed is a row of the lists of a blend.
type mixed struct {
	User, Item int64
	Rank       int32
	Score      float64
	Because    []int64
	Ranks      []int32
}

func mixedColumns(labels []string) table.Columns[mixed] {
	columns := table.Columns[mixed]{
		table.Int64("user", nil, func(r *mixed, v int64) { r.User = v }),
		table.Int64("item", nil, func(r *mixed, v int64) { r.Item = v }),
		table.Int32("rank", nil, func(r *mixed, v int32) { r.Rank = v }),
		table.Float64("score", nil, func(r *mixed, v float64) { r.Score = v }),
		table.Int64s("because", nil, func(r *mixed, v []int64) { r.Because = append(r.Because[:0:0], v...) }),
	}
	for _, label := range labels {
		columns = append(columns, table.Int32(label+"_rank", nil, func(r *mixed, v int32) { r.Ranks = append(r.Ranks, v) }))
	}
	return columns
}

func byUser(all []mixed) map[int64][]mixed {
	m := map[int64][]mixed{}
	for _, r := range all {
		m[r.User] = append(m[r.User], r)
	}
	return m
}

// oracleBlend merges the lists of one user.
func oracleBlend(user int64, weighted bool, weights []float64, lists [][]mixed, top int) []mixed {
	at := map[int64]*mixed{}
	counts := map[int64]bool{}
	for p, list := range lists {
		for _, r := range list {
			m := at[r.Item]
			if m == nil {
				m = &mixed{User: user, Item: r.Item, Ranks: make([]int32, len(lists))}
				at[r.Item] = m
			}
			part := 1 / float64(60+r.Rank)
			if least, greatest := list[len(list)-1].Score, list[0].Score; weighted {
				part = 1
				if greatest > least {
					part = (r.Score - least) / (greatest - least)
				}
			}
			if len(m.Because) == 0 {
				m.Because = r.Because
			}
			m.Ranks[p] = r.Rank
			if weights[p] > 0 {
				m.Score += weights[p] * part
				counts[r.Item] = true
			}
		}
	}
	var all []mixed
	for item, m := range at {
		if counts[item] {
			all = append(all, *m)
		}
	}
	slices.SortFunc(all, func(a, b mixed) int { return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Item, b.Item)) })
	all = all[:min(top, len(all))]
	for i := range all {
		all[i].Rank = int32(i + 1)
	}
	return all
}

// TestBlend compares the lists of a blend with those of the algorithms alone, merged by the oracle.
func TestBlend(t *testing.T) {
	in := smallCrowd(t)
	type algorithm struct{ text, label string }
	als := algorithm{"als:factors=8:iterations=2:alpha=4", "als"}
	als2 := algorithm{"als:factors=5:iterations=1:seed=3", "als2"}
	near, popular, ease := algorithm{"rp3beta:k=9", "rp3beta"}, algorithm{"popularity", "popularity"}, algorithm{"ease:lambda=20", "ease"}
	alone := map[string]string{} // job directories, by algorithm and top
	run := func(text string, top int, blend, weights string) string {
		cfg := config(t, func(p *recommend.Params) { p.Algorithm, p.Top, p.Blend, p.Weights = text, top, blend, weights }, in)
		mrtest.Run(t, jobs.Standard(), smallJob(), cfg, mapreduce.ExitComplete)
		return cfg.Dir
	}
	for _, c := range []struct {
		algorithms []algorithm
		top        int
		blend      string
		weights    string
		numbers    []float64
		describes  int
	}{
		{[]algorithm{als, near, popular}, 10, "", "", []float64{1, 1, 1}, 0},
		{[]algorithm{popular, near, als, ease, als2}, 10, "weighted", "2,1,.5,1,3", []float64{2, 1, .5, 1, 3}, 1},
		{[]algorithm{ease, popular}, 25, "rrf", "2,1", []float64{2, 1}, 0}, // more candidates than there are items
		{[]algorithm{near, ease}, 3, "weighted", "0,1", []float64{0, 1}, 0},
	} {
		var texts, labels []string
		var parts []map[int64][]mixed
		for _, a := range c.algorithms {
			texts, labels = append(texts, a.text), append(labels, a.label)
			if alone[a.text] == "" {
				alone[a.text] = run(a.text, 100, "", "")
			}
			dir := alone[a.text]
			if c.top > 20 {
				dir = run(a.text, 120, "", "")
			}
			parts = append(parts, byUser(rows(t, dir, "recommendations", mixedColumns(nil))))
		}
		dir := run(strings.Join(texts, ","), c.top, c.blend, c.weights)
		got := byUser(rows(t, dir, "recommendations", mixedColumns(labels)))
		if len(got) == 0 {
			t.Fatal("no lists")
		}
		for user, list := range got {
			var lists [][]mixed
			for _, of := range parts {
				lists = append(lists, of[user])
			}
			if diff := gocmp.Diff(oracleBlend(user, c.blend == "weighted", c.numbers, lists, c.top), list); diff != "" {
				t.Fatalf("%q: user %d (-want +got):\n%s", texts, user, diff)
			}
		}
		sameItems(t, alone[c.algorithms[c.describes].text], dir)
	}
}

// sameItems compares what is known of items.
func sameItems(t *testing.T, want, got string) {
	t.Helper()
	for _, name := range []string{"items", "similar_items"} {
		if _, err := os.Stat(filepath.Join(want, "out", name)); err != nil && name == "similar_items" {
			if _, err := os.Stat(filepath.Join(got, "out", name)); err == nil {
				t.Errorf("there are %s", name)
			}
			continue
		}
		for _, f := range outFiles(t, want, name) {
			a, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			b, err := os.ReadFile(filepath.Join(got, "out", name, filepath.Base(f)))
			if err != nil || string(a) != string(b) {
				t.Errorf("%s are not those of the algorithm alone: %v", name, err)
			}
		}
	}
}

func outFiles(t *testing.T, dir, name string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "out", name, "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %d files, %v", name, len(files), err)
	}
	return files
}

const allKinds = "popularity,als:factors=4:iterations=2,rp3beta,als:factors=3:iterations=1,ease,cosine:k=7"

// TestBlendResults: each dataset is there once.
func TestBlendResults(t *testing.T) {
	cfg := config(t, func(p *recommend.Params) { p.Algorithm = allKinds }, smallCrowd(t))
	mrtest.Run(t, jobs.Standard(), smallJob(), cfg, mapreduce.ExitComplete)
	entries, err := os.ReadDir(filepath.Join(cfg.Dir, "out"))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, e := range entries {
		if e.IsDir() {
			got[e.Name()] = true
		}
	}
	want := []string{"item_factors", "item_factors_als2", "items", "recommendations", "similar_items", "user_factors", "user_factors_als2", "users"}
	if names := slices.Sorted(maps.Keys(got)); !slices.Equal(names, want) {
		t.Errorf("results %q, want %q", names, want)
	}
	_, list, err := recommend.ShowUser(filepath.Join(cfg.Dir, "out"), "1")
	if err != nil || len(list) != 10 {
		t.Fatalf("%d rows, %v", len(list), err)
	}
	var labels []string
	for _, of := range list[0].Ranks {
		labels = append(labels, of.Algorithm)
	}
	if want := []string{"popularity", "als", "rp3beta", "als2", "ease", "cosine"}; !slices.Equal(labels, want) {
		t.Errorf("ranks of %q, want %q", labels, want)
	}
	rows := byUser(rows(t, cfg.Dir, "recommendations", mixedColumns(labels)))[1]
	for i, s := range list {
		for q, of := range s.Ranks {
			if of.Rank != rows[i].Ranks[q] {
				t.Errorf("row %d: %+v, want %v", i, s, rows[i].Ranks)
			}
		}
	}
}

// TestBlendSameBytes: the number of workers shows nowhere in a blend.
func TestBlendSameBytes(t *testing.T) {
	in, first := smallCrowd(t), ""
	for _, workers := range []int{1, 2, 4} {
		cfg := children(t, func(p *recommend.Params) { p.Algorithm, p.Blend = allKinds, "weighted" }, in)
		cfg.Workers = workers
		mrtest.Run(t, jobs.Standard(), smallJob(), cfg, mapreduce.ExitComplete)
		if first == "" {
			first = cfg.Dir
		}
		mrtest.SameResults(t, first, cfg.Dir)
	}
}

// A row that kills its worker costs its list alone in a blend too.
func TestBlendPoison(t *testing.T) {
	in, user := loner(t)
	change := func(p *recommend.Params) { p.Algorithm = "rp3beta,ease,popularity" }
	clean := children(t, change, in)
	mrtest.Run(t, jobs.Standard(), smallJob(), clean, mapreduce.ExitComplete)
	all := lists(t, clean.Dir)
	cfg := children(t, change, in)
	mortal(t, "300") // the number of the user
	mrtest.Run(t, jobs.Standard(), recommend.MortalJob("05-score/map", smallBytes), cfg, mapreduce.ExitRejects)
	got := lists(t, cfg.Dir)
	if _, ok := got[user]; ok || len(got) != len(all)-1 {
		t.Fatalf("%d lists, want those of all %d users but %d", len(got), len(all), user)
	}
	for u, list := range got {
		if !slices.Equal(list, all[u]) {
			t.Fatalf("user %d: %v, want %v", u, list, all[u])
		}
	}
}
