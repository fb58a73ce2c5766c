package recommend_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/shardmill/shardmill/formats/table"
	"github.com/shardmill/shardmill/jobs"
	"github.com/shardmill/shardmill/jobs/internal/blend"
	"github.com/shardmill/shardmill/jobs/recommend"
	"github.com/shardmill/shardmill/mapreduce"
	"github.com/shardmill/shardmill/mapreduce/mrtest"
)

// TestRulesByModel: rules hold for users who are scored by a model as for those who trained it.
func TestRulesByModel(t *testing.T) {
	for at, c := range []trained{
		{"rp3beta", smallCrowd, nil},
		{"popularity", smallCrowd, func(p *recommend.Params) { p.Algorithm = recommend.Popularity }},
		models()[0], models()[3],
	} {
		t.Run(c.name, func(t *testing.T) {
			in := c.input(t)
			model := trainedJob(t, c.change, in)
			popular := trainedJob(t, func(p *recommend.Params) { p.Algorithm = recommend.Popularity }, in)
			has, items := hadBy(t, in)
			half := map[int64][]int64{} // of the users, others are not in the data
			var text strings.Builder
			text.WriteString("user,item\n")
			for _, r := range records(t, in) {
				if r.user%2 == 0 {
					half[r.user] = has[r.user]
					fmt.Fprintf(&text, "%d,%d\n", r.user, r.item)
				}
			}
			fold := input(t, text.String())
			n := len(idsOf(has))
			whole := func(model string) map[int64][]listed {
				return rankings(t, recommend.Job(), func(change func(p *recommend.Params)) mapreduce.Config {
					return foldConfig(t, model, change, fold)
				}, n)
			}
			all, most := whole(model), whole(popular)
			for seed := range uint64(3) {
				s := drawRules(rand.New(rand.NewPCG(seed, uint64(100+at))), int64(len(has)), items)
				cfg := foldConfig(t, model, func(p *recommend.Params) { s.apply(t, p) }, fold)
				mrtest.Run(t, jobs.Standard(), recommend.Job(), cfg, mapreduce.ExitComplete)
				checkServed(t, cfg.Dir, s, half, all, first(most))
				verify(t, cfg.Dir)
			}
		})
	}
}

// TestRulesSameBytes: the number of workers shows nowhere, and nothing of the rules in what is learned.
func TestRulesSameBytes(t *testing.T) {
	for at, c := range []trained{
		{"rp3beta", smallCrowd, nil},
		models()[0], models()[3],
		{"blend", smallCrowd, func(p *recommend.Params) {
			p.Algorithm = "als:factors=5:iterations=2,popularity,cosine"
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			in, dir := c.input(t), ""
			has, items := hadBy(t, in)
			s := drawRules(rand.New(rand.NewPCG(1, uint64(at))), int64(len(has)), items)
			s.users, s.perBrand, s.least = map[int64]bool{3: true, 7: true, 150: true, 151: true, 1000: true, -4: true, 299: true}, 2, 6
			rules := func(p *recommend.Params) {
				if c.change != nil {
					c.change(p)
				}
				s.apply(t, p)
			}
			var params mapreduce.Config
			for _, workers := range []int{1, 2, 4} {
				cfg := children(t, rules, in)
				if cfg.Workers = workers; dir == "" {
					dir, params = cfg.Dir, cfg
				}
				cfg.Params = params.Params // the same files
				mrtest.Run(t, jobs.Standard(), smallJob(), cfg, mapreduce.ExitComplete)
				mrtest.SameResults(t, dir, cfg.Dir)
			}
			plain := children(t, func(p *recommend.Params) {
				if c.change != nil {
					c.change(p)
				}
				p.Top = s.top
			}, in)
			mrtest.Run(t, jobs.Standard(), smallJob(), plain, mapreduce.ExitComplete)
			with, without := mrtest.Results(t, dir), mrtest.Results(t, plain.Dir)
			compared := 0
			for name, b := range without {
				if strings.Contains(name, "recommendations") || strings.Contains(name, "/users/") || !strings.Contains(name, "out/") || strings.HasPrefix(name, "out/users") {
					continue
				}
				if compared++; !slices.Equal(with[name], b) {
					t.Errorf("%s is another with rules", name)
				}
			}
			if compared == 0 {
				t.Errorf("nothing is compared: %d files", len(without))
			}
		})
	}
}

// ranksOf is a row of recommendations of two algorithms.
type ranksOf struct {
	listed
	a, b int64
}

