package rankmetrics

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// at is a metric at a cutoff.
type at struct {
	metric Metric
	k      int
}

func valuesOf(s *Sums) map[at]Value {
	m := map[at]Value{}
	for _, v := range s.Values() {
		m[at{v.Metric, v.K}] = v
	}
	return m
}

// near allows for rounding; NaN is near NaN.
func near(a, b, within float64) bool {
	return math.Abs(a-b) <= within || math.IsNaN(a) && math.IsNaN(b)
}

// user is what Add is called with.
type user struct {
	number         uint32
	list, relevant []uint32
}

func add(s *Sums, users ...user) *Sums {
	for _, u := range users {
		s.Add(u.number, u.list, u.relevant)
	}
	return s
}

// toy is a training part of 8 items, of which 3 have no user, and 4 users.
var toy = [][]uint32{{0, 1, 2, 3}, {0, 1}, {1, 2}, {3}, {}, {0}, {}, {}}

// training makes options of a training part, given by the users of each item.
func training(rows [][]uint32, users int, cutoffs ...int) Options {
	return Options{
		Items: len(rows), Users: users, Cutoffs: cutoffs, Seed: 1,
		Count: func(item uint32) int { return len(rows[item]) },
		Row:   func(item uint32) []uint32 { return rows[item] },
	}
}

// TestByHand: all the numbers have been worked out with a pocket calculator. 1/log2(3) = .63092975, 1/log2(5) = .43067656.
//
//	A  list 2 0 1 3, relevant 0 3 6: hits at ranks 2 and 4
//	   k=1  no hit
//	   k=2  precision 1/2, recall 1/3, ndcg .63092975/1.63092975 = .38685281, map (1/2)/2 = .25, mrr 1/2
//	   k=4  precision 2/4, recall 2/3, ndcg (.63092975+.43067656)/(1+.63092975+.5) = .49818925,
//	        map (1/2+2/4)/3 = .33333333, mrr 1/2
//	   novelty: items 2, 0, 1, 3 have 2, 4, 2, 1 of 4 users: 1, 0, 1, 2 bits: means 1, .5 and 1
//	   cosines: 2 and 0: 2/sqrt(2*4) = .70710678, 2 and 1: 1/sqrt(2*2) = .5, 0 and 1: 2/sqrt(4*2) = .70710678,
//	        0 and 3: 1/sqrt(4*1) = .5, 2 and 3, 1 and 3: 0
//	   diversity: k=2: 1-.70710678 = .29289322, k=4: 1-2.41421356/6 = .59763107
//	B  list 3, relevant 3: all are 1, but precision is 1, 1/2, 1/4; 2 bits; no pair
//	C  list 4 5, relevant 1: no hit; item 4 has no user, which counts as 1, so 2 bits, as has item 5; cosine 0
//	D  no list, relevant 7
//	E  nothing relevant: left out
//
//	k=1  1/4 of B; rank 1 has 2 3 4 of 8 items; novelty (1+2+2)/3; no pairs
//	k=2  precision (.5+.5)/4, recall (1/3+1)/4, ndcg 1.38685281/4, map 1.25/4, mrr 1.5/4; 2 0 3 4 5; (.5+2+2)/3; 1.29289322/2
//	k=4  precision (.5+.25)/4, recall (2/3+1)/4, ndcg 1.49818925/4, map 1.33333333/4, mrr 1.5/4; and 1; (1+2+2)/3; 1.59763107/2
func TestByHand(t *testing.T) {
	s := add(New(training(toy, 4, 4, 1, 2, 2)),
		user{0, []uint32{2, 0, 1, 3}, []uint32{0, 3, 6}},
		user{1, []uint32{3}, []uint32{3}},
		user{2, []uint32{4, 5}, []uint32{1}},
		user{3, nil, []uint32{7}},
		user{4, []uint32{7}, nil})
	if s.Users() != 4 {
		t.Errorf("%d users", s.Users())
	}
	var cutoffs []int
	for _, v := range s.Values()[:4] {
		cutoffs = append(cutoffs, v.K)
	}
	if !slices.Equal(cutoffs, []int{1, 2, 4, 1}) || len(s.Values()) != 3*len(Metrics()) {
		t.Errorf("cutoffs %d, %d values", cutoffs, len(s.Values()))
	}
	got := valuesOf(s)
	for metric, want := range map[Metric][3]float64{
		Precision: {.25, .25, .1875},
		Recall:    {.25, .33333333, .41666667},
		NDCG:      {.25, .34671320, .37454731},
		MAP:       {.25, .3125, .33333333},
		MRR:       {.25, .375, .375},
		HitRate:   {.25, .5, .5},
		Coverage:  {.375, .625, .75},
		Novelty:   {1.66666667, 1.5, 1.66666667},
		Diversity: {math.NaN(), .64644661, .79881554},
	} {
		for i, k := range []int{1, 2, 4} {
			if v := got[at{metric, k}]; !near(v.Value, want[i], 1e-8) {
				t.Errorf("%s is %.8f, want %.8f", metric.At(k), v.Value, want[i])
			}
		}
	}
}

