package neighbours

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/shardmill/shardmill/jobs/internal/datasets"
)

// reference is the lists of a file by the index of users; items are indexes.
func (s split) reference(t *testing.T, file string) map[int][]Scored {
	t.Helper()
	lists := map[int][]Scored{}
	for user, list := range s.Lists(t, file) {
		u, _ := slices.BinarySearch(s.UserIDs, user)
		for r, c := range list {
			if r > 0 && list[r-1].Score < c.Score {
				t.Fatalf("%s: the scores of user %d ascend", file, user)
			}
			if c.Score > 0 { // the reference fills lists up
				i, _ := slices.BinarySearch(s.ItemIDs, c.Item)
				lists[u] = append(lists[u], Scored{Index: uint32(i), Score: c.Score})
			}
		}
	}
	if len(lists) < 1800 {
		t.Fatalf("%s has %d users", file, len(lists))
	}
	return lists
}

func TestPopularityIsThatOfTheReference(t *testing.T) {
	s := lastfm(t)
	popularity := NewPopularity(counts(s))
	score := func(n int) [][]Scored {
		return s.lists(func(history []uint32) []Scored { return popularity.Score(history, n, nil) })
	}
	want := s.reference(t, "popularity_top10.csv")
	for u, list := range score(10) {
		if !slices.EqualFunc(list, want[u], func(a, b Scored) bool { return a.Index == b.Index && a.Score == b.Score }) {
			t.Errorf("user %d: %v, want %v", s.UserIDs[u], list, want[u])
		}
	}
	s.Compare(t, "popularity", s.metrics(score(20)), 1e-4)
	s = gowalla(t)
	popularity = NewPopularity(counts(s))
	s.Compare(t, "popularity", s.metrics(score(20)), 1e-4)
}

func counts(s split) (counts []int) {
	items := s.Train.Transpose()
	for i := range items.Rows() {
		users, _ := items.Row(i)
		counts = append(counts, len(users))
	}
	return counts
}

// TestCosinesAreThoseOfTheReference: the reference has cut ties at K anyhow, so ranks are compared, not items.
func TestCosinesAreThoseOfTheReference(t *testing.T) {
	s := lastfm(t)
	k := kernel(t, Method{Algorithm: Cosine, K: 20}, s.Train)
	want := s.Lists(t, "cosine20_neighbours.csv")
	rows := 0
	for i, id := range s.ItemIDs {
		row := k.Row(i, nil)
		rows += len(row)
		if !slices.EqualFunc(row, want[id], func(n Neighbour, c datasets.Listed) bool { return near(n.Similarity, c.Score, 1e-6) }) {
			t.Errorf("item %d: %v, want %v", id, row, want[id])
		}
	}
	if rows != 308_064 {
		t.Errorf("%d neighbours", rows)
	}
}

// TestListsAreThoseOfTheReference: but for users for whom a tie at K was cut otherwise.
func TestListsAreThoseOfTheReference(t *testing.T) {
	for _, c := range []struct {
		method Method
		file   string
		model  string
		equal  float64 // share of the users
	}{
		{Method{Algorithm: Cosine, K: 50}, "itemknn_cosine50_top10.csv", "itemKNN cosine K=50", 0.85},
		{Defaults(RP3beta), "rp3beta_b0.2_k200_top10.csv", "RP3beta a=1.0 b=0.2 K=200", 0.98},
	} {
		t.Run(string(c.method.Algorithm), func(t *testing.T) {
			s := lastfm(t)
			k := kernel(t, c.method, s.Train)
			want := s.reference(t, c.file)
			neighbours := stored(k)
			lists := s.scored(t, neighbours, 20)
			edges := newEdges(t, c.method, s, neighbours)
			differ := 0
			for u, list := range lists {
				list = list[:min(10, len(list))]
				if sameList(list, want[u]) {
					continue
				}
				differ++
				if why := edges.explain(u, list, want[u]); why != "" {
					t.Errorf("user %d: %s", s.UserIDs[u], why)
				}
			}
			if share := 1 - float64(differ)/float64(len(want)); share < c.equal {
				t.Errorf("the lists of %.1f %% of the users are equal", 100*share)
			}
			t.Logf("%d of %d users differ by ties at K", differ, len(want))
			s.Compare(t, c.model, s.metrics(lists), 1e-3)
		})
	}
}

func sameList(a, b []Scored) bool {
	return slices.EqualFunc(a, b, func(x, y Scored) bool { return x.Index == y.Index && near(x.Score, y.Score, 1e-6) })
}

// edges knows whole rows of similarities, to tell whether a difference comes from a tie at K.
type edges struct {
	s          split
	m          Method
	neighbours *datasets.Matrix // that are kept
	k          *Kernel          // keeps all
	rows       map[uint32]edge
}

// edge is the end of a row where the last that is kept and the first that is not are equal: which items are.
type edge map[uint32]bool

func newEdges(t *testing.T, m Method, s split, neighbours *datasets.Matrix) *edges {
	all := m
	all.K = len(s.ItemIDs)
	return &edges{s: s, m: m, neighbours: neighbours, k: kernel(t, all, s.Train), rows: map[uint32]edge{}}
}

