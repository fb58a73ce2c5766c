package recommend

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// plain is a rung without its dataset.
type plainRung struct {
	Entrants int
	Share    float64
}

func TestRungs(t *testing.T) {
	for _, c := range []struct {
		n      int
		budget float64
		want   []plainRung
	}{
		{1, 0, []plainRung{{1, 1}}},
		{40, 0, []plainRung{{40, 1}}},
		{40, 40, []plainRung{{40, 1}}},
		{2, 1.5, []plainRung{{2, 1}}},                                                    // one rung is all that two can have
		{9, 3, []plainRung{{9, 1. / 9}, {3, 1. / 3}, {1, 1}}},                            // 1 + 1 + 1
		{27, 8, []plainRung{{27, 2. / 27}, {9, 6. / 27}, {3, 1}}},                        // 18/27 of the users is worth all of them
		{40, 8, []plainRung{{40, .05}, {14, .15}, {5, .45}, {2, 1}}},                     // 2 + 2.1 + 2.25 + 2
		{10, 4, []plainRung{{10, 4. / 30}, {4, 12. / 30}, {2, 1}}},                       // rounded up: 10, 3.3, 1.1
		{1000, 70, []plainRung{{1000, .01}, {334, .03}, {112, .09}, {38, .27}, {13, 1}}}, // .81 is worth 1
	} {
		rungs, err := rungsOf(c.n, c.budget)
		if err != nil {
			t.Errorf("%d configurations, budget %v: %v", c.n, c.budget, err)
		}
		var got []plainRung
		for i, r := range rungs {
			if r.number != i+1 || r.rows == nil {
				t.Errorf("rung %d: %+v", i+1, r)
			}
			got = append(got, plainRung{r.entrants, math.Round(r.share*1e12) / 1e12})
		}
		for i := range c.want {
			c.want[i].Share = math.Round(c.want[i].Share*1e12) / 1e12
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%d configurations, budget %v: %s", c.n, c.budget, diff)
		}
	}
}

// TestRungsOfTooLittle: the budget that a message names is enough.
func TestRungsOfTooLittle(t *testing.T) {
	_, err := rungsOf(40, 2)
	if err == nil || !strings.Contains(err.Error(), "--budget 2: 40 configurations need at least 3,") {
		t.Errorf("got %v", err)
	}
	if _, err := rungsOf(40, 3); err != nil {
		t.Error(err)
	}
}

// TestRungsProperties: each rung leaves a third, of three times as many users; the last one has all; the work is about what was asked for.
func TestRungsProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 1000).Draw(t, "configurations")
		budget := rapid.Float64Range(.1, 1100).Draw(t, "budget")
		rungs, err := rungsOf(n, budget)
		if err != nil {
			if budget >= math.Log(float64(n))/math.Log(3)*1.5+2 {
				t.Fatalf("%d configurations, budget %v: %v", n, budget, err)
			}
			return
		}
		work := 0.
		for i, r := range rungs {
			work += float64(r.entrants) * r.share
			switch last := i == len(rungs)-1; {
			case last && r.share != 1, !last && (r.share <= 0 || r.share > mostSampled):
				t.Fatalf("rung %d of %d has the share %v", i+1, len(rungs), r.share)
			case i == 0 && r.entrants != n, i > 0 && r.entrants != (rungs[i-1].entrants+2)/3:
				t.Fatalf("rung %d has %d configurations", i+1, r.entrants)
			case i > 0 && !last && math.Abs(r.share-3*rungs[i-1].share) > 1e-9:
				t.Fatalf("rung %d has the share %v, after %v", i+1, r.share, rungs[i-1].share)
			}
		}
		// A rung of half of the users is one of all, and configurations are rounded up.
		if budget < float64(n) && work > 2*budget+2*float64(len(rungs)) {
			t.Fatalf("%d configurations, budget %v: the work is %v", n, budget, work)
		}
	})
}
