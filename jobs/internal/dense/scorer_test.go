package dense

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/jobs/internal/fma"
)

// score is the definition of the package comment.
func score(u, v []float32) float32 {
	s := float32(0)
	for k := range u {
		s = fma.Float32(u[k], v[k], s)
	}
	return s
}

// naive is the list of one user, found by sorting all items.
func naive(user, items []float32, top int, seen []uint32) []Scored {
	f := len(user)
	list := []Scored{}
	for i := range len(items) / f {
		if !slices.Contains(seen, uint32(i)) {
			list = append(list, Scored{uint32(i), score(user, items[i*f:(i+1)*f]) + 0})
		}
	}
	slices.SortStableFunc(list, func(a, b Scored) int {
		switch {
		case a.Score > b.Score:
			return -1
		case a.Score < b.Score:
			return 1
		}
		return 0
	})
	return list[:min(top, len(list))]
}

// vectors are n vectors of f numbers with the normal distribution.
func vectors(r *rand.Rand, n, f int) []float32 {
	v := make([]float32, n*f)
	for k := range v {
		v[k] = float32(r.NormFloat64())
	}
	return v
}

func pack(t testing.TB, factors []float32, n, f int) *Items {
	t.Helper()
	items, err := Pack(factors, n, f)
	if err != nil {
		t.Fatal(err)
	}
	return items
}

