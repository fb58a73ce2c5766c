package datasets

import (
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"sync"
)

// Large is what the figures of the project are of: about 6 million pairs, a row a user.
var Large = sync.OnceValue(func() *Matrix { return Generate(53_424, 10_000, 134) })

// Generate makes who has what, a row a user: popularity of items by Zipf's law, genres that users keep to, and more or less active
// users. It is the same each time.
func Generate(users, items, perUser int) *Matrix {
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
	m := &Matrix{Width: items, Starts: []int{0}}
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
		m.Index = append(m.Index, slices.Compact(row)...)
		m.Starts = append(m.Starts, len(m.Index))
	}
	return m
}
