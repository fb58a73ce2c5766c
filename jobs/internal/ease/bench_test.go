//go:build unix

package ease

import (
	"bytes"
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"sync"
	"syscall"
	"testing"
	"time"
)

// generate makes who has what: popularity of items by Zipf's law, genres that users keep to, and more or less active
// users. It is the same each time, and that of the other benchmarks of recommendations.
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

// large is what the figures of the project are of, about 6 million pairs; turned has users for items.
var (
	large  = sync.OnceValue(func() *memory { return generate(53_424, 10_000, 134) })
	turned = sync.OnceValue(func() *memory { return transpose(large()) })
)

// sides calls f with 53,424 users and 10,000 items, and the other way round: the inverse is of the 10,000.
func sides(b *testing.B, f func(b *testing.B, users, items *memory)) {
	b.Run("items", func(b *testing.B) { f(b, large(), turned()) })
	b.Run("users", func(b *testing.B) { f(b, turned(), large()) })
}

// BenchmarkSolve solves a model with two goroutines.
func BenchmarkSolve(b *testing.B) {
	sides(b, func(b *testing.B, users, items *memory) {
		cost := newCost(b)
		for b.Loop() {
			cost.of(func() { solved(b, users, items) })
		}
		cost.report()
	})
}

func solved(b *testing.B, users, items Matrix) *Inverse {
	b.Helper()
	inv, err := Solve(b.Context(), users, items, Options{Lambda: 100, Workers: 2})
	if err != nil {
		b.Fatal(err)
	}
	return inv
}

// BenchmarkScore makes lists of ten items for all users, with two Scorers.
func BenchmarkScore(b *testing.B) {
	sides(b, func(b *testing.B, users, items *memory) {
		var file bytes.Buffer
		if err := solved(b, users, items).Write(&file); err != nil {
			b.Fatal(err)
		}
		m := opened(b, file.Bytes())
		for _, k := range kernels() {
			b.Run(k.name, func(b *testing.B) {
				rows := users.Rows()
				if k.name == "go" {
					rows /= 100
				}
				cost := newCost(b)
				for b.Loop() {
					cost.of(func() { scoreAll(b, k, m, users, items, rows) })
				}
				cost.report()
				b.ReportMetric(2*float64(len(users.index))*10_000*float64(rows)/float64(users.Rows())/cost.least/1e9, "GFLOP/CPU-s")
			})
		}
	})
}

func scoreAll(b *testing.B, k kernel, m *Model, users, items *memory, rows int) {
	var group sync.WaitGroup
	for w := range 2 {
		group.Go(func() {
			s, err := newScorer(k, m, users, items, 10)
			if err == nil {
				err = s.Score(w*rows/2, (w+1)*rows/2, func(int, []Scored) error { return nil })
			}
			if err != nil {
				b.Error(err)
			}
		})
	}
	group.Wait()
}

// cost is the least CPU and wall time of all rounds, as others use the machine too.
type cost struct {
	b           *testing.B
	least, wall float64
}

func newCost(b *testing.B) *cost { return &cost{b, math.Inf(1), math.Inf(1)} }

func (c *cost) of(work func()) {
	used, start := c.cpu(), time.Now()
	work()
	c.least, c.wall = min(c.least, c.cpu()-used), min(c.wall, time.Since(start).Seconds())
}

func (c *cost) report() {
	c.b.ReportMetric(c.least, "CPU-s")
	c.b.ReportMetric(c.wall, "s")
}

// cpu is the CPU time of the process, in seconds.
func (c *cost) cpu() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		c.b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}
