// Package fma multiplies and adds numbers of float32 with one rounding, as the instructions in assembly do: so kernels in Go and in
// assembly give the same bits.
package fma

import "math"

// emulated is x*y + z, rounded once. The product of two float32 is exact in float64. The sum is rounded there, and again
// to float32, which differs from rounding once only if the first rounding ends in the middle of two float32: then the
// sum is rounded to odd in place of to even (Boldo and Melquiond, Emulation of FMA and correctly rounded sums, 2008).
func emulated(x, y, z float32) float32 {
	product := float64(x) * float64(y)
	sum := product + float64(z)
	const belowHalf, half = 1<<29 - 1, 1 << 28 // the bits that float32 does not have
	b := math.Float64bits(sum)
	if b&belowHalf != half && b<<1 >= smallest<<1 {
		return float32(sum)
	}
	return toOdd(product, float64(z), sum)
}

// smallest are the bits of the smallest normal float32, as a float64. Below it float32 has less bits.
const smallest = (1023 - 126) << 52

// toOdd rounds to float32 the sum of a and b, which is sum in float64.
//
//go:noinline
func toOdd(a, b, sum float64) float32 {
	high := sum - a
	lost := (a - (sum - high)) + (b - high) // exact (Knuth's TwoSum); NaN if the sum is infinite
	bits := math.Float64bits(sum)
	if bits&1 == 0 && (lost < 0 || lost > 0) {
		if (lost > 0) == (sum > 0) {
			bits++
		} else {
			bits--
		}
	}
	return float32(math.Float64frombits(bits))
}
