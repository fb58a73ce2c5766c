package als

import (
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/shardmill/shardmill/jobs/internal/datasets"
	"github.com/shardmill/shardmill/jobs/internal/factors"
	"github.com/shardmill/shardmill/jobs/internal/vector"
)

// testRange is the number of rows of a range.
const testRange = 1024

// ranges does something for each range of rows, in two goroutines.
func ranges(rows int, work func() func(r, lo, hi int)) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			do := work()
			for {
				r := int(next.Add(1)) - 1
				lo := r * testRange
				if lo >= rows {
					return
				}
				do(r, lo, min(lo+testRange, rows))
			}
		})
	}
	wg.Wait()
}

// gram is the sums of all rows of y: ranges are summed in their order.
func gram(k vector.Kernel, y *factors.Matrix) []float64 {
	parts := make([][]float64, y.Rows()/testRange+1)
	ranges(y.Rows(), func() func(r, lo, hi int) {
		return func(r, lo, hi int) {
			g := newGram(k, y.K())
			for i := lo; i < hi; i++ {
				g.Add(y.Row(i))
			}
			parts[r] = g.Sums()
		}
	})
	sums := make([]float64, PackedLen(y.K()))
	for _, p := range parts {
		for i, v := range p {
			sums[i] += v
		}
	}
	return sums
}

// half is a half-step: x is made from y.
func half(t testing.TB, k vector.Kernel, opts Options, m *datasets.Matrix, x, y *factors.Matrix) {
	sums := gram(k, y)
	ranges(m.Rows(), func() func(r, lo, hi int) {
		s, err := newSolver(k, opts, sums, y)
		if err != nil {
			t.Error(err)
			return func(int, int, int) {}
		}
		return func(_, lo, hi int) {
			for i := lo; i < hi; i++ {
				columns, values := m.Row(i)
				if err := s.Row(columns, values, x.Row(i), x.Row(i)); err != nil {
					t.Errorf("row %d: %v", i, err)
				}
			}
		}
	})
}

// initial is a matrix of Initial.
func initial(seed uint64, rows, k int) *factors.Matrix {
	m := factors.New(rows, k)
	for i := range rows {
		Initial(seed, i, k, m.Row(i))
	}
	return m
}

// generated is a made-up matrix: users draw from three of twenty genres, popular items more often.
func generated(users, items, mean int) *datasets.Matrix {
	r := rand.New(rand.NewPCG(1, 2))
	const genres = 20
	all, genre := zipf(items), zipf(items/genres)
	draw := func(sums []float64) int {
		at, _ := slices.BinarySearch(sums, r.Float64()*sums[len(sums)-1])
		return min(at, len(sums)-1)
	}
	has := make([]bool, items)
	m := &datasets.Matrix{Width: items, Starts: []int{0}}
	for range users {
		likes := [3]int{r.IntN(genres), r.IntN(genres), r.IntN(genres)}
		var list []uint32
		n := min(5+int(r.ExpFloat64()*float64(mean-5)), items/8)
		for tries := 0; len(list) < n && tries < 20*n; tries++ {
			item := draw(all)
			if r.Float64() < .75 {
				item = draw(genre)*genres + likes[r.IntN(3)]
			}
			if !has[item] {
				has[item] = true
				list = append(list, uint32(item))
			}
		}
		for _, item := range list {
			has[item] = false
		}
		slices.Sort(list)
		m.Index = append(m.Index, list...)
		m.Starts = append(m.Starts, len(m.Index))
	}
	return m
}

func zipf(n int) (sums []float64) {
	sum := 0.
	for i := range n {
		sum += math.Pow(float64(i+1), -.8)
		sums = append(sums, sum)
	}
	return sums
}
