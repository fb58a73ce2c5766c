package blend

import (
	"cmp"
	"math"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestReciprocalRanks(t *testing.T) {
	b, err := New(RRF, []float64{1, 1}, 10)
	if err != nil {
		t.Fatal(err)
	}
	lists := [][]Scored{{{3, 9}, {5, 8}, {7, 1}}, {{5, .5}, {2, .4}}}
	first, second := 1./61, 1./62 // not constants, whose sum would be exact
	want := []Merged{
		{Scored{5, second + first}, []int32{2, 1}},
		{Scored{3, 1. / 61}, []int32{1, 0}},
		{Scored{2, 1. / 62}, []int32{0, 2}},
		{Scored{7, 1. / 63}, []int32{3, 0}},
	}
	for range 2 { // nothing is left of a former user
		if diff := gocmp.Diff(want, b.Merge(lists, 10, nil)); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	}
	if diff := gocmp.Diff(want[:2], b.Merge(lists, 2, nil)); diff != "" {
		t.Errorf("top 2 (-want +got):\n%s", diff)
	}
}

func TestWeighted(t *testing.T) {
	b, err := New(Weighted, []float64{2, .5, 0}, 10)
	if err != nil {
		t.Fatal(err)
	}
	lists := [][]Scored{{{3, 9}, {5, 5}, {7, 1}}, {{9, .5}, {7, .5}}, {{1, 4}, {3, 2}}}
	want := []Merged{
		{Scored{3, 2}, []int32{1, 0, 2}},
		{Scored{5, 1}, []int32{2, 0, 0}},
		{Scored{7, .5}, []int32{3, 2, 0}}, // equal: the lower number first
		{Scored{9, .5}, []int32{0, 1, 0}},
	}
	if diff := gocmp.Diff(want, b.Merge(lists, 10, nil)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestRefused(t *testing.T) {
	for name, make := range map[string]func() (*Blender, error){
		"method":   func() (*Blender, error) { return New("sum", []float64{1}, 1) },
		"negative": func() (*Blender, error) { return New(RRF, []float64{1, -1}, 1) },
		"NaN":      func() (*Blender, error) { return New(RRF, []float64{math.NaN()}, 1) },
		"infinite": func() (*Blender, error) { return New(RRF, []float64{math.Inf(1)}, 1) },
		"zeros":    func() (*Blender, error) { return New(RRF, []float64{0, 0}, 1) },
		"none":     func() (*Blender, error) { return New(RRF, nil, 1) },
	} {
		if _, err := make(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// oracle is Merge by maps.
func oracle(m Method, weights []float64, lists [][]Scored, top int) []Merged {
	scores, ranks := map[uint32]float64{}, map[uint32][]int32{}
	for p, l := range lists {
		for r, s := range l {
			if ranks[s.Item] == nil {
				ranks[s.Item] = make([]int32, len(lists))
			}
			ranks[s.Item][p] = int32(r + 1)
			if weights[p] == 0 {
				continue
			}
			part := 1 / float64(60+r+1)
			if m == Weighted {
				part = 1
				if lo, hi := l[len(l)-1].Score, l[0].Score; hi > lo {
					part = (s.Score - lo) / (hi - lo)
				}
			}
			scores[s.Item] += weights[p] * part
		}
	}
	all := []Merged{}
	for item, s := range scores {
		all = append(all, Merged{Scored{item, s}, ranks[item]})
	}
	slices.SortFunc(all, func(x, y Merged) int { return cmp.Or(-cmp.Compare(x.Score, y.Score), cmp.Compare(x.Item, y.Item)) })
	return all[:min(top, len(all))]
}

// Merge is the same as the oracle for any lists, user after user.
func TestOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.IntRange(1, 4).Draw(t, "parts")
		weights := rapid.SliceOfN(rapid.SampledFrom([]float64{0, .25, 1, 3}), parts, parts).Draw(t, "weights")
		weights[0] = 1
		m := rapid.SampledFrom([]Method{RRF, Weighted}).Draw(t, "method")
		const items = 12
		b, err := New(m, weights, items)
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			lists := make([][]Scored, parts)
			for p := range lists {
				for _, i := range rapid.SliceOfNDistinct(rapid.Uint32Range(0, items-1), 0, items, rapid.ID).Draw(t, "items") {
					lists[p] = append(lists[p], Scored{i, float64(rapid.IntRange(-3, 3).Draw(t, "score"))})
				}
				slices.SortStableFunc(lists[p], func(x, y Scored) int { return cmp.Compare(y.Score, x.Score) })
			}
			top := rapid.IntRange(0, items+1).Draw(t, "top")
			if diff := gocmp.Diff(oracle(m, weights, lists, top), b.Merge(lists, top, []Merged{})); diff != "" {
				t.Fatalf("-want +got:\n%s", diff)
			}
		}
	})
}

func BenchmarkMerge(bm *testing.B) {
	b, err := New(RRF, []float64{1, 1, 1}, 10_000)
	if err != nil {
		bm.Fatal(err)
	}
	lists := make([][]Scored, 3)
	for p := range lists {
		for r := range 100 {
			lists[p] = append(lists[p], Scored{uint32((r*(37+p*14) + p) % 10_000), float64(100 - r)})
		}
	}
	var dst []Merged
	bm.ReportAllocs()
	for bm.Loop() {
		dst = b.Merge(lists, 10, dst[:0])
	}
}
