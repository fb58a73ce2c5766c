//go:build unix

package dense

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"syscall"
	"testing"
	"time"
)

// What the benchmarks score: users and items with as many interactions as the generated set of the benchmarks of jobs.
const (
	benchUsers = 53_424
	benchItems = 10_000
	benchSeen  = 112
	benchTop   = 10
)

// BenchmarkScore makes the lists of all users, with a Scorer for each worker, and compares the rate with the kernel's peak,
// measured in turns. Rates are of one worker and for the least CPU time of all rounds, as others use the machine too. The kernel in Go has a part of the users.
func BenchmarkScore(b *testing.B) {
	for _, k := range Kernels() {
		for _, f := range []int{64, 128} {
			for _, workers := range []int{1, 2} {
				b.Run(fmt.Sprintf("%v/factors=%d/workers=%d", k, f, workers), func(b *testing.B) { benchScore(b, k, f, workers) })
			}
		}
	}
}

func benchScore(b *testing.B, k Kernel, f, workers int) {
	users := benchUsers
	if k.String() == "go" {
		users /= 100
	}
	r := rand.New(rand.NewPCG(1, 2))
	x, items, seen := vectors(r, users, f), pack(b, vectors(r, benchItems, f), benchItems, f), benchLists(r, users)
	score := func(w int) {
		from, to := w*users/workers, (w+1)*users/workers
		s := NewScorerOn(k, items, benchTop)
		if err := s.Score(x[from*f:to*f], func(u int) []uint32 { return seen[from+u] }, func(int, []Scored) error { return nil }); err != nil {
			b.Error(err)
		}
	}
	tiles := users * len(items.norms) / tileUsers / workers / 8
	least, peak := math.Inf(1), math.Inf(1)
	for b.Loop() {
		for range 4 { // shorter than a score, and so likelier to be undisturbed: the peak is not made too low
			peak = min(peak, cpuTime(workers, func(int) { k.Peak(f, tiles) }))
		}
		least = min(least, cpuTime(workers, score))
	}
	rate := 2 * float64(users) * benchItems * float64(f) / least / 1e9
	top := float64(tiles*workers) * tileFLOP(f) / peak / 1e9
	b.ReportMetric(least, "CPU-s")
	b.ReportMetric(rate, "GFLOP/CPU-s")
	b.ReportMetric(top, "peak-GFLOP/CPU-s")
	b.ReportMetric(rate/top, "of-peak")
}

// cpuTime is the CPU time of n workers, in seconds.
func cpuTime(n int, work func(w int)) float64 {
	used := func() time.Duration {
		var u syscall.Rusage
		if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
			return 0
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	start := used()
	var wg sync.WaitGroup
	for w := range n {
		wg.Go(func() { work(w) })
	}
	wg.Wait()
	return (used() - start).Seconds()
}

// benchLists are what users have seen: some items more often than others.
func benchLists(r *rand.Rand, users int) [][]uint32 {
	seen := make([][]uint32, users)
	for u := range seen {
		for range benchSeen {
			v := r.Float64()
			seen[u] = append(seen[u], uint32(v*v*benchItems))
		}
	}
	return seen
}
