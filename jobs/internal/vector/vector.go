package vector

import (
	"math"
	"unsafe"
)

// Lanes is the number of partial sums of a dot product. Lengths of vectors are multiples of it.
const Lanes = 16

// Stride is the length of k numbers with the zeros behind them that make it a multiple of Lanes.
func Stride(k int) int { return (k + Lanes - 1) / Lanes * Lanes }

// Kernel is an implementation of the operations. It has no state, and can be used by several goroutines.
type Kernel struct{ f *functions }

// functions are the inner loops. A block has Lanes numbers; rows have the length of blocks.
type functions struct {
	name    string
	dot     func(x, y *float32, blocks int) float32
	axpy    func(a float32, x, y *float32, blocks int)
	aypx    func(a float32, x, y *float32, blocks int)
	combine func(out, weights, rows *float32, n, blocks int)
	dotAxpy func(out, p *float32, rows **float32, weights, bias *float32, n, blocks int) // blocks is not 0
	tile    func(sums, left, right *float32, n, stride int)                              // of 16 x 16 sums
}

// Kernels are those that this machine runs, the fastest first. The last one is in Go, and runs on all machines.
func Kernels() []Kernel {
	return append(assembly(), Kernel{&functions{"go", dotGo, axpyGo, aypxGo, combineGo, dotAxpyGo, tileGo}})
}

// Best is the fastest of Kernels.
func Best() Kernel { return Kernels()[0] }

// String names the kernel: avx512, avx2 or go.
func (k Kernel) String() string { return k.f.name }

// Dot is the dot product of x and y, which have the same length.
func (k Kernel) Dot(x, y []float32) float32 {
	return k.f.dot(data(x), data(y[:len(x)]), len(x)/Lanes)
}

// Axpy adds a*x to y, which has the length of x.
func (k Kernel) Axpy(a float32, x, y []float32) {
	k.f.axpy(a, data(x), data(y[:len(x)]), len(x)/Lanes)
}

// Aypx sets y to a*y + x. Both have the same length.
func (k Kernel) Aypx(a float32, x, y []float32) {
	k.f.aypx(a, data(x), data(y[:len(x)]), len(x)/Lanes)
}

// Combine sets out to the sum of weights[i] times row i. A row has the length of out.
func (k Kernel) Combine(out, weights, rows []float32) {
	rows = rows[:len(weights)*len(out)]
	k.f.combine(data(out), data(weights), data(rows), len(weights), len(out)/Lanes)
}

// DotAxpy adds to out, for each row i in turn, the row times
//
//	weights[i] * (row . p) + bias[i]
//
// Each of rows points to the first number of a row, which has the length of p and of out. There are as many weights and
// numbers in bias as rows.
func (k Kernel) DotAxpy(out, p []float32, rows []*float32, weights, bias []float32) {
	if len(p) == 0 {
		return
	}
	out, weights, bias = out[:len(p)], weights[:len(rows)], bias[:len(rows)]
	k.f.dotAxpy(data(out), data(p), unsafe.SliceData(rows), data(weights), data(bias), len(rows), len(p)/Lanes)
}

// Rank adds to sums, a square matrix of that stride, the sum over rows r of
//
//	left[r][i] * right[r][j]
//
// where j/Lanes >= i/Lanes: with the same rows as left and right that is all of a symmetric matrix, and Mirror fills in the rest.
func (k Kernel) Rank(sums, left, right []float32, stride int) {
	if stride == 0 {
		return
	}
	n := len(left) / stride
	sums, right = sums[:stride*stride], right[:n*stride]
	for i := 0; n > 0 && i < stride; i += Lanes {
		for j := i; j < stride; j += Lanes {
			k.f.tile(&sums[i*stride+j], &left[i], &right[j], n, stride)
		}
	}
}

// Mirror sets what is below the diagonal to what is above it.
func Mirror(sums []float32, stride int) {
	for i := range stride {
		for j := range i {
			sums[i*stride+j] = sums[j*stride+i]
		}
	}
}

// Finite tells whether no number of v, of any length, is infinite or NaN.
func Finite(v []float32) bool {
	bad := uint32(0)
	for ; len(v) >= 4; v = v[4:] {
		bad |= top(v[0]) | top(v[1]) | top(v[2]) | top(v[3])
	}
	for _, x := range v {
		bad |= top(x)
	}
	return bad>>31 == 0
}

// top has its highest bit set if the exponent of x has all of its bits set, as those of infinities and NaN have.
func top(x float32) uint32 {
	const exponent, least = 0xff << 23, 1 << 23
	return math.Float32bits(x)&exponent + least
}

func data(v []float32) *float32 { return unsafe.SliceData(v) }
