package fma

import (
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

// exactFMA is x*y + z in a precision that loses nothing of float32, and rounded once.
func exactFMA(x, y, z float32) float32 {
	b := func(v float32) *big.Float { return new(big.Float).SetPrec(700).SetFloat64(float64(v)) }
	sum := b(x)
	sum.Mul(sum, b(y)).Add(sum, b(z))
	r, _ := sum.Float32()
	return r
}

// sameFMA compares both ways of FMA with the exact one. The sign of an exact 0 is not compared: big.Float knows no sum of -0 and 0.
func sameFMA(t interface{ Errorf(string, ...any) }, x, y, z float32) {
	want := exactFMA(x, y, z)
	for name, got := range map[string]float32{"Float32": Float32(x, y, z), "emulated": emulated(x, y, z)} {
		if got != want {
			t.Errorf("%s(%x, %x, %x) = %x, want %x", name, x, y, z, got, want)
		}
	}
}

// TestFMA has sums in the middle of two float32 but for a little, which rounding twice gets wrong, normal and
// subnormal, and any others.
func TestFMA(t *testing.T) {
	wrong := 0
	for _, tt := range [][3]float32{
		// (1+2^-23)(1-2^-23) = 1-2^-46: a little less than the half of the last bit of an odd z.
		{0x1.000002p-12, 0x1.fffffcp-13, 0x1.000002p0},
		{-0x1.000002p-12, 0x1.fffffcp-13, -0x1.000002p0},
		{-0x1.000002p-12, 0x1.fffffcp-14, 0x1.fffffep-1},
		{0x1.000002p-12, 0x1.fffffcp-14, -0x1.fffffep-1},
		// The same of subnormal ones.
		{0x1.000002p-75, 0x1.fffffcp-76, 0x1.000004p-127},
		{-0x1.000002p-75, 0x1.fffffcp-76, -0x1.00000cp-127},
		{0x1p-75, 0x1p-75, 0},
		{-0x1p-75, 0x1p-75, 0}, // the middle of 0 and the smallest
		{0x1.8p-75, 0x1p-75, 0},
		{0x1p-80, 0x1p-80, 0x1p-149},
		// Infinite, or nearly so.
		{0x1p64, 0x1p64, 0},
		{0x1p64, -0x1p64, 0},
		{0x1.fffffep63, 0x1p64, 0x1p103},
		{0x1.fffffep63, 0x1p64, 0x1.fffffep102},
		{1, 1, -1},
		{0, 5, 0},
		{3, 5, 7},
	} {
		sameFMA(t, tt[0], tt[1], tt[2])
		if float32(float64(tt[0])*float64(tt[1])+float64(tt[2])) != exactFMA(tt[0], tt[1], tt[2]) {
			wrong++
		}
	}
	if wrong < 6 {
		t.Errorf("rounding twice is wrong in %d cases: they try too little", wrong)
	}
	if got := Float32(2, 3, float32(math.Inf(-1))); !math.IsInf(float64(got), -1) {
		t.Errorf("2*3-Inf = %v", got)
	}
	rapid.Check(t, func(t *rapid.T) {
		bits := func(name string) float32 { return nearHalf(rapid.Uint32().Draw(t, name)) }
		sameFMA(t, bits("x"), bits("y"), bits("z"))
	})
}

// nearHalf makes a finite number of bits: often one with few bits set or unset, so that sums come near the middle.
func nearHalf(b uint32) float32 {
	switch b >> 20 & 3 {
	case 0:
		b &= 0xff80_0003
	case 1:
		b |= 0x007f_fffc
	}
	if v := math.Float32frombits(b); v-v == 0 {
		return v
	}
	return math.Float32frombits(b &^ (1 << 30)) // exponent below that of infinity
}
