package neighbours

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/jobs/internal/quota"
)

// TestScoreWithin: lists under quotas are what walks over whole rankings give, user after user, with their reasons; of short ones it is known
// how many candidates there were.
func TestScoreWithin(t *testing.T) {
	const items = 300
	rapid.Check(t, func(t *rapid.T) {
		near := speaks(items, rapid.Uint64().Draw(t, "seed"))
		q := &quota.Quotas{Most: append([]int{0}, rapid.SliceOfN(rapid.IntRange(1, 5), 1, 40).Draw(t, "most")...)}
		q.Of = rapid.SliceOfN(rapid.Uint32Range(0, uint32(len(q.Most)-1)), items, items).Draw(t, "classes")
		o := ScoreOptions{Top: rapid.SampledFrom([]int{1, 10, 300}).Draw(t, "top"), Because: 2, Quotas: q}
		o.Allowed = rapid.SliceOfN(rapid.Bool(), items, items).Draw(t, "allowed")
		all, within := scorer(t, near, ScoreOptions{Top: items, Because: 2, Allowed: o.Allowed}), scorer(t, near, o)
		for range 4 {
			history := drawHistory(t, items, rapid.SampledFrom([]int{0, 1, 2, 12}).Draw(t, "n"))
			counts, want := make([]int, len(q.Most)), []Scored(nil)
			ranking := all.Score(history, nil, nil)
			for _, s := range ranking {
				if c := q.Of[s.Index]; len(want) < o.Top && (c == 0 || counts[c] < q.Most[c]) {
					counts[c]++
					want = append(want, s)
				}
			}
			got := within.Score(history, nil, nil)
			if !slices.EqualFunc(got, want, func(a, b Scored) bool {
				return a.Index == b.Index && a.Score == b.Score && slices.Equal(a.Because, b.Because)
			}) {
				t.Fatalf("got %v, want %v", got, want)
			}
			if len(got) < o.Top && within.Offered() != len(ranking) {
				t.Fatalf("%d candidates, want %d", within.Offered(), len(ranking))
			}
		}
	})
}
