package neighbours

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/jobs/internal/datasets"
)

// TestScoreExcept: candidates are all that have a score, also items of the history, without those that are left out or not allowed;
// reasons found later are those found at once.
func TestScoreExcept(t *testing.T) {
	const items = 300
	rapid.Check(t, func(t *rapid.T) {
		near := speaks(items, rapid.Uint64().Draw(t, "seed"))
		o := ScoreOptions{Top: rapid.SampledFrom([]int{1, 10, 300}).Draw(t, "top"), Because: 2}
		o.Allowed = rapid.SliceOfN(rapid.Bool(), items, items).Draw(t, "allowed")
		history := drawHistory(t, items, rapid.SampledFrom([]int{0, 1, 2, 12}).Draw(t, "n"))
		except := drawHistory(t, items, rapid.SampledFrom([]int{0, 3, 100}).Draw(t, "except"))
		all, some, plain := scorer(t, near, ScoreOptions{Top: items, Because: 2}), scorer(t, near, o), scorer(t, near, ScoreOptions{Top: o.Top, Allowed: o.Allowed})
		var want []Scored
		for _, s := range all.ScoreExcept(history, nil, nil, nil) {
			if o.Allowed[s.Index] && !slices.Contains(except, s.Index) && len(want) < o.Top {
				want = append(want, s)
			}
		}
		same := func(a, b Scored) bool {
			return a.Index == b.Index && a.Score == b.Score && slices.Equal(a.Because, b.Because)
		}
		if got := some.ScoreExcept(history, nil, except, nil); !slices.EqualFunc(got, want, same) {
			t.Fatalf("got %v, want %v", got, want)
		}
		got := plain.ScoreExcept(history, nil, except, nil)
		some.Explain(history, nil, got)
		if !slices.EqualFunc(got, want, same) {
			t.Fatalf("explained later: %v, want %v", got, want)
		}
		for range 2 { // nothing stays
			if again := all.Score(history, nil, nil); slices.ContainsFunc(again, func(s Scored) bool { return slices.Contains(history, s.Index) }) {
				t.Fatalf("items of the user: %v", again)
			}
		}
	})
}

func scorer(t *rapid.T, near Matrix, o ScoreOptions) *Scorer {
	s, err := NewScorer(near, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAllowedOfOtherLength(t *testing.T) {
	_, err := NewScorer(datasets.Compress(3, 3, nil, true), ScoreOptions{Top: 1, Allowed: make([]bool, 2)})
	if err == nil || !strings.Contains(err.Error(), "2 items are allowed or not, of 3") {
		t.Error(err)
	}
}
