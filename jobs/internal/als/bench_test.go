//go:build unix

package als

import (
	"fmt"
	"math"
	"syscall"
	"testing"
	"time"

	"github.com/shardmill/shardmill/jobs/internal/datasets"
	"github.com/shardmill/shardmill/jobs/internal/vector"
)

// What the benchmarks learn from: users and items as in the benchmarks of jobs.
const (
	benchUsers = 53_424
	benchItems = 10_000
	benchMean  = 118 // tries of a user
)

// cpuTime is the CPU time of work in seconds.
func cpuTime(work func()) float64 {
	used := func() time.Duration {
		var u syscall.Rusage
		if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
			return 0
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	start := used()
	work()
	return (used() - start).Seconds()
}

// BenchmarkIteration is an iteration of both half-steps in two goroutines, with all in memory: the arithmetic that a job is
// compared with. The least CPU time of ten is told, as others use the machine too: half of it is the time on two quiet cores. The kernel in Go has a part of the users.
func BenchmarkIteration(b *testing.B) {
	all, part := generated(benchUsers, benchItems, benchMean), generated(benchUsers/100, benchItems, benchMean)
	b.Logf("%d entries", len(all.Index))
	for _, kernel := range vector.Kernels() {
		users := all
		if kernel.String() == "go" {
			users = part
		}
		for _, k := range []int{64, 128} {
			b.Run(fmt.Sprintf("%v/factors=%d", kernel, k), func(b *testing.B) { benchIteration(b, kernel, k, users) })
		}
	}
}

func benchIteration(b *testing.B, kernel vector.Kernel, k int, users *datasets.Matrix) {
	items := users.Transpose()
	opts := Defaults()
	opts.Factors, opts.Alpha = k, 40
	x, y := initial(1, users.Rows(), k), initial(2, items.Rows(), k)
	leastX, leastY := math.Inf(1), math.Inf(1)
	for b.Loop() {
		for range 10 {
			leastX = min(leastX, cpuTime(func() { half(b, kernel, opts, users, x, y) }))
			leastY = min(leastY, cpuTime(func() { half(b, kernel, opts, items, y, x) }))
		}
	}
	b.ReportMetric(leastX, "CPU-s-users")
	b.ReportMetric(leastY, "CPU-s-items")
	b.ReportMetric(leastX+leastY, "CPU-s-iteration")
}
