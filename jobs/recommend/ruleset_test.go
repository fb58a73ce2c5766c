package recommend_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/shardmill/shardmill/formats/table"
	"github.com/shardmill/shardmill/jobs"
	"github.com/shardmill/shardmill/jobs/recommend"
	"github.com/shardmill/shardmill/mapreduce"
	"github.com/shardmill/shardmill/mapreduce/mrtest"
)

// ruleSet are rules, as what they mean.
type ruleSet struct {
	top            int
	include        bool
	allow, block   map[int64]bool // nil for none
	pairs          map[[2]int64]bool
	users          map[int64]bool
	price          map[int64]int // missing ones are not there
	brand, kind    map[int64]string
	most           int // of the price; -1 for no rule
	perBrand, perK int // 0 for no limit
	least          int64
}

// drawRules makes up rules about users and items from 0 on. Some users are not in the data.
func drawRules(r *rand.Rand, users, items int64) *ruleSet {
	s := &ruleSet{
		top: 1 + r.IntN(20), include: r.IntN(2) == 0, most: -1, pairs: map[[2]int64]bool{},
		price: map[int64]int{}, brand: map[int64]string{}, kind: map[int64]string{},
	}
	some := func(n int64, share float64) map[int64]bool {
		m := map[int64]bool{}
		for i := range n {
			if r.Float64() < share {
				m[i] = true
			}
		}
		return m
	}
	if r.IntN(2) == 0 {
		s.allow = some(items, .7)
	}
	if r.IntN(2) == 0 {
		s.block = some(items, .2)
	}
	if r.IntN(2) == 0 {
		s.users = some(users+9, .5)
	}
	for range r.IntN(int(3 * users)) {
		s.pairs[[2]int64{r.Int64N(users + 9), r.Int64N(items)}] = true
	}
	for i := range items {
		if r.IntN(8) > 0 {
			s.price[i] = r.IntN(30)
		}
		if r.IntN(8) > 0 {
			s.brand[i] = "brand " + strconv.Itoa(r.IntN(12))
		}
		s.kind[i] = strconv.Itoa(r.IntN(4))
	}
	if r.IntN(2) == 0 {
		s.most = 20
	}
	s.perBrand, s.perK, s.least = r.IntN(4), 4*r.IntN(3), int64(r.IntN(2)*8)
	return s
}

// apply writes the files of the rules, and sets their parameters.
func (s *ruleSet) apply(t testing.TB, p *recommend.Params) {
	t.Helper()
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		mrtest.Write(t, path, []byte(text))
		return path
	}
	list := func(m map[int64]bool) (text string) {
		for i := range m {
			text += strconv.FormatInt(i, 10) + "\n"
		}
		return text
	}
	p.Top, p.MinHistory = s.top, s.least
	if s.include {
		p.Seen = "include"
	}
	if s.allow != nil {
		p.Allow = file("allow.txt", list(s.allow))
	}
	if s.block != nil {
		p.Block = file("block.csv", "item\n"+list(s.block))
	}
	if s.users != nil {
		p.Users = file("users", list(s.users))
	}
	if len(s.pairs) > 0 {
		text := "item,user\n"
		for pair := range s.pairs {
			text += fmt.Sprintf("%d,%d\n", pair[1], pair[0])
		}
		p.BlockPairs = file("pairs.csv", text)
	}
	var rules []string
	if s.most >= 0 {
		rules = append(rules, fmt.Sprintf("the price <= %d", s.most))
		rules[0] = strings.Replace(rules[0], "the price", `"the price"`, 1)
	}
	if s.perBrand > 0 {
		rules = append(rules, fmt.Sprintf("max %d per brand", s.perBrand))
	}
	if s.perK > 0 {
		rules = append(rules, fmt.Sprintf("max %d per kind", s.perK))
	}
	if p.Rules = rules; len(rules) > 0 {
		text := "brand,the price,item,kind\n"
		for i := range int64(len(s.kind)) {
			price := ""
			if v, ok := s.price[i]; ok {
				price = strconv.Itoa(v)
			}
			text += fmt.Sprintf("%s,%s,%d,%s\n", s.brand[i], price, i, s.kind[i])
		}
		p.Items = file("items.csv", text)
	}
}

// allows tells whether an item passes the rules that are for all users.
func (s *ruleSet) allows(item int64) bool {
	price, priced := s.price[item]
	return (s.allow == nil || s.allow[item]) && !s.block[item] && (s.most < 0 || priced && price <= s.most)
}

// cut is the list of a user of a whole ranking.
func (s *ruleSet) cut(user int64, has []int64, ranking []listed) (list []listed) {
	brands, kinds := map[string]int{}, map[string]int{}
	for _, l := range ranking {
		b, k := s.brand[l.item], s.kind[l.item]
		switch {
		case len(list) == s.top:
			return list
		case !s.allows(l.item), s.pairs[[2]int64{user, l.item}], !s.include && slices.Contains(has, l.item):
			continue
		case s.perBrand > 0 && b != "" && brands[b] >= s.perBrand, s.perK > 0 && kinds[k] >= s.perK:
			continue
		}
		brands[b]++
		kinds[k]++
		l.rank, l.of = int64(len(list)+1), user
		list = append(list, l)
	}
	return list
}

// hadBy are the items of the users of a dataset, whose items are below a number.
func hadBy(t testing.TB, path string) (m map[int64][]int64, items int64) {
	t.Helper()
	m = map[int64][]int64{}
	for _, r := range records(t, path) {
		m[r.user], items = append(m[r.user], r.item), max(items, r.item+1)
	}
	return m, items
}

// served is a row of users, with whether it is a fallback.
type served struct {
	owner
	fallback bool
}

