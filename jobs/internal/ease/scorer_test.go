package ease

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/jobs/internal/datasets"
)

// TestScores compares lists, from the inverse of either side, with the definition, and all kernels bit for bit.
func TestScores(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		users := drawMatrix(rt)
		lambda := rapid.SampledFrom([]float64{2, 10, 100}).Draw(rt, "lambda")
		want := oracle(rt, users, lambda)
		top := rapid.SampledFrom([]int{1, 3, 10, 200}).Draw(rt, "top")
		for _, byUsers := range []bool{false, true} {
			m := opened(t, fileOf(rt, users, byUsers, Options{Lambda: lambda, Workers: 2}))
			lo := rapid.IntRange(0, users.Rows()).Draw(rt, "lo")
			hi := rapid.IntRange(lo, users.Rows()).Draw(rt, "hi")
			var first [][]Scored
			for _, k := range kernels() {
				all := lists(rt, k, m, users, top, lo, hi)
				checkLists(rt, users, want, top, lo, all)
				if first == nil {
					first = all
				}
				if !slices.EqualFunc(all, first, slices.Equal) {
					rt.Fatalf("%s gives other lists than %s", k.name, kernels()[0].name)
				}
			}
		}
	})
}

// TestSidesAgree: the scores of both inverses are equal, to 1e-4 of a user's highest.
func TestSidesAgree(t *testing.T) {
	users := random(rand.New(rand.NewPCG(1, 2)), 300, 400, .06, true, 11)
	o := Options{Lambda: 20, Workers: 2}
	byItems := lists(t, kernels()[0], opened(t, fileOf(t, users, false, o)), users, 400, 0, 300)
	byUsers := lists(t, kernels()[0], opened(t, fileOf(t, users, true, o)), users, 400, 0, 300)
	compared := 0
	for u := range byItems {
		scores := map[uint32]float64{}
		for _, c := range byUsers[u] {
			scores[c.Item] = float64(c.Score)
		}
		if len(scores) != len(byItems[u]) {
			t.Fatalf("user %d has %d and %d items", u, len(scores), len(byItems[u]))
		}
		for _, c := range byItems[u] {
			score, there := scores[c.Item]
			if !there || math.Abs(score-float64(c.Score)) > 1e-4*math.Abs(float64(byItems[u][0].Score)) {
				t.Fatalf("user %d, item %d: %v and %v", u, c.Item, c.Score, score)
			}
			compared++
		}
	}
	if compared < 80_000 {
		t.Errorf("%d scores are compared", compared)
	}
}

// TestRanges: a user's list does not depend on who else is scored, and blocks of users end where they end.
func TestRanges(t *testing.T) {
	users := random(rand.New(rand.NewPCG(3, 4)), 2*blockUsers+50, 40, .1, true, 0)
	few := random(rand.New(rand.NewPCG(5, 6)), 150, 40, .1, true, 6)
	for _, c := range []struct {
		users   *datasets.Matrix
		byUsers bool
	}{{users, false}, {few, true}} {
		m := opened(t, fileOf(t, c.users, c.byUsers, Options{Lambda: 2}))
		n := c.users.Rows()
		all := lists(t, kernels()[0], m, c.users, 5, 0, n)
		for _, r := range [][2]int{{0, 1}, {7, 7}, {n - 1, n}, {31, 33}, {33, 100}, {n / 2, n}} {
			if part := lists(t, kernels()[0], m, c.users, 5, r[0], r[1]); !slices.EqualFunc(part, all[r[0]:r[1]], slices.Equal) {
				t.Errorf("by users %v: users %d to %d have other lists", c.byUsers, r[0], r[1])
			}
		}
	}
}

