package pixel

import (
	"image"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// oracle makes the crop slowly and plainly, in float64 and without rounding in
// between: resize the whole image, cut, round.
func oracle(m image.Image, o Options) []byte {
	w, h := m.Bounds().Dx(), m.Bounds().Dy()
	channel := func(c int) [][]float64 {
		rows := make([][]float64, h)
		for y := range rows {
			rows[y] = make([]float64, w)
			for x := range rows[y] {
				r, g, b, _ := m.At(x, y).RGBA()
				rows[y][x] = float64([]uint32{r, g, b}[c] >> 8)
			}
		}
		return rows
	}
	rw, rh := oracleSize(w, h, o)
	cw, ch := o.Size()
	out := make([]byte, cw*ch*3)
	for c := range 3 {
		resized := oracleResize(transposed(oracleResize(transposed(channel(c)), rw)), rh)
		x0, y0 := (rw-cw)/2, (rh-ch)/2
		for y := range ch {
			for x := range cw {
				out[(y*cw+x)*3+c] = byte(math.Round(resized[y0+y][x0+x]))
			}
		}
	}
	return out
}

func oracleSize(w, h int, o Options) (rw, rh int) {
	if o.Width > 0 {
		return o.Width, o.Height
	}
	if o.Shorter == 0 {
		return w, h
	}
	scale := float64(o.Shorter) / float64(min(w, h))
	return int(math.Round(float64(w) * scale)), int(math.Round(float64(h) * scale))
}

// oracleResize resizes columns to n samples by a triangle filter. Where it reduces
// by less than 4, centres lie on a grid of 1/64.
func oracleResize(rows [][]float64, n int) [][]float64 {
	scale := float64(len(rows)) / float64(n)
	radius := max(scale, 1)
	out := make([][]float64, n)
	for i := range out {
		out[i] = make([]float64, len(rows[0]))
		centre, sum := (float64(i)+.5)*scale-.5, 0.0
		if oracleCoarse(len(rows), n) {
			centre = math.Floor((centre+.5)*64+.5)/64 - .5
		}
		for k, row := range rows {
			if weight := 1 - math.Abs(float64(k)-centre)/radius; weight > 0 {
				sum += weight
				for x, v := range row {
					out[i][x] += weight * v
				}
			}
		}
		for x := range out[i] {
			out[i][x] /= sum
		}
	}
	return out
}

func oracleCoarse(size, n int) bool { return size > n && size < 4*n }

func transposed(rows [][]float64) [][]float64 {
	out := make([][]float64, len(rows[0]))
	for x := range out {
		out[x] = make([]float64, len(rows))
		for y := range rows {
			out[x][y] = rows[y][x]
		}
	}
	return out
}

// noise is a picture that a wrong filter cannot get right by luck.
func noise(w, h int, seed uint32) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for i := range m.Pix {
		seed = seed*1664525 + 1013904223
		m.Pix[i] = byte(seed >> 24)
		if i%4 == 3 {
			m.Pix[i] = 255
		}
	}
	return m
}

// Two roundings to bytes and weights of 14 bits cost at most one level, weights that
// are cut to 12 bits one more.
func TestMatchesOracle(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		side := rapid.IntRange(1, 70)
		m := noise(side.Draw(rt, "w"), side.Draw(rt, "h"), rapid.Uint32().Draw(rt, "seed"))
		w, h := m.Bounds().Dx(), m.Bounds().Dy()
		var o Options
		switch rapid.IntRange(0, 2).Draw(rt, "resize") {
		case 0:
			o.Shorter = side.Draw(rt, "shorter")
			o.CropWidth = rapid.IntRange(1, o.Shorter).Draw(rt, "cw")
			o.CropHeight = rapid.IntRange(1, o.Shorter).Draw(rt, "ch")
		case 1:
			o.Width, o.Height = side.Draw(rt, "rw"), side.Draw(rt, "rh")
		default:
			o.CropWidth, o.CropHeight = rapid.IntRange(1, w).Draw(rt, "cw"), rapid.IntRange(1, h).Draw(rt, "ch")
		}
		got := decodeOK(t, o, asPNG(t, m))
		allowed := 1
		if rw, rh := oracleSize(w, h, o); oracleCoarse(w, rw) || oracleCoarse(h, rh) {
			allowed = 2
		}
		if most, _ := distance(got, oracle(m, o)); most > allowed {
			rt.Fatalf("%dx%d with %+v: samples differ by up to %d", w, h, o, most)
		}
	})
}

