package pixel

import "math"

// weightBits is the fixed-point precision of filter weights: they sum to 1<<weightBits.
const weightBits = 14

// taps holds the filter weights of one axis of a plane: output i is the sum of
// weight[i*n+j] * sample[start[i]+j] for j in [0,n), over 1<<weightBits. start
// never falls, so the samples of a run of outputs are one run too.
type taps struct {
	start  []int32
	weight []int16
	n      int
}

// set computes the weights for the part of an axis that is kept, on a plane with
// `size` samples along it, each covering 1/ratio pixels of the picture.
//
// Output i has its centre at (offset+i+0.5)*scale-0.5 samples; its filter is a triangle
// as wide as two output pixels, but no narrower than two samples.
//
// Reductions by less than 4 follow libvips: centres are rounded to 1/64 sample, and weights cut to 12 bits, which darkens by 0.07 levels on average. Otherwise centres and weights are as exact as they can be, as libvips would
// reduce by a whole factor first and, when enlarging, shift by half an output pixel.
func (t *taps) set(a axis, size int, ratio float64, nearest bool) {
	scale := float64(a.size) * ratio / float64(a.resized)
	support := math.Max(scale, 1)
	t.n = min(2*int(math.Ceil(support))+1, size)
	if nearest {
		t.n = 1
	}
	t.start = sized(t.start, a.out)
	t.weight = sized(t.weight, a.out*t.n)
	likeVips := scale > 1 && scale < 4
	for i := range t.start {
		// The conversion keeps the compiler from fusing the multiplication with
		// an addition, which would round otherwise on some processors.
		centre := float64((float64(a.offset+i) + 0.5) * scale)
		if nearest {
			t.start[i], t.weight[i] = int32(min(int(centre), size-1)), 1<<weightBits
			continue
		}
		if likeVips {
			centre = math.Floor(centre*64+0.5) / 64
		}
		t.triangle(i, centre, support, size, likeVips)
	}
}

// triangle sets the weights of one output. Unless they are cut, weights are rounded
// by their running sum, so that they add up exactly and the errors of many small ones cancel.
func (t *taps) triangle(i int, centre, support float64, size int, cut bool) {
	lo := max(int(centre-support+0.5), 0)
	hi := min(int(centre+support+0.5), size)
	start := max(min(lo, size-t.n), 0)
	t.start[i] = int32(start)
	weight := t.weight[i*t.n : (i+1)*t.n]

	sum := 0.0
	for j := range weight {
		sum += tent(start+j, lo, hi, centre, support)
	}
	run, last := 0.0, 0
	for j := range weight {
		w := tent(start+j, lo, hi, centre, support)
		if cut {
			weight[j] = int16(w/sum*(1<<12)) << (weightBits - 12)
			continue
		}
		run += w
		next := int(run/sum*(1<<weightBits) + 0.5)
		weight[j], last = int16(next-last), next
	}
}

// tent is the triangle filter at sample k, before normalising; 0 outside [lo,hi).
func tent(k, lo, hi int, centre, support float64) float64 {
	if k < lo || k >= hi {
		return 0
	}
	return math.Max(0, 1-math.Abs(float64(k)+0.5-centre)/support)
}

// span gives the samples [lo,hi) that outputs [a,b) need.
func (t *taps) span(a, b int) (lo, hi int) {
	return int(t.start[a]), int(t.start[b-1]) + t.n
}

// sized gives a slice of n elements in the memory of s, if that is enough.
func sized[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