// lists has what a Scorer emits, which must be all users in order.
func lists(t testing.TB, s *Scorer, users []float32, seen func(int) []uint32) [][]Scored {
	t.Helper()
	all := [][]Scored{}
	err := s.Score(users, seen, func(u int, list []Scored) error {
		if u != len(all) {
			t.Fatalf("user %d comes after %d others", u, len(all))
		}
		all = append(all, append([]Scored{}, list...))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// bitwise makes cmp tell -0 from 0.
var bitwise = cmp.Comparer(func(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) })

func onEachKernel(t *testing.T, test func(t *testing.T, k Kernel)) {
	t.Helper()
	for _, k := range Kernels() {
		t.Run(k.String(), func(t *testing.T) { test(t, k) })
	}
}

// TestScore compares lists with those of the naive oracle: few distinct factors make ties, and scores of 0 and -0.
func TestScore(t *testing.T) {
	onEachKernel(t, func(t *testing.T, k Kernel) {
		rapid.Check(t, func(rt *rapid.T) {
			f := rapid.IntRange(1, 20).Draw(rt, "f")
			users := rapid.SliceOfN(factor(), f, -1).Draw(rt, "users")
			users = users[:len(users)/f*f]
			n := rapid.IntRange(0, 150).Draw(rt, "items")
			factors := rapid.SliceOfN(factor(), n*f, n*f).Draw(rt, "factors")
			top := rapid.IntRange(0, n+2).Draw(rt, "top")
			seen := rapid.SliceOfN(rapid.SliceOfDistinct(rapid.Uint32Range(0, uint32(n)+3), rapid.ID[uint32]), len(users)/f, len(users)/f).Draw(rt, "seen")
			s := NewScorerOn(k, pack(t, factors, n, f), top)
			got := lists(t, s, users, func(u int) []uint32 { return seen[u] })
			for u := range seen {
				want := naive(users[u*f:(u+1)*f], factors, top, seen[u])
				if diff := cmp.Diff(want, got[u], bitwise); diff != "" {
					rt.Fatalf("user %d (-want +got):\n%s", u, diff)
				}
			}
		})
	})
}

func factor() *rapid.Generator[float32] {
	return rapid.OneOf(rapid.SampledFrom([]float32{0, 0, 1, -1, 0.5, 1e-30, -1e-30, 3e38, -3e38}), rapid.Float32Range(-2, 2))
}

// TestScoreLarge has several blocks of users, items and factors that fill no tile, and lists in which many have changed.
func TestScoreLarge(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	const f, users, n = 33, blockUsers + 5, 501
	x, y := vectors(r, users, f), vectors(r, n, f)
	seen := make([][]uint32, users)
	for u := range seen {
		for i := range uint32(n) {
			if r.IntN(users) < u { // from none to nearly all
				seen[u] = append(seen[u], i)
			}
		}
	}
	want := make([][]Scored, users)
	for u := range want {
		want[u] = naive(x[u*f:(u+1)*f], y, n, seen[u])
	}
	onEachKernel(t, func(t *testing.T, k Kernel) {
		for _, top := range []int{1, 10, 100, n, n + 1} {
			got := lists(t, NewScorerOn(k, pack(t, y, n, f), top), x, func(u int) []uint32 { return seen[u] })
			if len(got) != users {
				t.Fatalf("%d users, want %d", len(got), users)
			}
			for u := range users {
				if diff := cmp.Diff(want[u][:min(top, len(want[u]))], got[u], bitwise); diff != "" {
					t.Fatalf("top %d, user %d (-want +got):\n%s", top, u, diff)
				}
			}
		}
	})
}

// TestScoreSplit gives users in ranges of other sizes, to Scorers that had others before, and all kernels: the lists are the same.
func TestScoreSplit(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	const f, users, n, top = 7, 300, 500, 10
	x, items := vectors(r, users, f), pack(t, vectors(r, n, f), n, f)
	seen := func(u int) []uint32 { return []uint32{uint32(u), uint32(u + 1)} }
	want := lists(t, NewScorer(items, top), x, seen)
	for _, k := range Kernels() {
		s := NewScorerOn(k, items, top)
		for _, size := range []int{1, 11, 12, 13, 97, 299, 300} {
			got := [][]Scored{}
			for from := 0; from < users; from += size {
				to := min(from+size, users)
				got = append(got, lists(t, s, x[from*f:to*f], func(u int) []uint32 { return seen(from + u) })...)
			}
			if diff := cmp.Diff(want, got, bitwise); diff != "" {
				t.Fatalf("%v in ranges of %d users (-want +got):\n%s", k, size, diff)
			}
		}
	}
}

// TestScoreStretches has more items than a stretch.
func TestScoreStretches(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	const f, users, n, top = 2, 3, 2*stretchPanels*tileItems + 77, 40
	x, y := vectors(r, users, f), vectors(r, n, f)
	items := pack(t, y, n, f)
	seen := make([][]uint32, users)
	for u := range seen {
		for _, item := range naive(x[u*f:(u+1)*f], y, n, nil) { // all but the last ones have seen most, the best first
			if len(seen[u]) < u*n/2-30 {
				seen[u] = append(seen[u], item.Item)
			}
		}
	}
	onEachKernel(t, func(t *testing.T, k Kernel) {
		got := lists(t, NewScorerOn(k, items, top), x, func(u int) []uint32 { return seen[u] })
		for u := range users {
			rest := naive(x[u*f:(u+1)*f], y, n, nil)[len(seen[u]):]
			if diff := cmp.Diff(rest[:min(top, len(rest))], got[u], bitwise); diff != "" {
				t.Errorf("user %d (-want +got):\n%s", u, diff)
			}
		}
	})
}

// TestScoreDone has items of which most are too short for any list: they are not scored. Then the same with vectors all of one
// direction, where the bound on the score is the score, but for rounding.
func TestScoreDone(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	const f, users, n, top = 16, 20, 5000, 10
	x, y := vectors(r, users, f), vectors(r, n, f)
	for i := range n {
		for k := range f {
			y[i*f+k] *= 1 / float32(1+i*7%n)
		}
	}
	line := make([]float32, n*f)
	for i := range n {
		for k := range f {
			line[i*f+k] = (1 + float32(i/40)*0x1p-23) * float32(k+1) / 3
		}
	}
	for _, factors := range [][]float32{y, line} {
		tiles := 0
		counted := Kernel{"counted", func(u, p []float32, th *[tileUsers]float32, w *[tileUsers]uint32, out *candidates) uint32 {
			tiles++
			return tileGo(u, p, th, w, out)
		}, nil}
		x := append(slices.Clone(x[:(users-1)*f]), factors[:f]...)
		got := lists(t, NewScorerOn(counted, pack(t, factors, n, f), top), x, nil)
		for u := range users {
			if diff := cmp.Diff(naive(x[u*f:(u+1)*f], factors, top, nil), got[u], bitwise); diff != "" {
				t.Fatalf("user %d (-want +got):\n%s", u, diff)
			}
		}
		if all := 2 * (n + tileItems - 1) / tileItems; tiles >= all/4 && &factors[0] == &y[0] {
			t.Errorf("%d of %d tiles were scored", tiles, all)
		}
	}
}

// TestDone: a tile is not done while an item's score is the threshold, although the score is rounded up, and although it is infinite. It
// is done when the threshold is a little higher.
func TestDone(t *testing.T) {
	r := rand.New(rand.NewPCG(13, 14))
	up := 0
	try := func(x, y []float32) {
		f := len(x)
		s := NewScorer(pack(t, y, 1, f), 1)
		if u, err := s.load(x); u != 1 || err != nil {
			t.Fatal("user is not loaded")
		}
		threshold := score(x, y)
		if float64(threshold) > norm(x)*norm(y) {
			up++
		}
		s.thresholds[0][0] = threshold
		if s.done(0, s.items.norms[0]) {
			t.Errorf("a tile with %v is done before %v of score %v", x, y, threshold)
		}
		if threshold < 1e-30 || threshold > math.MaxFloat32 {
			return
		}
		s.thresholds[0][0] = threshold * (1 + float32(f)*0x1p-20)
		if !s.done(0, s.items.norms[0]) {
			t.Errorf("a tile with %v is not done before %v of score %v", x, y, threshold)
		}
	}
	for range 500 {
		x := vectors(r, 1, 1+r.IntN(40))
		y := slices.Clone(x)
		for k := range y {
			y[k] *= 4
		}
		try(x, y)
	}
	if up < 100 {
		t.Errorf("only %d scores are rounded up", up)
	}
	try([]float32{0x1p-75}, []float32{0x1.8p-75}) // the smallest number is more than the product
	try([]float32{2e19}, []float32{2e19})
}

func TestScoreEdges(t *testing.T) {
	y := []float32{1, 3, 2, 3}
	tests := []struct {
		name string
		top  int
		seen []uint32
		want []Scored
	}{
		{"ties by index", 2, nil, []Scored{{1, 6}, {3, 6}}},
		{"more than items", 9, nil, []Scored{{1, 6}, {3, 6}, {2, 4}, {0, 2}}},
		{"seen", 2, []uint32{1, 2}, []Scored{{3, 6}, {0, 2}}},
		{"seen in any order, twice, and unknown", 4, []uint32{3, 1, 3, 7, math.MaxUint32}, []Scored{{2, 4}, {0, 2}}},
		{"all seen", 2, []uint32{0, 1, 2, 3}, []Scored{}},
		{"top 0", 0, nil, []Scored{}},
		{"top negative", -1, nil, []Scored{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			onEachKernel(t, func(t *testing.T, k Kernel) {
				s := NewScorerOn(k, pack(t, y, 4, 1), tt.top)
				got := lists(t, s, []float32{2}, func(int) []uint32 { return tt.seen })
				if diff := cmp.Diff([][]Scored{tt.want}, got); diff != "" {
					t.Errorf("-want +got:\n%s", diff)
				}
			})
		})
	}
}

// TestScoreInfinite: sums that leave the range of float32 are infinities, and listed.
func TestScoreInfinite(t *testing.T) {
	inf := float32(math.Inf(1))
	onEachKernel(t, func(t *testing.T, k Kernel) {
		y := []float32{-3e38, -3e38, 3e38, -3e38, 3e38, 3e38, 1, 1}
		got := lists(t, NewScorerOn(k, pack(t, y, 4, 2), 4), []float32{3e38, 3e38}, nil)
		want := [][]Scored{{{1, inf}, {2, inf}, {3, inf}, {0, -inf}}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}

func TestScoreErrors(t *testing.T) {
	items := pack(t, make([]float32, 2*3), 2, 3)
	stop := errors.New("stop")
	nan := make([]float32, 3*(blockUsers+50))
	nan[3*(blockUsers+40)+1] = float32(math.NaN())
	tests := []struct {
		name  string
		users []float32
		emit  error
		want  string
		calls int
	}{
		{"shape", make([]float32, 4), nil, "score users: 4 numbers are not 1 vectors of 3 factors", 0},
		{"not finite", nan, nil, fmt.Sprintf("score users: user %d has a factor that is not finite", blockUsers+40), blockUsers},
		{"emit", make([]float32, 6), stop, "stop", 1},
		{"none", nil, nil, "", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			calls := 0
			err := NewScorer(items, 1).Score(tt.users, nil, func(int, []Scored) error { calls++; return tt.emit })
			text := ""
			if err != nil {
				text = err.Error()
			}
			if text != tt.want || calls != tt.calls {
				t.Errorf("error %q after %d users, want %q after %d", text, calls, tt.want, tt.calls)
			}
			if tt.emit != nil && !errors.Is(err, tt.emit) {
				t.Errorf("%v is not what emit returned", err)
			}
		})
	}
}

// TestScoreAllocations: no memory is taken for users or blocks.
func TestScoreAllocations(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	const f, users, n = 8, 500, 300
	x := vectors(r, users, f)
	s := NewScorer(pack(t, vectors(r, n, f), n, f), 5)
	seen := []uint32{1, 2, 3, 4, 5}
	score := func() {
		if err := s.Score(x, func(int) []uint32 { return seen }, func(int, []Scored) error { return nil }); err != nil {
			t.Fatal(err)
		}
	}
	score()
	if got := testing.AllocsPerRun(5, score); got > users/blockUsers+2 {
		t.Errorf("%v allocations for %d users", got, users)
	}
}

func TestPackErrors(t *testing.T) {
	inf := float32(math.Inf(-1))
	tests := []struct {
		factors []float32
		n, f    int
		want    string
	}{
		{nil, 0, 0, "no factors"},
		{nil, 0, -1, "no factors"},
		{make([]float32, 5), 2, 2, "5 numbers are not 2 vectors of 2 factors"},
		{make([]float32, 4), 3, 2, "4 numbers are not 3 vectors"},
		{nil, -1, 2, "-1 vectors"},
		{[]float32{0, 1, 2, inf}, 2, 2, "item 1 has a factor that is not finite"},
		{[]float32{float32(math.NaN()), 1}, 2, 1, "item 0 has a factor that is not finite"},
	}
	for _, tt := range tests {
		if _, err := Pack(tt.factors, tt.n, tt.f); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("Pack(%v, %d, %d) = %v, want %q", tt.factors, tt.n, tt.f, err, tt.want)
		}
	}
}

// TestPackedBytes compares what is said of memory with the slices.
func TestPackedBytes(t *testing.T) {
	for _, n := range []int{0, 1, 31, 32, 33, 1000} {
		for _, f := range []int{3, 16, 33} {
			it := pack(t, make([]float32, n*f), n, f)
			got := int64(4*len(it.panels) + 4*len(it.rows) + 4*len(it.order) + 4*len(it.places) + 8*len(it.norms))
			if c := it.coarse; c != nil {
				got += int64(4*len(c.panels) + 8*len(c.units) + 4*len(c.slack))
			}
			most := PackedBytes(n, f)
			if coarsely := it.coarse != nil; got > most || !coarsely && f < coarseFactors && got != most {
				t.Errorf("%d items of %d factors take %d bytes, want %d", n, f, got, most)
			}
		}
	}
}

// TestKeys: keys are in the order of lists, and give back what they are made of.
func TestKeys(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		score := rapid.Custom(func(t *rapid.T) float32 {
			s := math.Float32frombits(rapid.Uint32().Draw(t, "bits"))
			if s != s {
				s = rapid.SampledFrom([]float32{0, float32(math.Copysign(0, -1)), float32(math.Inf(-1))}).Draw(t, "special")
			}
			return s
		})
		a, b := score.Draw(t, "a"), score.Draw(t, "b")
		i, j := rapid.Uint32().Draw(t, "i"), rapid.Uint32Range(0, 3).Draw(t, "j")
		ka, kb := newKey(a, i), newKey(b, j)
		if got := ka.scored(); got.Item != i || got.Score != a || ka == 0 {
			t.Errorf("%#x of %v and %d gives back %v", ka, a, i, got)
		}
		if want := a > b || a == b && i < j; (ka > kb) != want {
			t.Errorf("%v of item %d before %v of item %d: %v, want %v", a, i, b, j, ka > kb, want)
		}
	})
}