// TestLongLists: where lists are long, blocks have fewer users.
func TestLongLists(t *testing.T) {
	const items = 2 << 10
	users := random(rand.New(rand.NewPCG(13, 14)), 2100, items, .001, true, 0)
	m := opened(t, fileOf(t, users, false, Options{Lambda: 2, Workers: 2}))
	s, err := NewScorer(m, users, nil, 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	shorter := lists(t, kernels()[0], m, users, 10, 0, 2100)
	err = s.Score(0, 2100, func(user int, list []Scored) error {
		if n := len(shorter[user]); len(list) < n || !slices.Equal(list[:n], shorter[user]) || !slices.IsSortedFunc(list, before) {
			t.Fatalf("user %d has %v, want %v first", user, list, shorter[user])
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if cap(s.keys) > blockKeys || cap(s.keys) < blockKeys/2 {
		t.Errorf("%d places for lists", cap(s.keys))
	}
}

// TestOtherUsers: where the inverse is of items, new users are scored too; what is not in the model does not count.
func TestOtherUsers(t *testing.T) {
	users := random(rand.New(rand.NewPCG(7, 8)), 80, 40, .2, false, 5)
	m := opened(t, fileOf(t, users, false, Options{Lambda: 2}))
	const without = 7 // an item that no user of the model has
	if columns, _ := users.Transpose().Row(without); len(columns) > 0 {
		t.Fatal("the item has users")
	}
	columns, values := users.Row(3)
	entries := datasets.Entries{{1, without}: 9, {2, without}: 9}
	for q, c := range columns {
		entries[[2]uint32{0, c}], entries[[2]uint32{1, c}] = values[q], values[q]
	}
	others := datasets.Compress(3, 40, entries, false)
	s, err := NewScorer(m, others, nil, 10)
	if err != nil {
		t.Fatal(err)
	}
	want := lists(t, kernels()[0], m, users, 10, 3, 4)[0]
	err = s.Score(0, 3, func(user int, list []Scored) error {
		if user < 2 && !slices.Equal(list, want) || user == 2 && len(list) > 0 {
			t.Errorf("user %d has %v, want %v", user, list, want)
		}
		return nil
	})
	if err != nil || len(want) != 10 {
		t.Errorf("%d items, %v", len(want), err)
	}
}

func TestNobody(t *testing.T) {
	for _, size := range [][2]int{{0, 0}, {3, 0}, {0, 3}, {3, 4}, {4, 3}} {
		users := datasets.Compress(size[0], size[1], nil, true)
		for _, byUsers := range []bool{false, true} {
			m := opened(t, fileOf(t, users, byUsers, Options{Lambda: 1}))
			for _, list := range lists(t, kernels()[0], m, users, 10, 0, size[0]) {
				if len(list) > 0 {
					t.Errorf("%v: got %v", size, list)
				}
			}
		}
	}
}

func TestScorerRefuses(t *testing.T) {
	users := datasets.Compress(3, 4, datasets.Entries{{0, 1}: 1, {2, 3}: 1}, true)
	items := users.Transpose()
	byItems, byUsers := opened(t, fileOf(t, users, false, Options{Lambda: 1})), opened(t, fileOf(t, users, true, Options{Lambda: 1}))
	for _, c := range []struct {
		m            *Model
		users, items Matrix
		top          int
		want         string
	}{
		{byItems, items, users, 1, "4 x 3"},
		{byUsers, items, users, 1, "4 x 3"},
		{byUsers, datasets.Compress(2, 4, nil, true), items, 1, "2 x 4"},
		{byUsers, users, nil, 1, "items"},
		{byUsers, users, users, 1, "items"},
		{byItems, users, items, 0, "at least 1"},
	} {
		if _, err := NewScorer(c.m, c.users, c.items, c.top); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v", c.want, err)
		}
	}
	s, err := NewScorer(byItems, users, nil, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range [][2]int{{-1, 2}, {2, 1}, {0, 4}} {
		if err := s.Score(r[0], r[1], nil); err == nil || !strings.Contains(err.Error(), "of 3") {
			t.Errorf("users %v: %v", r, err)
		}
	}
}

// TestEmitFails ends it; the Scorer is of use afterwards.
func TestEmitFails(t *testing.T) {
	users := random(rand.New(rand.NewPCG(9, 10)), 50, 40, .2, true, 0)
	failed := errors.New("failed")
	for _, byUsers := range []bool{false, true} {
		m := opened(t, fileOf(t, users, byUsers, Options{Lambda: 2}))
		s, err := NewScorer(m, users, users.Transpose(), 5)
		if err != nil {
			t.Fatal(err)
		}
		calls := 0
		if err := s.Score(0, 50, func(int, []Scored) error { calls++; return failed }); !errors.Is(err, failed) || calls != 1 {
			t.Errorf("%d calls, %v", calls, err)
		}
		var got [][]Scored
		if err := s.Score(0, 50, func(_ int, l []Scored) error { got = append(got, slices.Clone(l)); return nil }); err != nil {
			t.Fatal(err)
		}
		if !slices.EqualFunc(got, lists(t, kernels()[0], m, users, 5, 0, 50), slices.Equal) {
			t.Errorf("by users %v: other lists after an error", byUsers)
		}
	}
}

func TestScoresAllocateNothing(t *testing.T) {
	users := random(rand.New(rand.NewPCG(11, 12)), 100, 120, .1, false, 7)
	for _, byUsers := range []bool{false, true} {
		m := opened(t, fileOf(t, users, byUsers, Options{Lambda: 2}))
		s, err := NewScorer(m, users, users.Transpose(), 10)
		if err != nil {
			t.Fatal(err)
		}
		all := func() {
			if err := s.Score(0, 100, func(int, []Scored) error { return nil }); err != nil {
				t.Fatal(err)
			}
		}
		all()
		if n := testing.AllocsPerRun(3, all); n > 0 {
			t.Errorf("by users %v: %v allocations", byUsers, n)
		}
	}
}
