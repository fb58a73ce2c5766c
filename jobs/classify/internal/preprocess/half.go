package preprocess

import "math"

// half converts to IEEE 754 binary16 bits, to nearest, half to even. What is too
// large becomes infinite; NaN stays NaN.
func half(f float32) uint16 {
	bits := math.Float32bits(f)
	sign := uint16(bits >> 16 & 0x8000)
	magnitude := bits &^ (1 << 31)
	switch {
	case magnitude > 0x7f800000: // NaN
		return sign | 0x7e00
	case magnitude >= 0x47800000: // 65536 and above
		return sign | 0x7c00
	case magnitude < 0x38800000: // below 2^-14: a multiple of 2^-24
		f := math.Float32frombits(magnitude)
		return sign | uint16(math.RoundToEven(float64(f)*(1<<24)))
	default: // exponent bias 127 becomes 15, 23 bits of fraction become 10
		rounded := magnitude - (127-15)<<23 + 0xfff + magnitude>>13&1
		return sign | uint16(rounded>>13)
	}
}
