package vector

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"

	"github.com/shardmill/shardmill/jobs/internal/fma"
)

// normal draws numbers of a normal distribution, and some zeros of both signs.
func normal(r *rand.Rand) func() float32 {
	return func() float32 {
		if n := r.IntN(20); n < 2 {
			return float32(math.Copysign(0, float64(n)-.5))
		}
		return float32(r.NormFloat64())
	}
}

// fill makes n numbers, which begin at any multiple of 4 bytes.
func fill(r *rand.Rand, n int, draw func() float32) []float32 {
	v := make([]float32, n+Lanes)[r.IntN(Lanes):]
	for i := range v[:n] {
		v[i] = draw()
	}
	return v[:n:n]
}

// operation is a call of a kernel, with what it has written.
type operation struct {
	name string
	run  func(k Kernel) []float32
}

// operations are all operations on the same numbers.
func operations(r *rand.Rand, stride, n int, draw func() float32) []operation {
	numbers := func(n int) []float32 { return fill(r, n, draw) }
	x, y, rows, more := numbers(stride), numbers(stride), numbers(stride*n), numbers(stride*n)
	w, b, a, square := numbers(n), numbers(n), draw(), numbers(stride*stride)
	list := make([]*float32, n) // of rows that lie anywhere
	for i := range list {
		list[i] = unsafe.SliceData(numbers(stride))
	}
	on := func(v []float32, do func(v []float32)) []float32 {
		v = append(slices.Repeat([]float32{7}, 3), v...) // what lies around is not touched
		v = append(v, 8, 9)
		do(v[3 : len(v)-2 : len(v)-2])
		return v
	}
	return []operation{
		{"dot", func(k Kernel) []float32 { return []float32{k.Dot(x, y)} }},
		{"axpy", func(k Kernel) []float32 { return on(y, func(v []float32) { k.Axpy(a, x, v) }) }},
		{"aypx", func(k Kernel) []float32 { return on(y, func(v []float32) { k.Aypx(a, x, v) }) }},
		{"combine", func(k Kernel) []float32 { return on(y, func(v []float32) { k.Combine(v, w, rows) }) }},
		{"dotAxpy", func(k Kernel) []float32 { return on(y, func(v []float32) { k.DotAxpy(v, x, list, w, b) }) }},
		{"rank", func(k Kernel) []float32 { return on(square, func(v []float32) { k.Rank(v, rows, more, stride) }) }},
	}
}

// sameBits compares numbers; any NaN is like any other.
func sameBits(a, b []float32) bool {
	return slices.EqualFunc(a, b, func(a, b float32) bool {
		return math.Float32bits(a) == math.Float32bits(b) || a != a && b != b
	})
}

// compare compares all kernels with the one in Go.
func compare(t *testing.T, ops []operation) {
	t.Helper()
	all := Kernels()
	for _, op := range ops {
		want := op.run(all[len(all)-1])
		for _, k := range all[:len(all)-1] {
			if got := op.run(k); !sameBits(got, want) {
				t.Fatalf("%s of %v\n%v\nof Go\n%v", op.name, k, got, want)
			}
		}
	}
}

// TestSameBits compares the kernels on vectors and lists of many lengths.
func TestSameBits(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for stride := 0; stride <= 10*Lanes; stride += Lanes {
		for _, n := range []int{0, 1, 2, 3, 4, 5, 7, 8, 9, 12, 13, 100} {
			compare(t, operations(r, stride, n, normal(r)))
		}
	}
	compare(t, operations(r, 1024, 37, normal(r)))
}

// FuzzSameBits: any numbers, in vectors of any length and at any alignment, have the same results on all kernels.
func FuzzSameBits(f *testing.F) {
	f.Add([]byte{}, uint64(1), uint8(4), uint8(9))
	f.Add([]byte{0, 0, 0x80, 0x3f, 0xff, 0xff, 0x7f, 0x7f, 1, 0, 0, 0x80, 0, 0, 0x80, 0xff}, uint64(2), uint8(3), uint8(4))
	f.Fuzz(func(t *testing.T, data []byte, seed uint64, blocks, rows uint8) {
		r := rand.New(rand.NewPCG(seed, 1))
		numbers := normal(r)
		if len(data) >= 4 {
			numbers = func() float32 {
				at := r.IntN(len(data) - 3)
				return math.Float32frombits(binary.LittleEndian.Uint32(data[at:]))
			}
		}
		compare(t, operations(r, int(blocks)%9*Lanes, int(rows)%40, numbers))
	})
}

