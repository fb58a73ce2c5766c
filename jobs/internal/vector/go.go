package vector

import (
	"unsafe"

	"github.com/shardmill/shardmill/jobs/internal/fma"
)

// The kernel for all machines, after which the others are made.

func dotGo(x, y *float32, blocks int) float32 {
	var s [Lanes]float32
	a, b := numbers(x, blocks*Lanes), numbers(y, blocks*Lanes)
	for ; len(a) >= Lanes && len(b) >= Lanes; a, b = a[Lanes:], b[Lanes:] {
		for l := range s {
			s[l] = fma.Float32(a[l], b[l], s[l])
		}
	}
	for half := Lanes / 2; half > 0; half /= 2 {
		for l := range half {
			s[l] += s[l+half]
		}
	}
	return s[0]
}

func axpyGo(a float32, x, y *float32, blocks int) {
	to := numbers(y, blocks*Lanes)
	for i, v := range numbers(x, blocks*Lanes) {
		to[i] = fma.Float32(a, v, to[i])
	}
}

func aypxGo(a float32, x, y *float32, blocks int) {
	to := numbers(y, blocks*Lanes)
	for i, v := range numbers(x, blocks*Lanes) {
		to[i] = fma.Float32(a, to[i], v)
	}
}

func combineGo(out, weights, rows *float32, n, blocks int) {
	width := blocks * Lanes
	to, w, all := numbers(out, width), numbers(weights, n), numbers(rows, n*width)
	for j := range to {
		var sums [2]float32
		for i, w := range w {
			sums[i%2] = fma.Float32(w, all[i*width+j], sums[i%2])
		}
		to[j] = sums[0] + sums[1]
	}
}

func dotAxpyGo(out, p *float32, rows **float32, weights, bias *float32, n, blocks int) {
	w, b := numbers(weights, n), numbers(bias, n)
	for i, row := range unsafe.Slice(rows, n) {
		axpyGo(fma.Float32(w[i], dotGo(row, p, blocks), b[i]), row, out, blocks)
	}
}

func tileGo(sums, left, right *float32, n, stride int) {
	const lines = Lanes - 1 // before the last one, which ends with the tile
	to, a, b := numbers(sums, lines*stride+Lanes), numbers(left, (n-1)*stride+Lanes), numbers(right, (n-1)*stride+Lanes)
	for r := 0; r < n*stride; r += stride {
		for i, x := range a[r : r+Lanes] {
			line := to[i*stride : i*stride+Lanes]
			for j, y := range b[r : r+Lanes] {
				line[j] = fma.Float32(x, y, line[j])
			}
		}
	}
}

func numbers(p *float32, n int) []float32 { return unsafe.Slice(p, n) }
