package neighbours

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/jobs/internal/datasets"
)

// kernel makes a Kernel, or fails.
func kernel(t rapid.TB, m Method, users *datasets.Matrix) *Kernel {
	t.Helper()
	k, err := NewKernel(m, users, users.Transpose())
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// stored is the matrix that a Scorer reads: all rows of a Kernel, by the items that users have.
func stored(k *Kernel) *datasets.Matrix {
	items := k.items.Rows()
	m := &datasets.Matrix{Width: items, Starts: []int{0}}
	var row []Neighbour
	for i := range items {
		row = k.Row(i, row[:0])
		slices.SortFunc(row, func(a, b Neighbour) int { return cmp.Compare(a.Index, b.Index) })
		for _, n := range row {
			m.Index = append(m.Index, n.Index)
			m.Values = append(m.Values, float32(n.Similarity))
		}
		m.Starts = append(m.Starts, len(m.Index))
	}
	if k.method.Transposed() {
		return m.Transpose()
	}
	return m
}

// near tells whether two numbers are equal but for rounding.
func near(a, b, relative float64) bool {
	return math.Abs(a-b) <= relative*max(math.Abs(a), math.Abs(b))
}

// drawMatrix draws a small matrix, a row for each user.
func drawMatrix(t *rapid.T, binary bool) *datasets.Matrix {
	users := rapid.IntRange(1, 12).Draw(t, "users")
	items := rapid.SampledFrom([]int{1, 2, 5, 14, 40}).Draw(t, "items")
	density := rapid.SampledFrom([]int{3, 10, 50, 90}).Draw(t, "density") // percent
	random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
	entries := datasets.Entries{}
	for u := range users {
		for i := range items {
			if random.IntN(100) < density {
				entries[[2]uint32{uint32(u), uint32(i)}] = float32(1+random.IntN(40)) / 4
			}
		}
	}
	return datasets.Compress(users, items, entries, binary)
}

// drawMethod draws a Method with an algorithm and numbers that Check lets pass.
func drawMethod(t *rapid.T) Method {
	m := Defaults(rapid.SampledFrom(Algorithms()).Draw(t, "algorithm"))
	m.K = rapid.IntRange(1, 16).Draw(t, "k")
	switch m.Algorithm {
	case RP3beta:
		m.Alpha = rapid.SampledFrom([]float64{1, .5, 1.5}).Draw(t, "alpha")
		m.Beta = rapid.SampledFrom([]float64{0, .2, 1}).Draw(t, "beta")
	case BM25:
		m.K1 = rapid.SampledFrom([]float64{0, 1.2, 100}).Draw(t, "k1")
		m.B = rapid.SampledFrom([]float64{0, .75, 1}).Draw(t, "b")
	case Cosine, TFIDF, Jaccard:
		m.Shrink = rapid.SampledFrom([]float64{0, 0, 5}).Draw(t, "shrink")
	}
	return m
}