// TestIntervalByHand: of one user with a hit and one without, two draws have the mean 0, 1/2 or 1 a quarter, a half and a
// quarter of the times. Users who are alike have an interval without width, one user alone and coverage have none.
func TestIntervalByHand(t *testing.T) {
	hit, miss := user{0, []uint32{1}, []uint32{1}}, user{1, []uint32{1}, []uint32{2}}
	for _, c := range []struct {
		users           []user
		value, low, top float64
	}{
		{[]user{hit, miss}, .5, 0, 1},
		{[]user{hit, hit, hit}, 1, 1, 1},
		{[]user{miss}, 0, math.NaN(), math.NaN()},
		{nil, math.NaN(), math.NaN(), math.NaN()},
	} {
		got := valuesOf(add(New(Options{Items: 3, Cutoffs: []int{1}}), c.users...))
		for _, m := range []Metric{Precision, Recall, NDCG, MAP, MRR, HitRate} {
			if v := got[at{m, 1}]; !near(v.Value, c.value, 0) || !near(v.Low, c.low, 0) || !near(v.High, c.top, 0) {
				t.Errorf("%d users: %+v, want %v from %v to %v", len(c.users), v, c.value, c.low, c.top)
			}
		}
		if v := got[at{Coverage, 1}]; !math.IsNaN(v.Low) || !math.IsNaN(v.High) {
			t.Errorf("coverage has an interval: %+v", v)
		}
	}
}

// TestNothingMeasured: without users, items and what novelty and diversity need, there are no zeros.
func TestNothingMeasured(t *testing.T) {
	for _, v := range New(Options{Cutoffs: []int{3}}).Values() {
		if !math.IsNaN(v.Value) || v.Metric == Novelty || v.Metric == Diversity {
			t.Errorf("%+v", v)
		}
	}
	for _, v := range valuesOf(add(New(training(toy, 4, 3)), user{0, nil, []uint32{1}}, user{1, nil, []uint32{2}})) {
		if want := v.Metric == Novelty || v.Metric == Diversity; want != math.IsNaN(v.Value) || !want && v.Value != 0 {
			t.Errorf("users without a list: %+v", v)
		}
	}
	if n := len(New(Options{Items: 3}).Values()); n != 0 {
		t.Errorf("%d values without a cutoff", n)
	}
}

// drawRows makes up a training part.
func drawRows(r *rand.Rand, items, users int) [][]uint32 {
	rows := make([][]uint32, items)
	for i := range rows {
		share := r.Float64() * r.Float64()
		for u := range users {
			if r.Float64() < share {
				rows[i] = append(rows[i], uint32(u))
			}
		}
	}
	return rows
}

// drawUser makes up a list and what is relevant.
func drawUser(r *rand.Rand, number uint32, items int) user {
	u := user{number: number}
	for _, i := range r.Perm(items)[:r.IntN(items+1)] {
		u.list = append(u.list, uint32(i))
	}
	for _, i := range r.Perm(items)[:r.IntN(items+1)] {
		u.relevant = append(u.relevant, uint32(i))
	}
	slices.Sort(u.relevant)
	return u
}

func drawUsers(r *rand.Rand, n, items int) (users []user) {
	for i := range n {
		users = append(users, drawUser(r, uint32(3*i), items))
	}
	return users
}

func randomOf(t *rapid.T) *rand.Rand {
	return rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
}

// plain works metrics out from their definitions, one user after another.
func plain(rows [][]uint32, users int, all []user, k int) map[Metric]float64 {
	sum, of, covered := map[Metric]float64{}, map[Metric]float64{}, map[uint32]bool{}
	for _, u := range all {
		if len(u.relevant) == 0 {
			continue
		}
		list := u.list[:min(k, len(u.list))]
		hit := func(r int) float64 {
			if r <= len(list) && slices.Contains(u.relevant, list[r-1]) {
				return 1
			}
			return 0
		}
		hits := func(r int) (n float64) {
			for i := 1; i <= r; i++ {
				n += hit(i)
			}
			return n
		}
		var dcg, ideal, average, reciprocal float64
		for r := k; r >= 1; r-- {
			dcg += hit(r) * math.Ln2 / math.Log(float64(r+1))
			if r <= len(u.relevant) {
				ideal += math.Ln2 / math.Log(float64(r+1))
			}
			average += hit(r) * hits(r) / float64(r)
			if hit(r) == 1 {
				reciprocal = 1 / float64(r)
			}
		}
		for m, v := range map[Metric]float64{
			Precision: hits(k) / float64(k), Recall: hits(k) / float64(len(u.relevant)), NDCG: dcg / ideal,
			MAP: average / float64(min(k, len(u.relevant))), MRR: reciprocal, HitRate: math.Ceil(hits(k) / float64(k)),
		} {
			sum[m] += v
			of[m]++
		}
		plainList(rows, users, list, sum, of, covered)
	}
	means := map[Metric]float64{Coverage: float64(len(covered)) / float64(len(rows))}
	for m := range sum {
		means[m] = sum[m] / of[m]
	}
	return means
}