// score is our score of any candidate for a user.
func (e *edges) score(user int, candidate uint32) (sum float64) {
	history, _ := e.s.Train.Row(user)
	for _, h := range history {
		columns, similarities := e.neighbours.Row(int(h))
		if q, there := slices.BinarySearch(columns, candidate); there {
			sum += float64(similarities[q])
		}
	}
	return sum
}

// of is the edge of a row; it is empty where there is no tie at K.
func (e *edges) of(row uint32) edge {
	if known, ok := e.rows[row]; ok {
		return known
	}
	list, found := e.k.Row(int(row), nil), edge{}
	if k := e.m.K; len(list) > k && near(list[k-1].Similarity, list[k].Similarity, 1e-12) {
		for _, n := range list {
			if near(n.Similarity, list[k].Similarity, 1e-12) {
				found[n.Index] = true
			}
		}
	}
	e.rows[row] = found
	return found
}

// tied tells whether the score of a candidate for a user has a part that is in a tie at K.
func (e *edges) tied(user int, candidate uint32) bool {
	history, _ := e.s.Train.Row(user)
	return slices.ContainsFunc(history, func(h uint32) bool {
		if e.m.Transposed() {
			return e.of(candidate)[h]
		}
		return e.of(h)[candidate]
	})
}

// explain says what ties at K do not explain of the difference of our list for a user and that of the reference.
func (e *edges) explain(user int, ours, want []Scored) string {
	for _, c := range want {
		score := e.score(user, c.Index)
		if !near(score, c.Score, 1e-6) && !e.tied(user, c.Index) {
			return fmt.Sprintf("item %d: %v, want %v", e.s.ItemIDs[c.Index], score, c.Score)
		}
		if absent(c.Index, ours) && score > last10(ours)*(1+1e-6) {
			return fmt.Sprintf("item %d with %v is not in our list", e.s.ItemIDs[c.Index], score)
		}
	}
	for r, c := range ours {
		if absent(c.Index, want) && c.Score > last10(want)*(1+1e-6) && !e.tied(user, c.Index) {
			return fmt.Sprintf("rank %d: item %d with %v is not in the list", r+1, e.s.ItemIDs[c.Index], c.Score)
		}
	}
	return ""
}

func absent(item uint32, list []Scored) bool {
	return !slices.ContainsFunc(list, func(c Scored) bool { return c.Index == item })
}

// last10 is the score that a candidate needs to be in a list.
func last10(list []Scored) float64 {
	if len(list) < 10 {
		return tiny
	}
	return list[9].Score
}

// TestMetricsAreThoseOfTheReference: implicit counts the item itself among the K, and cuts ties anyhow.
func TestMetricsAreThoseOfTheReference(t *testing.T) {
	if testing.Short() {
		t.Skip("ranks for all users of two data sets")
	}
	with := func(m Method, k int, shrink float64) Method {
		m.K, m.Shrink = k, shrink
		return m
	}
	splits := map[string]split{"lastfm-hash80": lastfm(t), "gowalla-published": gowalla(t)}
	for _, c := range []struct {
		data, model string
		method      Method
		tolerance   float64
	}{
		{"lastfm-hash80", "cosine K=200 shrink=10.0", with(Defaults(Cosine), 200, 10), 1e-3},
		{"lastfm-hash80", "RP3beta a=1.0 b=0.0 K=200", Method{Algorithm: RP3beta, K: 200, Alpha: 1}, 1e-3},
		{"lastfm-hash80", "implicit TFIDFRecommender K=100", with(Defaults(TFIDF), 99, 0), 3e-3},
		{"lastfm-hash80", "implicit BM25Recommender K=100", with(Defaults(BM25), 100, 0), 3e-3},
		{"gowalla-published", "itemKNN cosine K=50", with(Defaults(Cosine), 50, 0), 1e-3},
		{"gowalla-published", "implicit TFIDFRecommender K=100", with(Defaults(TFIDF), 99, 0), 1e-3},
		{"gowalla-published", "implicit BM25Recommender K=100", with(Defaults(BM25), 100, 0), 1e-3},
		{"gowalla-published", "RP3beta a=1.0 b=0.2 K=200", Defaults(RP3beta), 1e-3},
	} {
		s := splits[c.data]
		got := s.metrics(s.scored(t, stored(kernel(t, c.method, s.Train)), 20))
		s.Compare(t, c.model, got, c.tolerance)
		if c.data == "gowalla-published" && c.method == Defaults(RP3beta) && (got["recall@20"] < 0.184 || got["NDCG@20"] < 0.153) {
			t.Errorf("recall@20 %.5f, NDCG@20 %.5f", got["recall@20"], got["NDCG@20"])
		}
	}
}

// TestLikelihoodRatioIsWorthIt: Mahout has no reference here; it is well above popularity and cosine.
func TestLikelihoodRatioIsWorthIt(t *testing.T) {
	s := lastfm(t)
	got := s.metrics(s.scored(t, stored(kernel(t, Defaults(LLR), s.Train)), 20))
	if math.Abs(got["NDCG@10"]-0.2327) > 1e-3 {
		t.Errorf("NDCG@10 %.5f", got["NDCG@10"])
	}
}