func servedUsers(t testing.TB, dir string, fallback bool) map[int64]served {
	t.Helper()
	cols := table.Columns[served]{
		table.Int64("user", nil, func(r *served, v int64) { r.user = v }),
		table.Int64("items", nil, func(r *served, v int64) { r.items = v }),
		table.Int32("recommended", nil, func(r *served, v int32) { r.listed = int64(v) }),
		table.NullString("reason", nil, func(r *served, v string, _ bool) { r.reason = v }),
	}
	if fallback {
		cols = append(cols, table.Bool("fallback", nil, func(r *served, v bool) { r.fallback = v }))
	}
	m := map[int64]served{}
	for _, r := range rows(t, dir, "users", cols) {
		m[r.user] = r
	}
	return m
}

// rankings are of each user all items that have a score, also those that the user has; and all items by how popular they are.
func rankings(t *testing.T, job mapreduce.Job, cfg func(change func(p *recommend.Params)) mapreduce.Config, items int) map[int64][]listed {
	t.Helper()
	c := cfg(func(p *recommend.Params) { p.Top, p.Seen, p.Because = items, "include", 0 })
	mrtest.Run(t, jobs.Standard(), job, c, mapreduce.ExitComplete)
	return lists(t, c.Dir)
}

// checkServed compares the results of a job with what the rules say of whole rankings.
func checkServed(t *testing.T, dir string, s *ruleSet, has map[int64][]int64, all map[int64][]listed, popular []listed) {
	t.Helper()
	got, users, short, fell := lists(t, dir), servedUsers(t, dir, s.least > 0), 0, 0
	want := map[int64]bool{}
	for user := range has {
		if s.users == nil || s.users[user] {
			want[user] = true
		}
	}
	for user := range s.users {
		want[user] = true
	}
	if len(users) != len(want) {
		t.Errorf("%d users, want %d", len(users), len(want))
	}
	for user := range want {
		row, there := users[user]
		falls := int64(len(has[user])) < s.least
		ranking := all[user]
		if falls {
			ranking = popular
			fell++
		}
		list := s.cut(user, has[user], ranking)
		switch {
		case !there:
			t.Fatalf("user %d is not there", user)
		case !slices.Equal(got[user], list):
			t.Fatalf("user %d has %v, want %v", user, got[user], list)
		case row.fallback != falls || row.listed != int64(len(list)) || row.items != int64(len(has[user])):
			t.Fatalf("user %d: %+v, fallback %v", user, row, falls)
		case (row.reason == "") != (len(list) == s.top):
			t.Fatalf("user %d has %d of %d items: %q", user, len(list), s.top, row.reason)
		}
		if len(list) < s.top {
			short++
		}
	}
	for user := range got {
		if !want[user] {
			t.Fatalf("user %d was not asked for", user)
		}
	}
	t.Logf("%d users, %d short lists, %d fallbacks, top %d, include %v, allow %d, block %d, pairs %d, users %d, max %d per brand, %d per kind", len(users), short, fell, s.top, s.include, len(s.allow), len(s.block), len(s.pairs), len(s.users), s.perBrand, s.perK)
}

// TestRules: whole jobs under made-up rules give what these leave of whole rankings, for users of the data, and for others.
func TestRules(t *testing.T) {
	cases := []trained{
		{"rp3beta", smallCrowd, nil},
		{"cosine", smallCrowd, func(p *recommend.Params) { p.Algorithm, p.K = "cosine", 9 }},
		{"popularity", smallCrowd, func(p *recommend.Params) { p.Algorithm = recommend.Popularity }},
		models()[0], models()[2], models()[3], models()[4],
	}
	for _, algorithm := range []string{"tfidf", "bm25", "jaccard", "llr"} {
		cases = append(cases, trained{algorithm, smallCrowd, func(p *recommend.Params) { p.Algorithm, p.K = algorithm, 30 }})
	}
	for at, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			in := c.input(t)
			has, items := hadBy(t, in)
			with := func(changes ...func(p *recommend.Params)) mapreduce.Config {
				return config(t, func(p *recommend.Params) {
					if c.change != nil {
						c.change(p)
					}
					for _, change := range changes {
						change(p)
					}
				}, in)
			}
			n := len(idsOf(has))
			all := rankings(t, smallJob(), func(change func(p *recommend.Params)) mapreduce.Config { return with(change) }, n)
			popular := rankings(t, smallJob(), func(change func(p *recommend.Params)) mapreduce.Config {
				return with(change, func(p *recommend.Params) { *p = plainPopularity(*p) })
			}, n)
			for seed := range uint64(4) {
				r := rand.New(rand.NewPCG(seed, uint64(at)))
				s := drawRules(r, int64(len(has)), items)
				cfg := with(func(p *recommend.Params) { s.apply(t, p) })
				mrtest.Run(t, jobs.Standard(), smallJob(), cfg, mapreduce.ExitComplete)
				checkServed(t, cfg.Dir, s, has, all, first(popular))
			}
		})
	}
}

// idsOf are the items that users have.
func idsOf(has map[int64][]int64) map[int64]bool {
	m := map[int64]bool{}
	for _, items := range has {
		for _, i := range items {
			m[i] = true
		}
	}
	return m
}

func plainPopularity(p recommend.Params) recommend.Params {
	d := recommend.Defaults()
	d.Options, d.Top, d.Seen, d.Because, d.Algorithm = p.Options, p.Top, p.Seen, p.Because, recommend.Popularity
	return d
}

// first is the ranking of any user: all have the same.
func first(all map[int64][]listed) []listed {
	for _, list := range all {
		return list
	}
	return nil
}