// Without a resize the crop is the very pixels.
func TestCropAloneIsExact(t *testing.T) {
	m := noise(50, 41, 7)
	got := decodeOK(t, Options{CropWidth: 20, CropHeight: 20}, asPNG(t, m))
	for y := range 20 {
		for x := range 20 {
			want := m.RGBAAt(15+x, 10+y)
			if at := (y*20 + x) * 3; [3]byte(got[at:]) != [3]byte{want.R, want.G, want.B} {
				t.Fatalf("pixel %d,%d is %v, want %v", x, y, got[at:at+3], want)
			}
		}
	}
}

func TestNearestPicksPixels(t *testing.T) {
	m := noise(9, 6, 3)
	got := decodeOK(t, Options{Width: 3, Height: 3, Nearest: true}, asPNG(t, m))
	for y := range 3 {
		for x := range 3 {
			want := m.RGBAAt(3*x+1, 2*y+1)
			if at := (y*3 + x) * 3; [3]byte(got[at:]) != [3]byte{want.R, want.G, want.B} {
				t.Errorf("pixel %d,%d is %v, want %v", x, y, got[at:at+3], want)
			}
		}
	}
}

// Weights of any axis lie on samples that exist and add up to one, or a little
// less where they are cut to 12 bits.
func TestTapsProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(1, 5000).Draw(t, "size")
		resized := rapid.IntRange(1, 600).Draw(t, "resized")
		out := rapid.IntRange(1, resized).Draw(t, "out")
		by := rapid.SampledFrom([]int{1, 2, 4, 8, 16, 32}).Draw(t, "by")
		a := axis{size, resized, rapid.IntRange(0, resized-out).Draw(t, "offset"), out}
		samples := (size + by - 1) / by
		var tp taps
		tp.set(a, samples, 1/float64(by), rapid.Bool().Draw(t, "nearest"))
		for i, start := range tp.start {
			sum := 0
			for _, w := range tp.weight[i*tp.n:][:tp.n] {
				if w < 0 {
					t.Fatalf("output %d: weight %d", i, w)
				}
				sum += int(w)
			}
			cut := 0
			if coarse := float64(size) / float64(by) / float64(resized); coarse > 1 && coarse < 4 {
				cut = 4 * tp.n
			}
			if sum > 1<<weightBits || sum < 1<<weightBits-cut {
				t.Fatalf("output %d: weights add up to %d", i, sum)
			}
			if start < 0 || int(start)+tp.n > samples || i > 0 && start < tp.start[i-1] {
				t.Fatalf("output %d: starts at %d of %d samples, %d wide", i, start, samples, tp.n)
			}
		}
	})
}

// The weights of libvips, by hand: reducing 6 samples to 4, the second output has its
// centre 1.75 samples from the start, so weights 3/9, 5/9, 1/9 of 4096, cut.
func TestCoarseWeights(t *testing.T) {
	var tp taps
	tp.set(axis{6, 4, 1, 1}, 6, 1, false)
	if diff := cmp.Diff([]int16{4 * 1365, 4 * 2275, 4 * 455, 0, 0}, tp.weight); diff != "" || tp.start[0] != 1 {
		t.Errorf("from %d: %s", tp.start[0], diff)
	}
}

// A flat picture stays flat, whatever the filter.
func TestFlatStaysFlat(t *testing.T) {
	m := image.NewGray(image.Rect(0, 0, 301, 77))
	for i := range m.Pix {
		m.Pix[i] = 255
	}
	for _, v := range decodeOK(t, Options{Width: 17, Height: 93, Gray: true}, asPNG(t, m)) {
		if v != 255 {
			t.Fatalf("white became %d", v)
		}
	}
}
