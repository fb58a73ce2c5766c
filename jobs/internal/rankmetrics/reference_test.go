package rankmetrics_test

import (
	"math"
	"slices"
	"testing"

	"github.com/shardmill/shardmill/jobs/internal/datasets"
	"github.com/shardmill/shardmill/jobs/internal/rankmetrics"
)

// measure adds the lists of a file, user after user.
func measure(t testing.TB, s *datasets.Split, items *datasets.Matrix, file string) *rankmetrics.Sums {
	t.Helper()
	lists, trained := s.Lists(t, file), 0
	for u := range s.UserIDs {
		if had, _ := s.Train.Row(u); len(had) > 0 {
			trained++
		}
	}
	row := func(item uint32) []uint32 {
		users, _ := items.Row(int(item))
		return users
	}
	sums := rankmetrics.New(rankmetrics.Options{
		Items: len(s.ItemIDs), Users: trained, Cutoffs: []int{1, 5, 10}, Seed: 1,
		Count: func(item uint32) int { return len(row(item)) }, Row: row,
	})
	for u, id := range s.UserIDs {
		had, _ := s.Train.Row(u)
		relevant, _ := s.Test.Row(u)
		if len(had) == 0 || len(relevant) == 0 {
			continue
		}
		var list []uint32
		for _, c := range lists[id] {
			i, _ := slices.BinarySearch(s.ItemIDs, c.Item)
			list = append(list, uint32(i))
		}
		sums.Add(uint32(u), list, relevant)
	}
	return sums
}

// TestReference measures lists that come with the metrics which another implementation has measured, to 5 digits. Those by cosine
// have neighbours at a tie cut in another way, which changes lists.
func TestReference(t *testing.T) {
	s := datasets.LastFM(t)
	items := s.Train.Transpose()
	for _, c := range []struct {
		file, model string
		within      float64
	}{
		{"popularity_top10.csv", "popularity", 1e-5},
		{"itemknn_cosine50_top10.csv", "itemKNN cosine K=50", 1e-3},
		{"rp3beta_b0.2_k200_top10.csv", "RP3beta a=1.0 b=0.2 K=200", 1e-5},
	} {
		compare(t, c.model, measure(t, s, items, c.file), s.Reference(t, c.model), c.within)
	}
}

func compare(t *testing.T, model string, sums *rankmetrics.Sums, want map[string]float64, within float64) {
	t.Helper()
	if want["users"] != float64(sums.Users()) {
		t.Errorf("%s: %d users, want %v", model, sums.Users(), want["users"])
	}
	compared := 0
	for _, v := range sums.Values() {
		if v.K != 10 {
			continue
		}
		t.Logf("%s: %-12s %.5f [%.5f, %.5f]", model, v.Metric.At(v.K), v.Value, v.Low, v.High)
		if w, some := want[v.Metric.At(v.K)]; some {
			compared++
			allowed := within
			if v.Metric == rankmetrics.Coverage {
				allowed = max(within, 1e-4) // 4 digits
			}
			if math.Abs(v.Value-w) > allowed {
				t.Errorf("%s: %s is %.6f, want %v", model, v.Metric.At(v.K), v.Value, w)
			}
		}
	}
	if compared < 4 {
		t.Errorf("%s: %d metrics have a reference", model, compared)
	}
}
