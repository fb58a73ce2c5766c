package neighbours

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/jobs/internal/datasets"
)

// speaks makes neighbours of many items, with few different similarities, so that there are ties; some rows are long
// and some empty.
func speaks(items int, seed uint64) *datasets.Matrix {
	random := rand.New(rand.NewPCG(seed, 1))
	entries := datasets.Entries{}
	for h := range items {
		share := []int{0, 1, 5, 90}[random.IntN(4)]
		for c := range items {
			if random.IntN(100) < share {
				entries[[2]uint32{uint32(h), uint32(c)}] = float32(1+random.IntN(8)) / 8
			}
		}
	}
	return datasets.Compress(items, items, entries, false)
}

// TestScoresOfManyCandidates: more than a chunk of candidates, and rows that are long beside few candidates.
func TestScoresOfManyCandidates(t *testing.T) {
	const items = 300
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		neighbours := speaks(items, seed)
		o := ScoreOptions{
			Top:     rapid.SampledFrom([]int{1, 3, 10, 255, 256, 300, 5000}).Draw(t, "top"),
			Because: rapid.IntRange(0, 4).Draw(t, "because"),
		}
		s, err := NewScorer(neighbours, o)
		if err != nil {
			t.Fatal(err)
		}
		d := full(neighbours)
		for _, n := range []int{0, 1, 2, 12} {
			history := drawHistory(t, items, n)
			var values []float32
			if rapid.Bool().Draw(t, "valued") {
				for range history {
					values = append(values, float32(rapid.IntRange(1, 4).Draw(t, "value")))
				}
			}
			checkScores(t, d, o, history, values, s.Score(history, values, nil))
		}
	})
}

func drawHistory(t *rapid.T, items, n int) []uint32 {
	history := rapid.SliceOfNDistinct(rapid.Uint32Range(0, uint32(items-1)), n, n, rapid.ID[uint32]).Draw(t, "history")
	slices.Sort(history)
	return history
}

func TestScoreIsAppended(t *testing.T) {
	neighbours := datasets.Compress(2, 2, datasets.Entries{{0, 1}: .5}, false)
	s, err := NewScorer(neighbours, ScoreOptions{Top: 3, Because: 1})
	if err != nil {
		t.Fatal(err)
	}
	list := s.Score([]uint32{0}, nil, []Scored{{Index: 9}})
	if len(list) != 2 || list[0].Index != 9 || list[0].Because != nil || list[1].Index != 1 || list[1].Score != .5 ||
		!slices.Equal(list[1].Because, []uint32{0}) {
		t.Errorf("got %v", list)
	}
}

// TestEqualReasonsAreInOrder: of equal contributions the lowest items stand first, and stay.
func TestEqualReasonsAreInOrder(t *testing.T) {
	entries := datasets.Entries{}
	for h := range uint32(6) {
		entries[[2]uint32{h, 6}] = .5
	}
	entries[[2]uint32{4, 6}] = .75
	s, err := NewScorer(datasets.Compress(7, 7, entries, false), ScoreOptions{Top: 1, Because: 3})
	if err != nil {
		t.Fatal(err)
	}
	list := s.Score([]uint32{0, 1, 2, 3, 4, 5}, nil, nil)
	if len(list) != 1 || !slices.Equal(list[0].Because, []uint32{4, 0, 1}) {
		t.Errorf("got %v", list)
	}
}

// TestBinaryNeighbours: nil similarities are all 1.
func TestBinaryNeighbours(t *testing.T) {
	s, err := NewScorer(datasets.Compress(3, 3, datasets.Entries{{0, 2}: 1, {1, 2}: 1}, true), ScoreOptions{Top: 1, Because: 5})
	if err != nil {
		t.Fatal(err)
	}
	list := s.Score([]uint32{0, 1}, []float32{1, 3}, nil)
	if len(list) != 1 || list[0].Score != 4 || !slices.Equal(list[0].Because, []uint32{1, 0}) {
		t.Errorf("got %v", list)
	}
}

func TestScorerRefuses(t *testing.T) {
	square := datasets.Compress(3, 3, nil, true)
	for _, c := range []struct {
		neighbours *datasets.Matrix
		options    ScoreOptions
		want       string
	}{
		{datasets.Compress(2, 3, nil, true), ScoreOptions{Top: 1}, "2 x 3"},
		{square, ScoreOptions{}, "candidate"},
		{square, ScoreOptions{Top: 1, Because: -1}, "reason"},
	} {
		if _, err := NewScorer(c.neighbours, c.options); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestScoresAllocateNothing(t *testing.T) {
	users := datasets.Generate(200, 500, 25)
	s, err := NewScorer(stored(kernel(t, Defaults(RP3beta), users)), ScoreOptions{Top: 10, Because: 3})
	if err != nil {
		t.Fatal(err)
	}
	p := NewPopularity(make([]int, 500))
	var list []Scored
	all := func() {
		for u := range users.Rows() {
			history, _ := users.Row(u)
			list = s.Score(history, nil, list[:0])
			list = p.Score(history, 10, list[:0])
		}
	}
	all()
	if n := testing.AllocsPerRun(3, all); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestPopularityIsInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		counts := rapid.SliceOfN(rapid.IntRange(0, 5), 1, 30).Draw(t, "counts")
		p := NewPopularity(counts)
		for range 3 {
			history := drawHistory(t, len(counts), rapid.IntRange(0, len(counts)).Draw(t, "n"))
			top := rapid.IntRange(0, 12).Draw(t, "top")
			var want []Scored
			for i, n := range counts {
				if n > 0 && !slices.Contains(history, uint32(i)) {
					want = append(want, Scored{Index: uint32(i), Score: float64(n)})
				}
			}
			slices.SortStableFunc(want, func(a, b Scored) int { return cmp.Compare(b.Score, a.Score) })
			want = want[:min(top, len(want))]
			got := p.Score(history, top, nil)
			if !slices.EqualFunc(got, want, func(a, b Scored) bool { return a.Index == b.Index && a.Score == b.Score && a.Because == nil }) {
				t.Fatalf("got %v, want %v", got, want)
			}
			var asked []uint32
			within := p.ScoreWithin(history, top, func(i uint32) bool { asked = append(asked, i); return i%2 == 0 }, nil)
			var even []Scored
			for _, s := range p.Score(history, len(counts), nil) {
				if len(even) < top && s.Index%2 == 0 {
					even = append(even, s)
				}
			}
			all := p.Score(history, len(asked), nil)
			if !slices.EqualFunc(within, even, func(a, b Scored) bool { return a.Index == b.Index && a.Score == b.Score }) ||
				!slices.EqualFunc(all, asked, func(s Scored, i uint32) bool { return s.Index == i }) {
				t.Fatalf("even ones: got %v of %v, want %v", within, asked, even)
			}
		}
	})
}