// plainList adds what does not depend on the relevant items.
func plainList(rows [][]uint32, users int, list []uint32, sum, of map[Metric]float64, covered map[uint32]bool) {
	var bits, distances, pairs float64
	for a, i := range list {
		covered[i] = true
		bits += math.Log(float64(users)/math.Max(1, float64(len(rows[i])))) / math.Ln2
		for _, j := range list[:a] {
			both := 0
			for _, u := range rows[i] {
				if slices.Contains(rows[j], u) {
					both++
				}
			}
			distances++
			if both > 0 {
				distances -= float64(both) / math.Sqrt(float64(len(rows[i])*len(rows[j])))
			}
			pairs++
		}
	}
	if len(list) > 0 {
		sum[Novelty] += bits / float64(len(list))
		of[Novelty]++
	}
	if pairs > 0 {
		sum[Diversity] += distances / pairs
		of[Diversity]++
	}
}

// TestAgainstDefinitions compares with the plainest code.
func TestAgainstDefinitions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		items, trained := rapid.IntRange(1, 12).Draw(t, "items"), rapid.IntRange(1, 20).Draw(t, "trained")
		n := rapid.IntRange(1, 20).Draw(t, "users")
		r := randomOf(t)
		rows, users, cutoffs := drawRows(r, items, trained), drawUsers(r, n, items), []int{1, 2, 3, 7, 15}
		got := valuesOf(add(New(training(rows, trained, cutoffs...)), users...))
		for _, k := range cutoffs {
			want := plain(rows, trained, users, k)
			for _, m := range Metrics() {
				if w, some := want[m]; some != !math.IsNaN(got[at{m, k}].Value) || some && !near(got[at{m, k}].Value, w, 1e-12) {
					t.Fatalf("%s is %v, want %v", m.At(k), got[at{m, k}].Value, w)
				}
			}
		}
	})
}

// TestBounds: whatever is measured lies in its range, and so does its interval.
func TestBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		items, trained := rapid.IntRange(1, 12).Draw(t, "items"), rapid.IntRange(1, 20).Draw(t, "trained")
		r := randomOf(t)
		s := add(New(training(drawRows(r, items, trained), trained, 1, 4, 20)), drawUsers(r, 1+r.IntN(30), items)...)
		for _, v := range s.Values() {
			top := 1.
			if v.Metric == Novelty {
				top = math.Log2(float64(trained)) + 1e-12
			}
			for _, x := range []float64{v.Value, v.Low, v.High} {
				if x < 0 || x > top {
					t.Fatalf("%+v", v)
				}
			}
			if v.Low > v.High || math.IsNaN(v.Low) != math.IsNaN(v.High) {
				t.Fatalf("%+v", v)
			}
		}
	})
}

// TestPerfectList: a list that begins with all relevant items has all metrics of hits 1 at cutoffs of at least their number,
// and the wrong way round none is higher.
func TestPerfectList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		items := rapid.IntRange(2, 20).Draw(t, "items")
		n := rapid.IntRange(1, items-1).Draw(t, "relevant")
		k := rapid.IntRange(n, items).Draw(t, "k")
		var all []uint32
		for _, i := range randomOf(t).Perm(items) {
			all = append(all, uint32(i))
		}
		relevant := slices.Sorted(slices.Values(all[:n]))
		measure := func() map[at]Value {
			return valuesOf(add(New(Options{Items: items, Cutoffs: []int{k}}), user{0, all, relevant}))
		}
		best := measure()
		slices.Reverse(all)
		worst := measure()
		for m, want := range map[Metric]float64{
			Precision: float64(n) / float64(k), Recall: 1, NDCG: 1, MAP: 1, MRR: 1, HitRate: 1, Coverage: float64(k) / float64(items),
		} {
			b, w := best[at{m, k}].Value, worst[at{m, k}].Value
			if !near(b, want, 1e-12) || w > b+1e-12 {
				t.Fatalf("%s: the best list has %v, want %v, the worst %v", m, b, want, w)
			}
		}
	})
}

