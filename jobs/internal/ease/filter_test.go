package ease

import (
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/jobs/internal/datasets"
	"github.com/shardmill/shardmill/jobs/internal/quota"
)

// TestFilter: with nothing left out all items are scored as the definition says, those of the user too; and lists by a filter are what is
// left of all scores, bit for bit.
func TestFilter(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		users := drawMatrix(rt)
		n, items := users.Rows(), users.Columns()
		want := oracle(rt, users, filterLambda)
		allowed := rapid.SliceOfN(rapid.Bool(), items, items).Draw(rt, "allowed")
		top := rapid.SampledFrom([]int{1, 3, 200}).Draw(rt, "top")
		except, asked := make([][]uint32, n), make([]bool, n)
		for u := range except {
			if asked[u] = rapid.IntRange(0, 3).Draw(rt, "asked") > 0; asked[u] {
				except[u] = rapid.SliceOfDistinct(rapid.Uint32Range(0, uint32(items-1)), rapid.ID[uint32]).Draw(rt, "except")
				slices.Sort(except[u])
			}
		}
		for _, byUsers := range []bool{false, true} {
			m := opened(t, fileOf(rt, users, byUsers, Options{Lambda: filterLambda, Workers: 2}))
			all := filtered(rt, m, users, items, Filter{Except: func(int) ([]uint32, bool) { return nil, true }})
			checkAll(rt, users, want.At, all)
			got := filtered(rt, m, users, top, Filter{Allowed: allowed, Except: func(u int) ([]uint32, bool) { return except[u], asked[u] }})
			left := make([][]Scored, n)
			for u, list := range all {
				list = slices.DeleteFunc(list, func(s Scored) bool { return !asked[u] || !allowed[s.Item] || slices.Contains(except[u], s.Item) })
				if short := list[:min(top, len(list))]; !slices.Equal(got[u], short) {
					rt.Fatalf("by users %v: user %d has %v, want %v", byUsers, u, got[u], short)
				}
				left[u] = list
			}
			checkQuotas(rt, m, users, top, left, Filter{Allowed: allowed, Except: func(u int) ([]uint32, bool) { return except[u], asked[u] }})
		}
	})
}

// checkQuotas draws classes of items: lists that keep quotas are what walks over rankings give, and of short ones it is known how many candidates
// there were.
func checkQuotas(t *rapid.T, m *Model, users *datasets.Matrix, top int, rankings [][]Scored, f Filter) {
	q := &quota.Quotas{Most: append([]int{0}, rapid.SliceOfN(rapid.IntRange(1, 3), 1, 6).Draw(t, "most")...)}
	q.Of = rapid.SliceOfN(rapid.Uint32Range(0, uint32(len(q.Most)-1)), users.Columns(), users.Columns()).Draw(t, "classes")
	f.Quotas = q
	s, err := NewScorer(m, users, users.Transpose(), top)
	if err == nil {
		err = s.SetFilter(f)
	}
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // nothing stays
		err = s.Score(0, users.Rows(), func(u int, list []Scored) error {
			counts, want := make([]int, len(q.Most)), []Scored{}
			for _, c := range rankings[u] {
				if of := q.Of[c.Item]; len(want) < top && (of == 0 || counts[of] < q.Most[of]) {
					counts[of]++
					want = append(want, c)
				}
			}
			if !slices.Equal(list, want) {
				t.Fatalf("user %d has %v, want %v", u, list, want)
			}
			if len(list) < min(top, users.Columns()) && s.Offered() != len(rankings[u]) {
				t.Fatalf("user %d: %d candidates, want %d", u, s.Offered(), len(rankings[u]))
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func filtered(t rapid.TB, m *Model, users *datasets.Matrix, top int, f Filter) (all [][]Scored) {
	t.Helper()
	s, err := NewScorer(m, users, users.Transpose(), top)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SetFilter(f); err != nil {
		t.Fatal(err)
	}
	err = s.Score(0, users.Rows(), func(_ int, list []Scored) error {
		all = append(all, slices.Clone(list))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// filterLambda is that of the models.
const filterLambda = 10

// roundingOf is what rounding leaves of a score that is 0 by its definition. By users it is the sum of the item's values times entries of
// the inverse, which are up to 1/lambda, times a scale of up to lambda and the squares of the values. In it all may cancel but for an error of an
// entry and one of its product.
func roundingOf(users []uint32, values []float32) float64 {
	sum, squares := 0., 0.
	if values == nil {
		sum, squares = float64(len(users)), float64(len(users))
	}
	for _, v := range values {
		sum, squares = sum+math.Abs(float64(v)), squares+float64(v)*float64(v)
	}
	return 0x1p-23 * sum * (1 + squares/filterLambda)
}

func checkAll(t rapid.TB, users *datasets.Matrix, want func(u, j int) float64, all [][]Scored) {
	t.Helper()
	items, active := users.Transpose(), 0
	for j := range users.Columns() {
		if of, _ := items.Row(j); len(of) > 0 {
			active++
		}
	}
	for u, list := range all {
		had, _ := users.Row(u)
		if len(had) > 0 && len(list) != active || len(had) == 0 && len(list) > 0 {
			t.Fatalf("user %d of %d items has %d scores, of %d items", u, len(had), len(list), active)
		}
		largest := 0.
		for j := range users.Columns() {
			largest = max(largest, math.Abs(want(u, j)))
		}
		for _, s := range list {
			rounding := roundingOf(items.Row(int(s.Item)))
			if w := want(u, int(s.Item)); math.Abs(float64(s.Score)-w) > 2e-4*largest+1e-5+rounding {
				t.Fatalf("user %d, item %d: %v, want %v", u, s.Item, s.Score, w)
			}
		}
	}
}

func TestFilterRefuses(t *testing.T) {
	users := datasets.Compress(2, 3, datasets.Entries{{0, 1}: 1, {1, 2}: 1}, true)
	s, err := NewScorer(opened(t, fileOf(t, users, false, Options{Lambda: 2})), users, nil, 2)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SetFilter(Filter{Allowed: make([]bool, 2)}); err == nil || !strings.Contains(err.Error(), "2 items are allowed or not, of 3") {
		t.Error(err)
	}
}
