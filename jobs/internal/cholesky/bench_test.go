//go:build unix

package cholesky

import (
	"context"
	"fmt"
	"math"
	"syscall"
	"testing"
	"time"
)

// BenchmarkInvert inverts, by each kernel, a matrix with 1, 1/2, 1/3, ... beside a diagonal. The inverse of n rows takes n^3 operations. Rates are for
// the least CPU time of all rounds, as others use the machine too.
func BenchmarkInvert(b *testing.B) {
	for _, k := range Kernels() {
		for _, n := range []int{1_000, 4_000, 10_000} {
			for _, workers := range []int{1, 2} {
				if k.String() == "go" && n > 1_000 {
					continue
				}
				b.Run(fmt.Sprintf("%v/rows=%d/workers=%d", k, n, workers), func(b *testing.B) { benchInvert(b, k, n, workers) })
			}
		}
	}
}

func benchInvert(b *testing.B, k Kernel, n, workers int) {
	m, err := New(n)
	if err != nil {
		b.Fatal(err)
	}
	row := make([]float64, n)
	least, wall := math.Inf(1), math.Inf(1)
	for b.Loop() {
		for i := range n {
			for j := range i {
				row[j] = 1 / float64(i-j)
			}
			row[i] = 20
			if err := m.SetRow(i, row[:i+1]); err != nil {
				b.Fatal(err)
			}
		}
		used, start := cpuTime(b), time.Now()
		if err := m.Invert(context.Background(), Options{Workers: workers, Kernel: k}); err != nil {
			b.Fatal(err)
		}
		least, wall = min(least, cpuTime(b)-used), min(wall, time.Since(start).Seconds())
	}
	operations := float64(n) * float64(n) * float64(n)
	b.ReportMetric(least, "CPU-s")
	b.ReportMetric(wall, "s")
	b.ReportMetric(operations/least/1e9, "GFLOP/CPU-s")
}

// cpuTime is the CPU time of the process, in seconds.
func cpuTime(b *testing.B) float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}
