package rankmetrics

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// hits makes users of whom a share has a hit, each worth 1, so that their mean is that share.
func hits(r *rand.Rand, n int, share float64) (users []user) {
	for i := range n {
		u := user{uint32(i), []uint32{1}, []uint32{0}}
		if r.Float64() < share {
			u.relevant[0] = 1
		}
		users = append(users, u)
	}
	return users
}

func hitRate(users []user, seed uint64) Value {
	return valuesOf(add(New(Options{Items: 2, Cutoffs: []int{1}, Seed: seed}), users...))[at{HitRate, 1}]
}

// TestIntervalsCover: of many sets of users drawn from a world whose mean is known, about 95 % have an interval with it. The value
// itself is in nearly all.
func TestIntervalsCover(t *testing.T) {
	const sets, n = 300, 100
	r := rand.New(rand.NewPCG(7, 8))
	covered, within := map[Metric]int{}, map[Metric]int{}
	// Lists of 3 hits or less, with a chance of 1/4 at each rank: precision has the mean 1/4, and MRR that of 1/first rank.
	means := map[Metric]float64{Precision: .25, HitRate: 1 - .75*.75*.75, MRR: .25 + .75*.25/2 + .75*.75*.25/3}
	for range sets {
		s := New(Options{Items: 7, Cutoffs: []int{3}, Seed: 9})
		for u := range uint32(n) {
			list := []uint32{0, 1, 2}
			for i := range list {
				if r.IntN(4) > 0 {
					list[i] += 3
				}
			}
			s.Add(u, list, []uint32{0, 1, 2})
		}
		got := valuesOf(s)
		for m, mean := range means {
			v := got[at{m, 3}]
			if v.Low <= mean && mean <= v.High {
				covered[m]++
			}
			if v.Low <= v.Value && v.Value <= v.High {
				within[m]++
			}
		}
	}
	for m := range means {
		share := float64(covered[m]) / sets
		t.Logf("%s: %.1f %% of %d intervals have the true mean", m, 100*share, sets)
		if share < .92 || share > .98 || within[m] < sets*99/100 {
			t.Errorf("%s: %.3f of the intervals have the true mean, %d of %d the value", m, share, within[m], sets)
		}
	}
}

// TestWidth: with many users, drawn as groups or each alone, the interval is about as wide as the normal distribution has it.
func TestWidth(t *testing.T) {
	for _, n := range []int{500, mostGroups, mostGroups + 700, 10*mostGroups + 1} {
		v := hitRate(hits(rand.New(rand.NewPCG(1, uint64(n))), n, .3), 3)
		want := 1.96 * math.Sqrt(v.Value*(1-v.Value)/float64(n))
		if !near(v.High-v.Value, want, .15*want) || !near(v.Value-v.Low, want, .15*want) {
			t.Errorf("%d users: from %.5f to %.5f about %.5f, want %.5f on either side", n, v.Low, v.High, v.Value, want)
		}
	}
}

// TestSameResamples: where users with a hit and those without change places, so do the ends of the interval.
func TestSameResamples(t *testing.T) {
	for _, n := range []int{40, 5000} {
		users := hits(rand.New(rand.NewPCG(2, 2)), n, .4)
		a, again, other := hitRate(users, 3), hitRate(users, 3), hitRate(users, 4)
		for i := range users {
			users[i].relevant = []uint32{1 - users[i].relevant[0]}
		}
		b := hitRate(users, 3)
		if a != again || !near(a.Low, 1-b.High, 1e-12) || !near(a.High, 1-b.Low, 1e-12) {
			t.Errorf("%d users: %+v, again %+v, turned %+v", n, a, again, b)
		}
		if other.Value != a.Value || n == 5000 && other.Low == a.Low && other.High == a.High {
			t.Errorf("%d users: another seed gives %+v and %+v", n, other, a)
		}
	}
}

// TestGroups: up to 2,048 users are each a group; then groups have users in turn, and memory no longer grows.
func TestGroups(t *testing.T) {
	s := New(Options{Items: 2, Cutoffs: []int{1}})
	counts := func() (all []float64) {
		for i := range s.groups.len() {
			all = append(all, s.groups.row(i)[usersAt])
		}
		return all
	}
	users := hits(rand.New(rand.NewPCG(3, 3)), 2*mostGroups+3, .5)
	for _, c := range []struct {
		n    int
		want []float64
	}{
		{1, []float64{1}},
		{mostGroups - 1, slices.Repeat([]float64{1}, mostGroups-1)},
		{mostGroups, slices.Repeat([]float64{1}, mostGroups)},
		{mostGroups + 2, slices.Concat([]float64{2, 2}, slices.Repeat([]float64{1}, mostGroups-2))},
		{2*mostGroups + 3, slices.Concat([]float64{3, 3, 3}, slices.Repeat([]float64{2}, mostGroups-3))},
	} {
		add(s, users[s.Users():c.n]...)
		if got := counts(); !slices.Equal(got, c.want) {
			t.Errorf("%d users: %d groups, %v", c.n, len(got), got[:min(5, len(got))])
		}
	}
	for i, u := range users[:mostGroups] {
		want := 0.
		for j := i; j < len(users); j += mostGroups {
			if users[j].relevant[0] == 1 {
				want++
			}
		}
		if got := s.groups.row(i)[head+hitAt]; got != want {
			t.Fatalf("group of user %d has %v hits, want %v", u.number, got, want)
		}
	}
}

// TestResample: each time as many groups are drawn as there are, all about equally often.
func TestResample(t *testing.T) {
	const n = 50
	g := groups{width: n + 1}
	for i := range n {
		row := g.of(i)
		row[i], row[n] = 1, 1
	}
	drawn := g.resample(11)
	if drawn.len() != resamples {
		t.Fatalf("%d resamples", drawn.len())
	}
	for i := range resamples {
		if drawn.row(i)[n] != n {
			t.Fatalf("resample %d has %v groups", i, drawn.row(i)[n])
		}
	}
	times := drawn.total()
	for i := range n { // the standard deviation is near sqrt(1000) = 32
		if times[i] < resamples-150 || times[i] > resamples+150 {
			t.Errorf("group %d was drawn %v times", i, times[i])
		}
	}
}

// TestRareMean: resamples without anyone who is measured do not count.
func TestRareMean(t *testing.T) {
	g := groups{width: 2}
	for i := range 100 {
		row := g.of(i)
		if i < 2 {
			row[0], row[1] = float64(i), 1
		}
	}
	value, low, high := mean{0, 1}.interval(g.total(), g.resample(1))
	if value != .5 || low != 0 || high != 1 {
		t.Errorf("%v from %v to %v", value, low, high)
	}
}

// TestNumbers: SplitMix64 with seed 1234567, as Rosetta Code lists its output.
func TestNumbers(t *testing.T) {
	n := numbers(1234567)
	for _, want := range []uint64{6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431} {
		if got := n.next(); got != want {
			t.Errorf("%d, want %d", got, want)
		}
	}
}