// TestOrderOfUsers: means do not depend on it.
func TestOrderOfUsers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := randomOf(t)
		rows, users := drawRows(r, 10, 15), drawUsers(r, rapid.IntRange(1, 40).Draw(t, "users"), 10)
		opts := training(rows, 15, 1, 3, 10)
		want := valuesOf(add(New(opts), users...))
		r.Shuffle(len(users), func(i, j int) { users[i], users[j] = users[j], users[i] })
		for where, v := range valuesOf(add(New(opts), users...)) {
			if !near(v.Value, want[where].Value, 1e-12) {
				t.Fatalf("%+v, in another order %+v", want[where], v)
			}
		}
	})
}

// TestOrderOfList: at a cutoff of its length, a list can be in any order for metrics that are not of ranks; a hit that moves up
// makes no metric of ranks less.
func TestOrderOfList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := randomOf(t)
		opts, u := training(drawRows(r, 10, 15), 15, 10), drawUser(r, 0, 10)
		if len(u.relevant) == 0 || len(u.list) == 0 {
			return
		}
		before := valuesOf(add(New(opts), u))
		i := r.IntN(len(u.list))
		swap := slices.IndexFunc(u.list, func(item uint32) bool { return slices.Contains(u.relevant, item) })
		for _, m := range []Metric{NDCG, MAP, MRR} {
			if swap < 0 || i > swap {
				break
			}
			moved := user{0, slices.Clone(u.list), u.relevant}
			moved.list[i], moved.list[swap] = moved.list[swap], moved.list[i]
			if got := valuesOf(add(New(opts), moved))[at{m, 10}].Value; got < before[at{m, 10}].Value-1e-12 {
				t.Fatalf("%s fell from %v to %v", m, before[at{m, 10}].Value, got)
			}
		}
		r.Shuffle(len(u.list), func(i, j int) { u.list[i], u.list[j] = u.list[j], u.list[i] })
		after := valuesOf(add(New(opts), u))
		for _, m := range []Metric{Precision, Recall, HitRate, Coverage, Novelty, Diversity} {
			if a, b := before[at{m, 10}].Value, after[at{m, 10}].Value; !near(a, b, 1e-12) {
				t.Fatalf("%s is %v, and in another order %v", m, a, b)
			}
		}
	})
}

// TestSameBits: a repeated run, one whose slices are used again, and one that was asked in between give the same bits.
func TestSameBits(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	opts := training(drawRows(r, 30, 40), 40, 1, 5, 20)
	users := drawUsers(r, 5000, 30)
	want := add(New(opts), users...).Values()
	asked := New(opts)
	var list, relevant []uint32
	for i, u := range users {
		list, relevant = append(list[:0], u.list...), append(relevant[:0], u.relevant...)
		asked.Add(u.number, list, relevant)
		if i == 100 || i == 4500 {
			asked.Values()
		}
	}
	for name, got := range map[string][]Value{"again": add(New(opts), users...).Values(), "asked": asked.Values(), "twice": asked.Values()} {
		for i, v := range got {
			w := want[i]
			if v.Metric != w.Metric || v.K != w.K || !sameBits(v.Value, w.Value) || !sameBits(v.Low, w.Low) || !sameBits(v.High, w.High) {
				t.Errorf("%s: %+v, want %+v", name, v, w)
			}
		}
	}
}

func sameBits(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) }

// TestAddAllocatesNothing once there are all groups, for users that are not in the sample.
func TestAddAllocatesNothing(t *testing.T) {
	s := New(Options{Items: 9, Cutoffs: []int{3}})
	u := user{0, []uint32{1, 2, 3}, []uint32{2}}
	for range mostGroups {
		add(s, u)
	}
	if n := testing.AllocsPerRun(100, func() { s.Add(0, u.list, u.relevant) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestParse(t *testing.T) {
	for _, m := range Metrics() {
		for _, text := range []string{m.At(10), fmt.Sprintf("%s@10", m)} {
			if got, k, err := Parse(text); got != m || k != 10 || err != nil {
				t.Errorf("%s: %s, %d, %v", text, got, k, err)
			}
		}
	}
	if NDCG.At(10) != "NDCG@10" || HitRate.At(5) != "hit_rate@5" {
		t.Errorf("%s, %s", NDCG.At(10), HitRate.At(5))
	}
	for _, text := range []string{"", "ndcg", "ndcg@", "@10", "ndcg@0", "ndcg@-1", "ndcg@x", "ndgc@10", "ndcg@10@5", " ndcg@10", "ndcg@1e1"} {
		if m, k, err := Parse(text); err == nil {
			t.Errorf("%q: %s, %d", text, m, k)
		}
	}
}
