package recommend_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/shardmill/shardmill/jobs"
	"github.com/shardmill/shardmill/jobs/internal/datasets"
	"github.com/shardmill/shardmill/jobs/internal/matrix"
	"github.com/shardmill/shardmill/jobs/internal/rankmetrics"
	"github.com/shardmill/shardmill/jobs/recommend"
	"github.com/shardmill/shardmill/mapreduce"
	"github.com/shardmill/shardmill/mapreduce/mrtest"
)

// kept are the matrices of a job that keeps them, and its ids.
type kept struct {
	users, items         *matrix.Matrix
	userNumbers, itemIDs []int64
}

func openKept(t testing.TB, dir string) kept {
	t.Helper()
	k := kept{userNumbers: idList(t, dir, "user_ids"), itemIDs: idList(t, dir, "item_ids")}
	k.users = openMatrix(t, dir, "user_items", len(k.userNumbers), len(k.itemIDs))
	k.items = openMatrix(t, dir, "item_users", len(k.itemIDs), len(k.userNumbers))
	return k
}

func openMatrix(t testing.TB, dir, name string, rows, columns int) *matrix.Matrix {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "stages", "*", "data", name, "*.matrix"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %d files, %v", name, len(files), err)
	}
	m, err := matrix.Open(files, rows, columns)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() }) // only read
	return m
}

// trials are the kinds of configurations that a trial learns.
func trials() []trained {
	cases := models()
	for _, algorithm := range recommend.Algorithms() {
		if algorithm == recommend.ALS || algorithm == recommend.EASE {
			continue
		}
		cases = append(cases,
			trained{algorithm, smallCrowd, func(p *recommend.Params) { p.Algorithm = algorithm }},
			trained{algorithm + "-rated", ratedCrowd, func(p *recommend.Params) { p.Algorithm, p.ValueCol = algorithm, "rating" }},
		)
	}
	for _, algorithm := range []string{"cosine", "rp3beta"} {
		cases = append(cases, trained{algorithm + "-k7", smallCrowd, func(p *recommend.Params) { p.Algorithm, p.K = algorithm, 7 }})
	}
	return append(cases,
		trained{"als-rated", ratedCrowd, func(p *recommend.Params) { smallALS(p); p.ValueCol = "rating" }},
		trained{"als-min", smallCrowd, func(p *recommend.Params) { smallALS(p); p.MinUser, p.MinItem = 12, 25 }},
		trained{"ease-min", smallCrowd, func(p *recommend.Params) { p.Algorithm, p.MinUser, p.MinItem = recommend.EASE, 12, 25 }},
	)
}

// TestLearnAlone: a trial makes the lists that a whole job makes, to the last bit, in the heap and in files, which leave nothing behind.
func TestLearnAlone(t *testing.T) {
	for _, c := range trials() {
		t.Run(c.name, func(t *testing.T) {
			p := recommend.Defaults()
			c.change(&p)
			cfg := config(t, c.change, c.input(t))
			cfg.KeepIntermediate, cfg.Partitions = true, 3
			mrtest.Run(t, jobs.Standard(), smallJob(), cfg, mapreduce.ExitComplete)
			k := openKept(t, cfg.Dir)
			compare := func(where string, learn func(pass func(uint32, []recommend.Scored)) error) {
				want, n := lists(t, cfg.Dir), 0
				err := learn(func(user uint32, list []recommend.Scored) {
					id := k.userNumbers[user]
					var got []listed
					for i, s := range list {
						got = append(got, listed{id, int64(i + 1), k.itemIDs[s.Index], s.Score})
						n++
					}
					if !slices.Equal(got, want[id]) {
						t.Fatalf("%s: user %d: %v, the job has %v", where, user, got, want[id])
					}
					delete(want, id)
				})
				if err != nil || len(want) > 0 || n == 0 {
					t.Errorf("%s: %v; %d lists of the job are missing of %d items", where, err, len(want), n)
				}
			}
			compare("heap", func(pass func(uint32, []recommend.Scored)) error {
				return recommend.LearnAlone(t.Context(), p, k.users, k.items, p.Top, pass)
			})
			folder := t.TempDir()
			compare("files", func(pass func(uint32, []recommend.Scored)) error {
				return recommend.LearnInFiles(t.Context(), p, k.users, k.items, p.Top, folder, pass)
			})
			if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
				t.Errorf("%d files are left, %v", len(left), err)
			}
		})
	}
}

// TestLearnAloneStops: a trial ends when its work is not wanted.
func TestLearnAloneStops(t *testing.T) {
	cfg := config(t, nil, smallCrowd(t))
	cfg.KeepIntermediate = true
	mrtest.Run(t, jobs.Standard(), smallJob(), cfg, mapreduce.ExitComplete)
	k := openKept(t, cfg.Dir)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, algorithm := range []string{"cosine", "rp3beta", recommend.ALS, recommend.EASE} {
		p := recommend.Defaults()
		p.Algorithm = algorithm
		err := recommend.LearnAlone(ctx, p, k.users, k.items, 10, func(uint32, []recommend.Scored) {})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", algorithm, err)
		}
	}
}

// TestTrialReference compares the metrics of trials with those of another implementation. Ties at the K-th neighbour are cut in
// another way there.
func TestTrialReference(t *testing.T) {
	train, split := datasets.Path(t, "splits", "lastfm-hash80", "train.csv"), datasets.LastFM(t)
	test := testPart(split)
	cfg := config(t, func(p *recommend.Params) { p.Algorithm = recommend.Popularity }, train)
	cfg.KeepIntermediate = true
	mrtest.Run(t, jobs.Standard(), recommend.Job(), cfg, mapreduce.ExitComplete)
	k := openKept(t, cfg.Dir)
	number := map[int64]uint32{}
	for i, id := range k.itemIDs {
		number[id] = uint32(i)
	}
	items := len(k.itemIDs)
	for _, list := range test {
		for _, id := range list {
			if _, ok := number[id]; !ok {
				number[id] = uint32(items)
				items++
			}
		}
	}
	for _, c := range []struct {
		algorithm, model string
		k                int
		within           float64
	}{
		{recommend.Popularity, "popularity", 0, 1e-4},
		{"cosine", "itemKNN cosine K=50", 50, 1e-3},
		{"rp3beta", "RP3beta a=1.0 b=0.2 K=200", 200, 1e-3},
	} {
		p := recommend.Defaults()
		p.Algorithm, p.K = c.algorithm, c.k
		sums := rankmetrics.New(rankmetrics.Options{Items: items, Cutoffs: []int{10, 20}})
		err := recommend.LearnAlone(t.Context(), p, k.users, k.items, 20, func(user uint32, list []recommend.Scored) {
			var found, relevant []uint32
			for _, s := range list {
				found = append(found, s.Index)
			}
			for _, id := range test[k.userNumbers[user]] {
				relevant = append(relevant, number[id])
			}
			slices.Sort(relevant)
			sums.Add(user, found, relevant)
		})
		if err != nil {
			t.Fatal(err)
		}
		split.Compare(t, c.model, datasets.Figures(sums), c.within)
	}
}