// TestOrder compares with the package comment, written down once more, and with sums in float64.
func TestOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	const stride, n = 5 * Lanes, 7
	draw := normal(r)
	x, y, w, b := fill(r, stride, draw), fill(r, stride, draw), fill(r, n, draw), fill(r, n, draw)
	rows := make([][]float32, n)
	list := make([]*float32, n)
	for i := range rows {
		rows[i] = fill(r, stride, draw)
		list[i] = &rows[i][0]
	}
	dot := func(x, y []float32) float32 {
		var l [16]float32
		for i := range x {
			l[i%16] = fma.Float32(x[i], y[i], l[i%16])
		}
		var quarters [4]float32
		for j := range quarters {
			quarters[j] = l[j] + l[j+8] + (l[j+4] + l[j+12])
		}
		return quarters[0] + quarters[2] + (quarters[1] + quarters[3])
	}
	exact := func(x, y []float32) (sum float64) {
		for i := range x {
			sum += float64(x[i]) * float64(y[i])
		}
		return sum
	}
	for _, k := range Kernels() {
		if got := k.Dot(x, y); got != dot(x, y) || !near(got, exact(x, y)) {
			t.Errorf("%v: Dot is %v, want %v, %v", k, got, dot(x, y), exact(x, y))
		}
		combined, summed := make([]float32, stride), slices.Clone(y)
		k.Combine(combined, w, slices.Concat(rows...))
		k.DotAxpy(summed, x, list, w, b)
		for j := range stride {
			var even, odd float32
			added, precise, total := y[j], float64(y[j]), 0.
			for i, row := range rows {
				if i%2 == 0 {
					even = fma.Float32(w[i], row[j], even)
				} else {
					odd = fma.Float32(w[i], row[j], odd)
				}
				total += float64(w[i]) * float64(row[j])
				added = fma.Float32(fma.Float32(w[i], dot(row, x), b[i]), row[j], added)
				precise += (float64(w[i])*exact(row, x) + float64(b[i])) * float64(row[j])
			}
			if combined[j] != even+odd || !near(combined[j], total) {
				t.Errorf("%v: Combine gives %v, want %v, %v", k, combined[j], even+odd, total)
			}
			if summed[j] != added || !near(summed[j], precise) {
				t.Errorf("%v: DotAxpy gives %v, want %v, %v", k, summed[j], added, precise)
			}
		}
	}
}

// near tells whether a is b but for what float32 rounds.
func near(a float32, b float64) bool { return math.Abs(float64(a)-b) <= 1e-4*max(1, math.Abs(b)) }

// TestRank compares with sums in float64, and Mirror fills in what is below the diagonal.
func TestRank(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	const stride, n = 3 * Lanes, 50
	rows := fill(r, n*stride, normal(r))
	for _, k := range Kernels() {
		sums := make([]float32, stride*stride)
		k.Rank(sums, rows[:20*stride], rows[:20*stride], stride)
		k.Rank(sums, rows[20*stride:], rows[20*stride:], stride)
		Mirror(sums, stride)
		for i := range stride {
			for j := range stride {
				want := 0.
				for at := 0; at < len(rows); at += stride {
					want += float64(rows[at+i]) * float64(rows[at+j])
				}
				if got := sums[i*stride+j]; !near(got, want) || got != sums[j*stride+i] {
					t.Fatalf("%v: [%d][%d] is %v, want %v", k, i, j, got, want)
				}
			}
		}
	}
}

// TestShort: what is too short is a panic, as with slices, and no memory is written that is not of the vector.
func TestShort(t *testing.T) {
	v := make([]float32, 2*Lanes)
	for _, k := range Kernels() {
		for name, call := range map[string]func(){
			"dot":     func() { k.Dot(v, v[:Lanes:Lanes]) },
			"axpy":    func() { k.Axpy(1, v, v[:Lanes:Lanes]) },
			"aypx":    func() { k.Aypx(1, v, v[:Lanes:Lanes]) },
			"combine": func() { k.Combine(v[:Lanes], v[:3], v) },
			"out":     func() { k.DotAxpy(v[:Lanes:Lanes], v, nil, nil, nil) },
			"weights": func() { k.DotAxpy(v, v, []*float32{&v[0]}, nil, v) },
			"bias":    func() { k.DotAxpy(v, v, []*float32{&v[0]}, v, nil) },
			"sums":    func() { k.Rank(v, v, v, Lanes) },
			"right":   func() { k.Rank(make([]float32, Lanes*Lanes), v, v[:Lanes:Lanes], Lanes) },
		} {
			func() {
				defer func() {
					if recover() == nil {
						t.Errorf("%v: %s is no panic", k, name)
					}
				}()
				call()
			}()
		}
	}
}

func TestStride(t *testing.T) {
	for _, c := range [][2]int{{0, 0}, {1, 16}, {16, 16}, {17, 32}, {64, 64}, {65, 80}, {1024, 1024}} {
		if got := Stride(c[0]); got != c[1] {
			t.Errorf("Stride(%d) is %d, want %d", c[0], got, c[1])
		}
	}
}

// TestKernels: the one in Go is always there, and the last.
func TestKernels(t *testing.T) {
	all := Kernels()
	if got := all[len(all)-1].String(); got != "go" {
		t.Errorf("the last kernel is %s", got)
	}
	if got := Best().String(); got != all[0].String() {
		t.Errorf("the best kernel is %s, want %v", got, all[0])
	}
	t.Logf("kernels: %v", all)
}

// TestFinite puts one number into each place of vectors of zeros and of the largest numbers.
func TestFinite(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	payload, quiet := math.Float32frombits(0x7f800001), math.Float32frombits(0xffffffff)
	for n := range 40 {
		for _, around := range []float32{0, math.MaxFloat32, -math.MaxFloat32, math.SmallestNonzeroFloat32} {
			v := slices.Repeat([]float32{around}, n)
			if !Finite(v) {
				t.Errorf("%d times %v: not finite", n, around)
			}
			for i := range v {
				for _, x := range []float32{inf, -inf, nan, payload, quiet} {
					v[i] = x
					if Finite(v) {
						t.Errorf("%v at %d of %d times %v: finite", x, i, n, around)
					}
				}
				v[i] = around
			}
		}
	}
}
