//go:build cgo

package pixel

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

// The resamplers in C and in Go give the same bytes.
func TestResampleCEqualsGo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := rapid.IntRange(1, 1300).Draw(t, "w")
		h := rapid.IntRange(1, 200).Draw(t, "h")
		depth := rapid.SampledFrom([]int{1, 3}).Draw(t, "depth")
		stride := w * depth
		src := noise(w, h, rapid.Uint32().Draw(t, "seed")).Pix[:stride*h]
		resized := rapid.IntRange(1, 300)
		var tx, ty taps
		tx.set(wholeAxis(t, w, resized.Draw(t, "rw")), w, 1, false)
		ty.set(wholeAxis(t, h, resized.Draw(t, "rh")), h, 1, false)
		out := len(tx.start)
		x0, x1 := tx.span(0, out)
		scratch := make([]byte, block*depth*(2*(x1-x0)+out))
		for a := 0; a < len(ty.start); a += block {
			n := min(block, len(ty.start)-a)
			y0, y1 := ty.span(a, a+n)
			part := src[y0*stride+x0*depth : (y1-1)*stride+x1*depth]
			inC, inGo := make([]byte, n*out*depth), make([]byte, n*out*depth)
			resampleBlock(part, stride, depth, &tx, &ty, a, n, scratch, inC)
			resampleBlockGo(part, stride, depth, &tx, &ty, a, n, scratch, inGo)
			if !bytes.Equal(inC, inGo) {
				t.Fatalf("rows from %d differ", a)
			}
		}
	})
}

func wholeAxis(t *rapid.T, size, resized int) axis {
	out := rapid.IntRange(1, resized).Draw(t, "out")
	return axis{size, resized, rapid.IntRange(0, resized-out).Draw(t, "offset"), out}
}
