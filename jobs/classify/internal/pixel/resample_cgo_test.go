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
		src := noise(w, h, rapid.Uint32().Draw(t, "seed")).Pix[:w*h]
		resized := rapid.IntRange(1, 300)
		var tx, ty taps
		tx.set(wholeAxis(t, w, resized.Draw(t, "rw")), w, 1, false)
		ty.set(wholeAxis(t, h, resized.Draw(t, "rh")), h, 1, false)
		out := len(tx.start)
		x0, x1 := tx.span(0, out)
		scratch := make([]byte, block*(2*(x1-x0)+out))
		for a := 0; a < len(ty.start); a += block {
			n := min(block, len(ty.start)-a)
			y0, y1 := ty.span(a, a+n)
			part := src[y0*w+x0 : (y1-1)*w+x1]
			inC, inGo := make([]byte, n*out), make([]byte, n*out)
			resampleBlock(part, w, x0, x1, &tx, &ty, a, n, scratch, inC)
			resampleBlockGo(part, w, x0, x1, &tx, &ty, a, n, scratch, inGo)
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

func TestYCCToRGBCEqualsGo(t *testing.T) {
	var y, cb, cr []byte
	for l := 0; l < 256; l += 5 {
		for b := 0; b < 256; b += 3 {
			for r := range 256 {
				y, cb, cr = append(y, byte(l)), append(cb, byte(b)), append(cr, byte(r))
			}
		}
	}
	inC, inGo := make([]byte, 3*len(y)), make([]byte, 3*len(y))
	yccToRGB(y, cb, cr, inC)
	yccToRGBGo(y, cb, cr, inGo)
	if !bytes.Equal(inC, inGo) {
		t.Error("colours differ")
	}
}
