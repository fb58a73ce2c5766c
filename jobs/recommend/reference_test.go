package recommend_test

import (
	"maps"
	"math"
	"slices"
	"testing"

	"github.com/shardmill/shardmill/jobs"
	"github.com/shardmill/shardmill/jobs/internal/datasets"
	"github.com/shardmill/shardmill/jobs/recommend"
	"github.com/shardmill/shardmill/mapreduce"
	"github.com/shardmill/shardmill/mapreduce/mrtest"
)

// TestReference runs whole jobs on the split of Last.fm and compares with the lists of another implementation. Where the K-th
// neighbour is a tie, that one cut it in another way, which changes lists: so a share of the users has to be equal.
// Which users may differ is tested by package neighbours.
func TestReference(t *testing.T) {
	train, lastfm := datasets.Path(t, "splits", "lastfm-hash80", "train.csv"), datasets.LastFM(t)
	for _, c := range []struct {
		algorithm, file string
		k               int
		share           float64 // of users that are equal
	}{
		{recommend.Popularity, "popularity_top10.csv", 0, 1},
		{"cosine", "itemknn_cosine50_top10.csv", 50, .85},
		{"rp3beta", "rp3beta_b0.2_k200_top10.csv", 200, .98},
	} {
		t.Run(c.algorithm, func(t *testing.T) {
			cfg := config(t, func(p *recommend.Params) { p.Algorithm, p.K = c.algorithm, c.k }, train)
			mrtest.Run(t, jobs.Standard(), recommend.Job(), cfg, mapreduce.ExitComplete)
			want := readLists(t, lastfm, c.file)
			got := lists(t, cfg.Dir)
			known := want
			if c.algorithm == recommend.Popularity { // two users have test rows only: the reference has lists for them
				known = maps.Clone(want)
				maps.DeleteFunc(known, func(user int64, _ []listed) bool { return got[user] == nil })
				if len(known) != len(want)-2 || len(got) != len(known) {
					t.Errorf("%d users, %d of them known, want two less than %d", len(got), len(known), len(want))
				}
			}
			equal := 0
			for user, list := range known {
				if slices.EqualFunc(got[user], list, sameListed) {
					equal++
				}
			}
			t.Logf("%d of %d users have the same list (%.2f %%)", equal, len(known), 100*float64(equal)/float64(len(known)))
			if float64(equal) < c.share*float64(len(known)) {
				t.Errorf("%d of %d users have the same list, want %v of them", equal, len(known), c.share)
			}
		})
	}
}

// TestReferenceNeighbours: ties may be cut in another way, so that only similarities are compared.
func TestReferenceNeighbours(t *testing.T) {
	cfg := config(t, func(p *recommend.Params) { p.Algorithm, p.K = "cosine", 20 }, datasets.Path(t, "splits", "lastfm-hash80", "train.csv"))
	mrtest.Run(t, jobs.Standard(), recommend.Job(), cfg, mapreduce.ExitComplete)
	want, got := readLists(t, datasets.LastFM(t), "cosine20_neighbours.csv"), similar(t, cfg.Dir)
	if len(want) == 0 {
		t.Fatal("no reference")
	}
	for item, list := range want {
		if len(got[item]) != len(list) {
			t.Fatalf("item %d has %d neighbours, want %d", item, len(got[item]), len(list))
		}
		for i, n := range list {
			if !near(got[item][i].score, n.score) {
				t.Fatalf("item %d, rank %d: %v, want %v", item, i+1, got[item][i].score, n.score)
			}
		}
	}
}

func sameListed(a, b listed) bool {
	return a.of == b.of && a.rank == b.rank && a.item == b.item && near(a.score, b.score)
}

func near(a, b float64) bool { return math.Abs(a-b) <= 1e-6*math.Abs(b) }

// readLists reads lists of the reference.
func readLists(t *testing.T, s *datasets.Split, file string) map[int64][]listed {
	t.Helper()
	m := map[int64][]listed{}
	for of, list := range s.Lists(t, file) {
		for i, l := range list {
			m[int64(of)] = append(m[int64(of)], listed{int64(of), int64(i + 1), int64(l.Item), l.Score})
		}
	}
	return m
}

// TestRetail runs a shop's year as it is: 305 files of a day, of which a quarter of the rows have no customer.
func TestRetail(t *testing.T) {
	cfg := config(t, func(p *recommend.Params) { p.UserCol, p.ItemCol, p.ValueCol = "CustomerID", "StockCode", "Quantity" },
		datasets.Path(t, "online-retail-by-day")+"/*.csv")
	s := mrtest.Run(t, jobs.Standard(), recommend.Job(), cfg, mapreduce.ExitRejects)
	const read, rejected, dropped = 541_909, 135_080, 8_905
	if s.Rows.Read != read || s.Rows.Rejected != rejected || s.Rows.Dropped["nonpositive"] != dropped || s.Rows.Mapped != read-rejected-dropped {
		t.Errorf("%+v", s.Rows)
	}
}
