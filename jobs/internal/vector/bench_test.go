package vector

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// least times calls of work, of some 20 microseconds each, and returns the nanoseconds of the fastest: others use the machine too.
func least(b *testing.B, work func()) float64 {
	calls, fastest := 1, math.Inf(1)
	for b.Loop() {
		for range 200 {
			start := time.Now()
			for range calls {
				work()
			}
			took := float64(time.Since(start).Nanoseconds())
			if fastest = min(fastest, took/float64(calls)); took < 20_000 {
				calls *= 2
			}
		}
	}
	return fastest
}

// touched is n numbers that begin with a line of the cache, and of which each page is memory of its own.
func touched(n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = 1
	}
	return v
}

// BenchmarkDotAxpy has rows that lie in the caches of the first, second and third level.
func BenchmarkDotAxpy(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, k := range Kernels() {
		for _, stride := range []int{64, 128} {
			for _, n := range []int{8, 112, 1000, 4000, 30000} {
				if k.String() == "go" && n > 112 {
					continue
				}
				b.Run(fmt.Sprintf("%v/factors=%d/rows=%d", k, stride, n), func(b *testing.B) {
					out, p := touched(stride), touched(stride)
					rows, w, bias := make([]*float32, n), make([]float32, n), make([]float32, n)
					all := touched(n * stride)
					for i, row := range r.Perm(n) {
						rows[i] = &all[row*stride]
					}
					ns := least(b, func() { k.DotAxpy(out, p, rows, w, bias) })
					b.ReportMetric(ns/float64(n), "ns/row")
					b.ReportMetric(4*float64(n*stride)/ns, "GFLOP/s")
				})
			}
		}
	}
}

// BenchmarkVectors has vectors in the cache of the first level.
func BenchmarkVectors(b *testing.B) {
	for _, k := range Kernels() {
		for _, stride := range []int{64, 128} {
			x, y := touched(stride), touched(stride)
			square, rows := touched(stride*stride), touched(256*stride)
			for _, c := range []struct {
				name string
				flop int
				work func()
			}{
				{"dot", 2 * stride, func() { k.Dot(x, y) }},
				{"axpy", 2 * stride, func() { k.Axpy(0, x, y) }},
				{"aypx", 2 * stride, func() { k.Aypx(1, rows[:stride], y) }},
				{"combine", 2 * stride * stride, func() { k.Combine(y, x, square) }},
				{"rank", 256 * stride * (stride + Lanes), func() { k.Rank(square, rows, rows, stride) }},
			} {
				b.Run(fmt.Sprintf("%v/%s/factors=%d", k, c.name, stride), func(b *testing.B) {
					ns := least(b, c.work)
					b.ReportMetric(ns, "ns/call")
					b.ReportMetric(float64(c.flop)/ns, "GFLOP/s")
				})
			}
		}
	}
}
