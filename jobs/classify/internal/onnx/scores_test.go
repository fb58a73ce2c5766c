package onnx

import (
	"errors"
	"math"
	"slices"
	"sort"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestTopK(t *testing.T) {
	inf := float32(math.Inf(1))
	for _, tt := range []struct {
		name   string
		scores []float32
		k      int
		want   []Scored
	}{
		{"order", []float32{1, 3, 2}, 3, []Scored{{1, 3}, {2, 2}, {0, 1}}},
		{"cut", []float32{1, 3, 2}, 2, []Scored{{1, 3}, {2, 2}}},
		{"ties by id", []float32{5, 7, 5, 7, 5}, 4, []Scored{{1, 7}, {3, 7}, {0, 5}, {2, 5}}},
		{"more than there are", []float32{1, 2}, 5, []Scored{{1, 2}, {0, 1}}},
		{"none wanted", []float32{1, 2}, 0, []Scored{}},
		{"negative k", []float32{1, 2}, -1, []Scored{}},
		{"no scores", nil, 3, []Scored{}},
		{"infinities", []float32{-inf, inf, 0}, 3, []Scored{{1, inf}, {2, 0}, {0, -inf}}},
		{"zeroes of both signs tie", []float32{0, float32(math.Copysign(0, -1)), 0}, 2, []Scored{{0, 0}, {1, 0}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := TopK(tt.scores, tt.k, nil)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestTopKRefusesNaN(t *testing.T) {
	nan := float32(math.NaN())
	for at := range 4 {
		scores := []float32{9, 8, 7, 6}
		scores[at] = nan
		got, err := TopK(scores, 1, nil)
		var bad *NaNError
		if !errors.As(err, &bad) || bad.ID != at || got != nil {
			t.Errorf("NaN at %d: %v, %v", at, got, err)
		}
	}
}

func TestTopKAgainstSorting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		scores := rapid.SliceOf(rapid.OneOf(rapid.Float32(), rapid.Map(rapid.IntRange(0, 3), func(i int) float32 { return float32(i) }))).Draw(t, "scores")
		k := rapid.IntRange(0, 12).Draw(t, "k")
		want := make([]Scored, len(scores))
		for id, s := range scores {
			want[id] = Scored{id, s}
		}
		sort.SliceStable(want, func(i, j int) bool { return want[i].Score > want[j].Score })
		want = want[:min(k, len(want))]
		got, err := TopK(scores, k, make([]Scored, 3, 20))
		if err != nil || !slices.Equal(got, want) {
			t.Fatalf("got %v, %v; want %v", got, err, want)
		}
	})
}

func TestTopKDoesNotAllocate(t *testing.T) {
	scores := make([]float32, 1000)
	for i := range scores {
		scores[i] = float32(i % 37)
	}
	dst := make([]Scored, 0, 5)
	if n := testing.AllocsPerRun(20, func() { dst, _ = TopK(scores, 5, dst) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestSoftmax(t *testing.T) {
	inf := float32(math.Inf(1))
	for _, tt := range []struct {
		name         string
		scores, want []float32
	}{
		{"equal", []float32{2, 2, 2, 2}, []float32{.25, .25, .25, .25}},
		{"known", []float32{0, float32(math.Log(3))}, []float32{.25, .75}},
		{"large numbers do not overflow", []float32{3e38, 3e38}, []float32{.5, .5}},
		{"far apart", []float32{-3e38, 3e38}, []float32{0, 1}},
		{"masked", []float32{-inf, 1, 1}, []float32{0, .5, .5}},
		{"one", []float32{-7}, []float32{1}},
		{"none", nil, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			Softmax(tt.scores)
			for i, want := range tt.want {
				if math.Abs(float64(tt.scores[i]-want)) > 1e-7 {
					t.Fatalf("got %v, want %v", tt.scores, tt.want)
				}
			}
		})
	}
}

func TestSoftmaxOfNonsenseIsNaN(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	for _, scores := range [][]float32{{nan, 1}, {1, nan}, {inf, 1}, {-inf, -inf}} {
		given := slices.Clone(scores)
		Softmax(scores)
		if _, err := TopK(scores, 1, nil); err == nil {
			t.Errorf("softmax of %v is %v, which TopK takes", given, scores)
		}
	}
}

func TestSoftmaxProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		scores := rapid.SliceOfN(rapid.Float32Range(-50, 50), 1, 200).Draw(t, "scores")
		given := slices.Clone(scores)
		Softmax(scores)
		sum := 0.0
		for i, p := range scores {
			sum += float64(p)
			if p < 0 || p > 1 {
				t.Fatalf("probability %v", p)
			}
			for j := range scores[:i] {
				if given[i] > given[j] && scores[i] < scores[j] || given[i] == given[j] && scores[i] != scores[j] {
					t.Fatalf("the order of %v and %v changed", given[i], given[j])
				}
			}
		}
		if math.Abs(sum-1) > 1e-5 {
			t.Fatalf("sum %v", sum)
		}
	})
}

// TestWiden checks every binary16 against its definition.
func TestWiden(t *testing.T) {
	for bits := range 1 << 16 {
		h := uint16(bits)
		exp, frac := int(h>>10&0x1f), float64(h&0x3ff)
		want := math.Ldexp(1+frac/1024, exp-15)
		switch {
		case exp == 0:
			want = math.Ldexp(frac/1024, -14)
		case exp == 31 && frac == 0:
			want = math.Inf(1)
		case exp == 31:
			want = math.NaN()
		}
		if h&0x8000 != 0 {
			want = -want
		}
		got := widen(h)
		same := math.Float32bits(got) == math.Float32bits(float32(want))
		if both := math.IsNaN(want) && got != got; !same && !both {
			t.Fatalf("widen(%#04x) = %v, want %v", h, got, want)
		}
	}
}

func BenchmarkTopK(b *testing.B) {
	scores := make([]float32, 1000)
	for i := range scores {
		scores[i] = float32(i * 7919 % 1000)
	}
	dst := make([]Scored, 0, 5)
	for b.Loop() {
		dst, _ = TopK(scores, 5, dst)
	}
}

func BenchmarkSoftmax(b *testing.B) {
	scores, work := make([]float32, 1000), make([]float32, 1000)
	for i := range scores {
		scores[i] = float32(i*7919%1000) / 100
	}
	for b.Loop() {
		copy(work, scores)
		Softmax(work)
	}
}

func TestNaNErrorNamesTheClass(t *testing.T) {
	if diff := cmp.Diff("the score of class 7 is not a number", (&NaNError{ID: 7}).Error()); diff != "" {
		t.Error(diff)
	}
}