// TestRulesOfBlend: each list obeys the rules by itself, and the blend of them does.
func TestRulesOfBlend(t *testing.T) {
	in := smallCrowd(t)
	has, items := hadBy(t, in)
	for seed := range uint64(3) {
		s := drawRules(rand.New(rand.NewPCG(seed, 77)), int64(len(has)), items)
		s.users, s.least = nil, 0
		run := func(algorithm string, top int) string {
			cfg := config(t, func(p *recommend.Params) {
				s.apply(t, p)
				p.Algorithm, p.Top, p.Because = algorithm, top, 0
			}, in)
			mrtest.Run(t, jobs.Standard(), smallJob(), cfg, mapreduce.ExitComplete)
			return cfg.Dir
		}
		const depth = 100
		parts := []map[int64][]listed{lists(t, run("cosine", depth)), lists(t, run("ease", depth))}
		got := map[int64][]ranksOf{}
		for _, r := range rows(t, run("cosine,ease", s.top), "recommendations", table.Columns[ranksOf]{
			table.Int64("user", nil, func(r *ranksOf, v int64) { r.of = v }),
			table.Int64("item", nil, func(r *ranksOf, v int64) { r.item = v }),
			table.Float64("score", nil, func(r *ranksOf, v float64) { r.score = v }),
			table.Int32("cosine_rank", nil, func(r *ranksOf, v int32) { r.a = int64(v) }),
			table.Int32("ease_rank", nil, func(r *ranksOf, v int32) { r.b = int64(v) }),
		}) {
			got[r.of] = append(got[r.of], r)
		}
		merged := blendOf(t, parts, int(items), len(has))
		for user := range has {
			want := s.cut(user, has[user], merged[user])
			if !slices.EqualFunc(got[user], want, func(a ranksOf, b listed) bool { return a.item == b.item && a.score == b.score }) {
				t.Fatalf("user %d has %v, want %v", user, got[user], want)
			}
			for _, r := range got[user] {
				if rankIn(parts[0][user], r.item) != r.a || rankIn(parts[1][user], r.item) != r.b {
					t.Fatalf("user %d: ranks of %v", user, r)
				}
			}
		}
	}
}

func rankIn(list []listed, item int64) int64 {
	return int64(1 + slices.IndexFunc(list, func(l listed) bool { return l.item == item }))
}

// blendOf merges whole lists by reciprocal ranks. Items are in the order of their ids.
func blendOf(t *testing.T, parts []map[int64][]listed, items, users int) map[int64][]listed {
	t.Helper()
	b, err := blend.New(blend.RRF, []float64{1, 1}, items)
	if err != nil {
		t.Fatal(err)
	}
	all := map[int64][]listed{}
	for user := range int64(users) {
		lists := make([][]blend.Scored, len(parts))
		for p := range parts {
			for _, l := range parts[p][user] {
				lists[p] = append(lists[p], blend.Scored{Item: uint32(l.item), Score: l.score})
			}
		}
		for _, m := range b.Merge(lists, items, nil) {
			all[user] = append(all[user], listed{item: int64(m.Item), score: m.Score})
		}
	}
	return all
}

// TestRulesDroppedUsers: users who are asked for, and all of whose rows were dropped, have a row with that reason, or the fallback.
func TestRulesDroppedUsers(t *testing.T) {
	in := smallCrowd(t)
	counts := map[int64]int64{}
	for _, r := range records(t, in) {
		counts[r.user]++
	}
	least := slices.Min(slices.Collect(maps.Values(counts))) + 4
	for _, history := range []int64{0, 1} {
		s := &ruleSet{most: -1, users: map[int64]bool{-4: true, 777: true}}
		for user := range counts {
			s.users[user] = user%5 != 2
		}
		maps.DeleteFunc(s.users, func(_ int64, is bool) bool { return !is })
		cfg := config(t, func(p *recommend.Params) {
			s.apply(t, p)
			p.Top, p.MinUser, p.MinHistory = 5, least, history
		}, in)
		mrtest.Run(t, jobs.Standard(), smallJob(), cfg, mapreduce.ExitComplete)
		order := rows(t, cfg.Dir, "users", table.Columns[int64]{table.Int64("user", nil, func(r *int64, v int64) { *r = v })})
		if !slices.IsSorted(order) || len(order) != len(s.users) {
			t.Errorf("users %v", order)
		}
		got, dropped := servedUsers(t, cfg.Dir, history > 0), 0
		for user, row := range got {
			want, falls := "", history > 0 && counts[user] < least
			switch {
			case counts[user] >= least:
			case counts[user] > 0:
				dropped++
				want = "all rows of the user were dropped"
			default:
				want = "the user is not in the data"
			}
			if falls {
				want = ""
			}
			if row.reason != want || row.fallback != falls || (want == "") != (row.listed == 5) || (counts[user] < least) != (row.items == 0) {
				t.Errorf("user %d with %d rows: %+v, want %q", user, counts[user], row, want)
			}
		}
		if dropped == 0 || dropped > 200 {
			t.Errorf("%d users are dropped", dropped)
		}
	}
}
