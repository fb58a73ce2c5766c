package preprocess

import (
	"fmt"
	"math"
)

// Filler writes crops to slots of an input tensor. A sample has only 256 values,
// so each channel's elements are computed once, in float64, and looked up; or computed again
// by vector instructions, where these are there and give the same bits for all of them. A Filler
// does not change and may be shared.
type Filler struct {
	layout Layout
	depth  int
	size   int    // samples a crop
	from   [3]int // where a tensor's channel lies in a pixel of the crop
	plain  bool   // a uint8 slot is the crop as it is
	lines  [3]line
	f32    elements[float32]
	f16    elements[uint16]
	u8     elements[uint8]
}

// NewFiller makes the filler of a valid spec.
func NewFiller(s Spec) (*Filler, error) {
	if err := s.Validate(); err != nil {
		return nil, fmt.Errorf("preprocessing: %w", err)
	}
	f := &Filler{layout: s.Layout, depth: s.Depth(), size: s.Pixels(0).Bytes(), from: [3]int{0, 1, 2}}
	f.plain = f.depth == 1 || s.Layout == NHWC && s.Channels == RGB
	if s.Channels == BGR {
		f.from = [3]int{2, 1, 0}
	}
	for c := range f.depth {
		f.lines[c] = line{s.Scale / s.Std[c], -s.Mean[c] / s.Std[c]}
		for v := range 256 {
			x := s.element(v, c)
			f.f32.of[c][v] = float32(x)
			f.f16.of[c][v] = half(float32(x))
			f.u8.of[c][v] = uint8(min(max(math.RoundToEven(x), 0), 255))
			f.plain = f.plain && f.u8.of[c][v] == uint8(v)
		}
	}
	f32, f16 := affines()
	f.f32.use(f32, f.lines[:f.depth], func(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) })
	f.f16.use(f16, f.lines[:f.depth], func(a, b uint16) bool { return a == b })
	return f, nil
}

// Len gives the number of samples in a crop, which is that of elements in a slot.
func (f *Filler) Len() int { return f.size }

// FillFloat32 writes a crop (height x width x channels, RGB or gray) to a slot.
// Both have Len elements.
func (f *Filler) FillFloat32(dst []float32, crop []byte) { fill(f, dst, crop, &f.f32) }

// FillFloat16 is FillFloat32 for IEEE 754 half-precision bits, rounded from
// float32 to nearest, half to even.
func (f *Filler) FillFloat16(dst []uint16, crop []byte) { fill(f, dst, crop, &f.f16) }

// FillUint8 is FillFloat32 for bytes, rounded to nearest, half to even.
func (f *Filler) FillUint8(dst, crop []byte) {
	if f.plain {
		copy(dst[:f.size], crop[:f.size])
		return
	}
	fill(f, dst, crop, &f.u8)
}

func fill[T any](f *Filler, dst []T, crop []byte, e *elements[T]) {
	dst, crop = dst[:f.size], crop[:f.size]
	switch {
	case f.depth == 1:
		for i, v := range crop {
			dst[i] = e.of[0][v]
		}
	case f.layout == NHWC:
		for c, at := range f.from {
			fillPacked(dst[c:], crop[at:], &e.of[c])
		}
	default:
		n := f.size / 3
		for c, at := range f.from {
			e.plane(c, dst[c*n:][:n], crop[at:], f.lines[c])
		}
	}
}

// fillPlane takes every third sample, eight at a time to spare bounds checks.
func fillPlane[T any](dst []T, crop []byte, lut *[256]T) {
	for len(dst) >= 8 && len(crop) >= 24 {
		d, p := (*[8]T)(dst), (*[24]byte)(crop)
		d[0], d[1], d[2], d[3] = lut[p[0]], lut[p[3]], lut[p[6]], lut[p[9]]
		d[4], d[5], d[6], d[7] = lut[p[12]], lut[p[15]], lut[p[18]], lut[p[21]]
		dst, crop = dst[8:], crop[24:]
	}
	for i := range dst {
		dst[i] = lut[crop[3*i]]
	}
}

// fillPacked takes and writes every third element.
func fillPacked[T any](dst []T, crop []byte, lut *[256]T) {
	for len(dst) >= 12 && len(crop) >= 12 {
		d, p := (*[12]T)(dst), (*[12]byte)(crop)
		d[0], d[3], d[6], d[9] = lut[p[0]], lut[p[3]], lut[p[6]], lut[p[9]]
		dst, crop = dst[12:], crop[12:]
	}
	for i := 0; i < min(len(dst), len(crop)); i += 3 {
		dst[i] = lut[crop[i]]
	}
}
