package als

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/shardmill/shardmill/jobs/internal/vector"
)

// TestGram compares with sums in float64; how rows come does not matter.
func TestGram(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, k := range []int{1, 5, 16, 33} {
		const rows = 3*gramBlock + 7
		y := random(r, rows, k)
		var flat []float32
		for i := range rows {
			flat = append(flat, y.Row(i)...)
		}
		for _, kernel := range vector.Kernels() {
			whole, pieces := newGram(kernel, k), newGram(kernel, k)
			whole.Add(flat)
			for left := flat; len(left) > 0; {
				n := min(len(left), (1+r.IntN(2*gramBlock))*y.Stride())
				pieces.Add(left[:n])
				left = left[n:]
			}
			sums := whole.Sums()
			if !slices.Equal(sums, pieces.Sums()) || len(sums) != PackedLen(k) {
				t.Fatalf("%v: %d factors: %v and %v", kernel, k, sums, pieces.Sums())
			}
			full := unpack(sums, k, y.Stride())
			for a := range k {
				for b := range k {
					want := 0.
					for i := range rows {
						want += float64(y.Row(i)[a]) * float64(y.Row(i)[b])
					}
					if got := full[a*y.Stride()+b]; math.Abs(got-want) > 1e-3 {
						t.Fatalf("%v: [%d][%d] is %v, want %v", kernel, a, b, got, want)
					}
				}
			}
		}
	}
	if sums := NewGram(3).Sums(); !slices.Equal(sums, make([]float64, 6)) {
		t.Errorf("of no rows: %v", sums)
	}
}

// TestInitial: numbers that are written down here, their range and mean, and zeros behind them.
func TestInitial(t *testing.T) {
	dst := slices.Repeat([]float32{9}, 16)
	Initial(42, 7, 3, dst)
	again := slices.Repeat([]float32{8}, 32)
	Initial(42, 7, 3, again)
	if !slices.Equal(dst, again[:16]) || slices.ContainsFunc(dst[3:], func(v float32) bool { return v != 0 }) {
		t.Errorf("got %v and %v", dst, again)
	}
	if want := []float32{0.008940815, 0.00533108, 0.0075181066}; !slices.Equal(dst[:3], want) {
		t.Errorf("got %v, want %v", dst[:3], want)
	}
	var all []float32
	sum := 0.
	for i := range 1000 {
		Initial(1, i, 16, dst)
		for _, v := range dst {
			sum += float64(v)
		}
		all = append(all, dst...)
	}
	slices.Sort(all)
	if all[0] < 0 || all[len(all)-1] >= .01 || math.Abs(sum/16_000-.005) > 1e-4 || len(slices.Compact(all)) < 15_900 {
		t.Errorf("from %v to %v, mean %v", all[0], all[len(all)-1], sum/16_000)
	}
}

func TestInSample(t *testing.T) {
	n := 0
	for i := range 100_000 {
		if InSample(1, i, 100_000, 1000) {
			n++
			if InSample(1, i, 100_000, 500) != InSample(1, i, 200_000, 1000) {
				t.Error("a row is in one of two samples of the same share")
			}
		}
		if !InSample(1, i, 100_000, 100_000) || InSample(1, i, 100_000, 0) {
			t.Fatal("all, or none")
		}
	}
	if n < 900 || n > 1100 {
		t.Errorf("%d rows", n)
	}
}
