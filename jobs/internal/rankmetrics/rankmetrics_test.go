package rankmetrics

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func near(a, b float64) bool { return math.Abs(a-b) < 1e-12 }

func check(t *testing.T, got, want At) {
	t.Helper()
	if got.K != want.K || !near(got.Precision, want.Precision) || !near(got.Recall, want.Recall) ||
		!near(got.NDCG, want.NDCG) || !near(got.MAP, want.MAP) || !near(got.Coverage, want.Coverage) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// TestOneUserByHand: the list 5 1 7 2 against {1, 2, 9}: hits at ranks 2 and 4.
func TestOneUserByHand(t *testing.T) {
	s := New(10, 2, 4, 10)
	s.Add([]uint32{5, 1, 7, 2}, []uint32{1, 2, 9})
	second, third, fourth := 1/math.Log2(3), 0.5, 1/math.Log2(5)
	at := s.Means()
	check(t, at[0], At{
		K: 2, Precision: 1. / 2, Recall: 1. / 3, Coverage: 2. / 10,
		NDCG: second / (1 + second), MAP: (1. / 2) / 2,
	})
	check(t, at[1], At{
		K: 4, Precision: 2. / 4, Recall: 2. / 3, Coverage: 4. / 10,
		NDCG: (second + fourth) / (1 + second + third), MAP: (1./2 + 2./4) / 3,
	})
	check(t, at[2], At{
		K: 10, Precision: 2. / 10, Recall: 2. / 3, Coverage: 4. / 10,
		NDCG: (second + fourth) / (1 + second + third), MAP: (1./2 + 2./4) / 3,
	})
}

// TestMeansOverUsers: one with all hits, one with none, one who has nothing relevant and is left out.
func TestMeansOverUsers(t *testing.T) {
	s := New(4, 2)
	s.Add([]uint32{3, 0}, []uint32{0, 3})
	s.Add([]uint32{0, 3}, []uint32{1})
	s.Add([]uint32{1, 2}, nil)
	if s.Users() != 2 {
		t.Errorf("%d users", s.Users())
	}
	check(t, s.Means()[0], At{K: 2, Precision: .5, Recall: .5, NDCG: .5, MAP: .5, Coverage: .5})
}

// TestCoverageIsOfTheRank: an item counts at a cutoff when any list has it by that rank.
func TestCoverageIsOfTheRank(t *testing.T) {
	s := New(5, 1, 2)
	s.Add([]uint32{0, 1}, []uint32{4})
	s.Add([]uint32{2, 0}, []uint32{4})
	s.Add([]uint32{2, 3, 4}, []uint32{4})
	at := s.Means()
	if !near(at[0].Coverage, 2./5) || !near(at[1].Coverage, 4./5) {
		t.Errorf("coverage %v and %v", at[0].Coverage, at[1].Coverage)
	}
}

func TestNothing(t *testing.T) {
	check(t, New(0, 3).Means()[0], At{K: 3})
	s := New(3, 3)
	s.Add(nil, []uint32{1})
	check(t, s.Means()[0], At{K: 3})
}

// TestBounds: every metric is between 0 and 1; a list that begins with all relevant items has recall, NDCG and MAP 1 at
// cutoffs of at least their number, and the wrong way round no metric is higher.
func TestBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		items := rapid.IntRange(2, 20).Draw(t, "items")
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		var all []uint32
		for _, i := range random.Perm(items) {
			all = append(all, uint32(i))
		}
		n := rapid.IntRange(1, items-1).Draw(t, "relevant")
		relevant := slices.Sorted(slices.Values(all[:n]))
		k := rapid.IntRange(n, items).Draw(t, "k")
		best, worst := New(items, k), New(items, k)
		best.Add(all, relevant)
		slices.Reverse(all)
		worst.Add(all, relevant)
		b, w := best.Means()[0], worst.Means()[0]
		if !near(b.Recall, 1) || !near(b.NDCG, 1) || !near(b.MAP, 1) || !near(b.Precision, float64(n)/float64(k)) {
			t.Fatalf("perfect list: %+v", b)
		}
		for _, pair := range [][2]float64{
			{w.Precision, b.Precision}, {w.Recall, b.Recall}, {w.NDCG, b.NDCG}, {w.MAP, b.MAP},
		} {
			if pair[0] < 0 || pair[0] > pair[1]+1e-12 {
				t.Fatalf("worst %+v, best %+v", w, b)
			}
		}
	})
}
