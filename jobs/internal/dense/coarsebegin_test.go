package dense

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// mostGo is the mostFunc by its definition.
func mostGo(found *coarseFound, limits *limits, unit, slack float32, most *[tileUsers][tileItems]float32) {
	for u, mask := range found.masks {
		for i := range tileItems {
			if mask>>i&1 == 1 {
				most[u][i] = max(most[u][i], unit*(float32(found.sums[u][i])-(limits.slack[u]+slack)))
			}
		}
	}
}

// placeGo is the placeFunc by its definition.
func placeGo(most *[tileUsers][tileItems]float32, n int, least *[16]float32) {
	for u, scores := range most {
		slices.Sort(scores[:])
		least[u] = min(least[u], scores[tileItems-n])
	}
}

// TestCoarseBeginKernels compares the kernels with the definitions: what lanes without candidates have stays, and so does a limit
// that is lower.
func TestCoarseBeginKernels(t *testing.T) {
	r := rand.New(rand.NewPCG(27, 28))
	for _, k := range coarseKernels() {
		for n := 1; n <= tileItems; n++ {
			var found coarseFound
			var l limits
			var got, want [tileUsers][tileItems]float32
			for u := range want {
				found.masks[u], l.slack[u] = r.Uint32(), float32(r.IntN(1e6))
				for i := range want[u] {
					found.sums[u][i] = int32(r.Uint32()) >> r.IntN(24)
					want[u][i] = []float32{float32(math.Inf(-1)), float32(r.NormFloat64() * 1e7), -3e5, 0}[r.IntN(4)]
				}
			}
			got = want
			k.coarse.most(&found, &l, .25, 1000, &got)
			if mostGo(&found, &l, .25, 1000, &want); got != want {
				t.Fatalf("%v: most is %v, want %v", k, got, want)
			}
			var least, wantLeast [16]float32
			for u := range least {
				least[u] = []float32{float32(math.Inf(1)), float32(r.NormFloat64() * 1e6)}[r.IntN(2)]
			}
			wantLeast = least
			k.coarse.place(&got, n, &least)
			if placeGo(&want, n, &wantLeast); least != wantLeast {
				t.Fatalf("%v: place %d is %v, want %v", k, n, least, wantLeast)
			}
		}
	}
}

// TestCoarseBegin compares lists with those of the naive oracle, where there are as many items as it takes to begin with limits: of one
// group of panels and of several, for users who have seen up to nearly all items of these.
func TestCoarseBegin(t *testing.T) {
	for _, k := range coarseKernels() {
		t.Run(fmt.Sprint(k), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				const f = coarseFactors
				top := rapid.SampledFrom([]int{1, 2, 10, 11, 20, 30, 50}).Draw(t, "top")
				groups, _, _ := beginGroups(top, 0)
				panels := rapid.IntRange(beginShare*groups, beginShare*(groups+1)).Draw(t, "panels")
				if _, each, _ := beginGroups(top, panels); each == 0 {
					t.Fatalf("no panels are scored twice")
				}
				n := panels*tileItems - rapid.IntRange(0, tileItems-1).Draw(t, "without")
				r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
				users, items := sized(t, r, rapid.IntRange(1, 15).Draw(t, "users"), f), sized(t, r, n, f)
				seen := make([][]uint32, len(users)/f)
				for u := range seen {
					share := []float64{0, .1, .99, .9999}[r.IntN(4)]
					for i := range n {
						if r.Float64() < share {
							seen[u] = append(seen[u], uint32(i))
						}
					}
				}
				checkCoarse(t, k, users, items, f, top, seen)
			})
		})
	}
}

// TestCoarseBeginCandidates: with a limit to begin with there are fewer candidates than the items that are among the best of all those
// before them, of which there would be so many without: in the first panel all.
func TestCoarseBeginCandidates(t *testing.T) {
	r := rand.New(rand.NewPCG(29, 30))
	const f, n, users, top = 64, 320 * tileItems, 96, 10
	without := tileItems + top*(math.Log(n)-math.Log(tileItems))
	for _, k := range coarseKernels() {
		s := NewScorerOn(k, packCoarsely(t, vectors(r, n, f), n, f), top)
		candidates := 0
		err := s.Score(vectors(r, users, f), nil, func(u int, _ []Scored) error {
			candidates += len(s.coarse.survivors[u])
			return nil
		})
		if err != nil || candidates < users*top || float64(candidates) > .7*users*without {
			t.Errorf("%v: %d candidates for %d lists, %.0f without limits (%v)", k, candidates, users, users*without, err)
		}
	}
}
