package neighbours

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"sync"
	"sync/atomic"
	"testing"
)

// generate makes who has what: popularity of items by Zipf's law, genres that users keep to, and more or less active
// users. It is the same for the same seed.
func generate(users, items, perUser int) *memory {
	random := rand.New(rand.NewPCG(1, 2))
	const genres = 20
	order := random.Perm(items) // index of the item of each popularity
	cumulated := make([][]float64, genres+1)
	members := make([][]uint32, genres+1) // all items last
	for r, item := range order {
		weight := 1 / math.Pow(float64(r+10), 0.8)
		for _, g := range []int{r % genres, genres} {
			last := 0.0
			if n := len(cumulated[g]); n > 0 {
				last = cumulated[g][n-1]
			}
			cumulated[g] = append(cumulated[g], last+weight)
			members[g] = append(members[g], uint32(item))
		}
	}
	m := &memory{columns: items, starts: []int{0}}
	for range users {
		n := int(float64(perUser) * math.Exp(0.45*random.NormFloat64()-0.1))
		liked := []int{random.IntN(genres), random.IntN(genres), genres}
		var row []uint32
		for range n {
			g := liked[random.IntN(len(liked))]
			at := sort.SearchFloat64s(cumulated[g], random.Float64()*cumulated[g][len(cumulated[g])-1])
			row = append(row, members[g][min(at, len(members[g])-1)])
		}
		slices.Sort(row)
		m.index = append(m.index, slices.Compact(row)...)
		m.starts = append(m.starts, len(m.index))
	}
	return m
}

// large is what the figures of the project are of: about 6 million pairs.
var large = sync.OnceValue(func() *memory { return generate(53_424, 10_000, 134) })

// BenchmarkKernel: all rows of items, by two goroutines with a kernel each.
func BenchmarkKernel(b *testing.B) {
	for _, m := range []Method{
		{Algorithm: Cosine, K: 20}, {Algorithm: Cosine, K: 100}, Defaults(TFIDF), Defaults(Jaccard), Defaults(LLR), Defaults(RP3beta),
	} {
		b.Run(fmt.Sprintf("%s-%d", m.Algorithm, m.K), func(b *testing.B) {
			users := large()
			items := transpose(users)
			b.ResetTimer()
			for b.Loop() {
				allRows(b, m, users, items)
			}
			b.ReportMetric(float64(len(users.index)), "pairs")
			b.ReportMetric(float64(additions(users))*float64(b.N)/b.Elapsed().Seconds()/1e6, "Madditions/s")
		})
	}
}

// additions is how many a binary kernel makes for all rows.
func additions(users Matrix) (n int) {
	for u := range users.Rows() {
		columns, _ := users.Row(u)
		n += len(columns) * len(columns)
	}
	return n
}

func allRows(b *testing.B, m Method, users, items Matrix) {
	var next atomic.Int64
	var group sync.WaitGroup
	for range 2 {
		group.Go(func() {
			k, err := NewKernel(m, users, items)
			if err != nil {
				b.Error(err)
				return
			}
			var row []Neighbour
			for {
				first := int(next.Add(16)) - 16
				if first >= items.Rows() {
					return
				}
				for i := first; i < min(first+16, items.Rows()); i++ {
					row = k.Row(i, row[:0])
				}
			}
		})
	}
	group.Wait()
}

// BenchmarkScorer: ten candidates for all users, by two goroutines with a scorer each.
func BenchmarkScorer(b *testing.B) {
	users := large()
	neighbours := stored(kernel(b, Defaults(RP3beta), users))
	for name, o := range map[string]ScoreOptions{"plain": {Top: 10}, "because": {Top: 10, Because: 3}} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				allUsers(b, neighbours, users, o)
			}
		})
	}
}

func allUsers(b *testing.B, neighbours, users Matrix, o ScoreOptions) {
	var next atomic.Int64
	var group sync.WaitGroup
	for range 2 {
		group.Go(func() {
			s, err := NewScorer(neighbours, o)
			if err != nil {
				b.Error(err)
				return
			}
			var list []Scored
			for {
				first := int(next.Add(64)) - 64
				if first >= users.Rows() {
					return
				}
				for u := first; u < min(first+64, users.Rows()); u++ {
					history, _ := users.Row(u)
					list = s.Score(history, nil, list[:0])
				}
			}
		})
	}
	group.Wait()
}
