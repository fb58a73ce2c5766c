package rankmetrics

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestOverlap(t *testing.T) {
	o := overlap{row: func(item uint32) []uint32 { return toy[item] }}
	for range 2 { // what is removed leaves nothing
		list, want := []uint32{0, 1, 4, 2, 0}, []float64{0, .70710678, 0, .70710678 + .5, .70710678 + .70710678 + 1}
		for i, item := range list {
			if got := o.add(item); !near(got, want[i], 1e-8) {
				t.Errorf("item %d: %v, want %v", item, got, want[i])
			}
		}
		o.remove(list)
	}
	if len(o.sum) != 4 {
		t.Errorf("%d users", len(o.sum))
	}
}

// TestSample: 2,048 users whose numbers have the lowest hashes, in whatever order they come; another seed takes others.
func TestSample(t *testing.T) {
	const n = 9 * mostSampled
	taken := func(seed uint64, order []int) []int {
		s := newSample(seed)
		for _, u := range order {
			s.add(uint32(u), u, nil)
			if len(s.kept) >= 2*mostSampled {
				t.Fatalf("%d lists are kept", len(s.kept))
			}
		}
		if len(order) == n && s.limit > math.MaxUint64/4 {
			t.Errorf("users with a hash up to %x are still taken in", s.limit)
		}
		s.cut()
		var users []int
		for _, u := range s.kept {
			users = append(users, u.order)
		}
		slices.Sort(users)
		return users
	}
	r := rand.New(rand.NewPCG(1, 2))
	a, b := taken(1, r.Perm(n)), taken(1, r.Perm(n))
	if len(slices.Compact(a)) != mostSampled || !slices.Equal(a, b) || slices.Equal(a, taken(2, r.Perm(n))) {
		t.Errorf("%d and %d users, the same: %v", len(a), len(b), slices.Equal(a, b))
	}
	upper := 0
	for _, u := range a {
		if u >= n/2 {
			upper++
		}
	}
	if upper < mostSampled/2-150 || upper > mostSampled/2+150 { // the standard deviation is 23
		t.Errorf("%d of %d users are of the upper half", upper, len(a))
	}
	if few := taken(1, r.Perm(100)); len(few) != 100 {
		t.Errorf("%d of 100 users", len(few))
	}
}

// TestSampleIsNotOfLists: the same users are in it, whatever lists they have.
func TestSampleIsNotOfLists(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	a, b := New(training(toy, 4, 3)), New(training(toy, 4, 3))
	for u := range uint32(3 * mostSampled) {
		relevant := []uint32{u % 8}
		a.Add(u, []uint32{0, 1, 2}[:r.IntN(4)], relevant)
		b.Add(u, []uint32{0, 1, 2}, relevant)
	}
	a.Values()
	b.Values()
	same := func(x, y sampled) bool { return x.order == y.order }
	if !slices.EqualFunc(a.sample.kept, b.sample.kept, same) || len(a.sample.kept) != mostSampled {
		t.Errorf("%d and %d users, not the same", len(a.sample.kept), len(b.sample.kept))
	}
}

// TestDiversityOfSample: that of 2,048 users is near that of all, and its interval is wider.
func TestDiversityOfSample(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	rows, users := drawRows(r, 40, 60), drawUsers(r, 8*mostSampled, 40)
	v := valuesOf(add(New(training(rows, 60, 5)), users...))[at{Diversity, 5}]
	if want := plain(rows, 60, users, 5)[Diversity]; want < v.Low || want > v.High || v.Value == want {
		t.Errorf("%+v, that of all users is %v", v, want)
	}
	few := valuesOf(add(New(training(rows, 60, 5)), users[:mostSampled]...))[at{Diversity, 5}]
	if ratio := (v.High - v.Low) / (few.High - few.Low); ratio < .8 || ratio > 1.25 {
		t.Errorf("%+v of a sample, %+v of as many users", v, few)
	}
}
