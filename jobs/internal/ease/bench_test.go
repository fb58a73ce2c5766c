//go:build unix

package ease

import (
	"bytes"
	"math"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/shardmill/shardmill/jobs/internal/datasets"
)

// turned is the large matrix with users for items.
var turned = sync.OnceValue(func() *datasets.Matrix { return datasets.Large().Transpose() })

// sides calls f with 53,424 users and 10,000 items, and the other way round: the inverse is of the 10,000.
func sides(b *testing.B, f func(b *testing.B, users, items *datasets.Matrix)) {
	b.Run("items", func(b *testing.B) { f(b, datasets.Large(), turned()) })
	b.Run("users", func(b *testing.B) { f(b, turned(), datasets.Large()) })
}

// BenchmarkSolve solves a model with two goroutines.
func BenchmarkSolve(b *testing.B) {
	sides(b, func(b *testing.B, users, items *datasets.Matrix) {
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
	sides(b, func(b *testing.B, users, items *datasets.Matrix) {
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
				b.ReportMetric(2*float64(len(users.Index))*10_000*float64(rows)/float64(users.Rows())/cost.least/1e9, "GFLOP/CPU-s")
			})
		}
	})
}

func scoreAll(b *testing.B, k kernel, m *Model, users, items *datasets.Matrix, rows int) {
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
