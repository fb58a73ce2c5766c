package preprocess

import (
	"bytes"
	"fmt"
	"math"
	"testing"

	"pgregory.net/rapid"
)

// slotIndex says where channel c of pixel i goes, by definition of the layouts.
func slotIndex(s Spec, i, c int) int {
	if s.Layout == NHWC {
		return i*s.Depth() + c
	}
	return c*s.Crop.Width*s.Crop.Height + i
}

// cropIndex says where channel c of pixel i lies in the crop, which is RGB or gray.
func cropIndex(s Spec, i, c int) int {
	if s.Channels == BGR {
		c = 2 - c
	}
	return i*s.Depth() + c
}

// Each element of each kind of slot is what the formula says, and no other
// element is touched.
func TestFillMatchesDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := specGen().Draw(t, "spec")
		f, err := NewFiller(s)
		if err != nil {
			t.Fatal(err)
		}
		crop := rapid.SliceOfN(rapid.Byte(), f.Len(), f.Len()).Draw(t, "crop")
		const guard = 3
		f32 := make([]float32, f.Len()+guard)
		f16 := make([]uint16, f.Len()+guard)
		u8 := make([]uint8, f.Len()+guard)
		f.FillFloat32(f32, crop)
		f.FillFloat16(f16, crop)
		f.FillUint8(u8, crop)
		for i := range s.Crop.Width * s.Crop.Height {
			for c := range s.Depth() {
				want := (float64(float64(crop[cropIndex(s, i, c)])*s.Scale) - s.Mean[c]) / s.Std[c]
				at := slotIndex(s, i, c)
				if f32[at] != float32(want) {
					t.Fatalf("float32 %d is %v, want %v", at, f32[at], want)
				}
				if f16[at] != half(float32(want)) {
					t.Fatalf("float16 %d is %x, want that of %v", at, f16[at], want)
				}
				if byteWant := min(max(math.RoundToEven(want), 0), 255); float64(u8[at]) != byteWant {
					t.Fatalf("uint8 %d is %v, want %v", at, u8[at], byteWant)
				}
			}
		}
		for i := f.Len(); i < len(f32); i++ {
			if f32[i] != 0 || f16[i] != 0 || u8[i] != 0 {
				t.Fatalf("element %d after the slot was written", i)
			}
		}
	})
}

// The published constants of the presets, on one pixel with known values.
func TestPresetValues(t *testing.T) {
	for _, tt := range []struct {
		preset  string
		r, g, b float32 // elements of a pixel 255, 128, 0 in tensor order
	}{
		{"imagenet", (1 - 0.485) / 0.229, (128./255 - 0.456) / 0.224, -0.406 / 0.225},
		{"imagenet-caffe", 0 - 104, 128 - 117, 255 - 123},
		{"raw", 255, 128, 0},
	} {
		s := mustLoad(t, tt.preset)
		f, err := NewFiller(s)
		if err != nil {
			t.Fatal(err)
		}
		crop := bytes.Repeat([]byte{255, 128, 0}, f.Len()/3)
		dst := make([]float32, f.Len())
		f.FillFloat32(dst, crop)
		for c, want := range []float32{tt.r, tt.g, tt.b} {
			s.Crop = Size{224, 224, true}
			if got := dst[slotIndex(s, 224*224-1, c)]; math.Abs(float64(got-want)) > 1e-6 {
				t.Errorf("%s channel %d: %v, want %v", tt.preset, c, got, want)
			}
		}
	}
}

func TestRawUint8IsACopy(t *testing.T) {
	f, err := NewFiller(mustLoad(t, "raw"))
	if err != nil {
		t.Fatal(err)
	}
	crop := make([]byte, f.Len())
	for i := range crop {
		crop[i] = byte(i * 31)
	}
	dst := make([]byte, f.Len())
	f.FillUint8(dst, crop)
	if !bytes.Equal(dst, crop) {
		t.Error("raw changed the pixels")
	}
}

// A BGR or planar uint8 slot must not take the shortcut of a plain copy.
func TestUint8Orders(t *testing.T) {
	for _, tt := range []struct {
		layout   Layout
		channels Channels
		want     []byte
	}{
		{NHWC, RGB, []byte{1, 2, 3, 4, 5, 6}},
		{NHWC, BGR, []byte{3, 2, 1, 6, 5, 4}},
		{NCHW, RGB, []byte{1, 4, 2, 5, 3, 6}},
		{NCHW, BGR, []byte{3, 6, 2, 5, 1, 4}},
	} {
		s := mustParse(t, fmt.Sprintf("{layout: %s, channels: %s, type: uint8, resize: 2x1, crop: none, output: {kind: logits}}", tt.layout, tt.channels))
		f, err := NewFiller(s)
		if err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 6)
		f.FillUint8(got, []byte{1, 2, 3, 4, 5, 6})
		if !bytes.Equal(got, tt.want) {
			t.Errorf("%s %s: %v, want %v", tt.layout, tt.channels, got, tt.want)
		}
	}
}

func TestNewFillerRefusesInvalid(t *testing.T) {
	if _, err := NewFiller(Spec{}); err == nil {
		t.Error("accepted an empty spec")
	}
}

func TestFillDoesNotAllocate(t *testing.T) {
	f, err := NewFiller(mustLoad(t, "imagenet"))
	if err != nil {
		t.Fatal(err)
	}
	dst, crop := make([]float32, f.Len()), make([]byte, f.Len())
	if n := testing.AllocsPerRun(3, func() { f.FillFloat32(dst, crop) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// widen gives the value of half-precision bits, by definition.
func widen(h uint16) float64 {
	sign := 1.0
	if h>>15 == 1 {
		sign = -1
	}
	exponent, fraction := int(h>>10&31), float64(h&1023)
	switch exponent {
	case 0:
		return sign * math.Ldexp(fraction, -24)
	case 31:
		if fraction != 0 {
			return math.NaN()
		}
		return sign * math.Inf(1)
	default:
		return sign * math.Ldexp(1024+fraction, exponent-25)
	}
}

// Every half survives; between two neighbours, the nearer one is taken, and the
// even one from the middle.
func TestHalfExhaustive(t *testing.T) {
	for bits := range uint32(1 << 16) {
		h := uint16(bits)
		v := widen(h)
		if math.IsNaN(v) {
			if got := half(float32(math.Copysign(math.NaN(), v))); !math.IsNaN(widen(got)) {
				t.Fatalf("NaN became %x", got)
			}
			continue
		}
		if got := half(float32(v)); got != h {
			t.Fatalf("%x is %v and became %x", h, v, got)
		}
		if h&0x7fff >= 0x7bff { // the next one is infinity
			continue
		}
		middle := float32((v + widen(h+1)) / 2)
		even := h + h&1
		for _, tt := range []struct {
			v    float32
			want uint16
		}{
			{middle, even},
			{math.Nextafter32(middle, float32(v)), h},
			{math.Nextafter32(middle, float32(widen(h+1))), h + 1},
		} {
			if got := half(tt.v); got != tt.want {
				t.Fatalf("%v became %x, want %x", tt.v, got, tt.want)
			}
		}
	}
}

func TestHalfEdges(t *testing.T) {
	for _, tt := range []struct {
		v    float32
		want uint16
	}{
		{65504, 0x7bff},
		{65519.996, 0x7bff},
		{65520, 0x7c00},
		{65536, 0x7c00},
		{math.MaxFloat32, 0x7c00},
		{float32(math.Inf(-1)), 0xfc00},
		{float32(math.Copysign(0, -1)), 0x8000},
		{math.SmallestNonzeroFloat32, 0},
		{float32(math.Ldexp(1, -25)), 0},
		{float32(math.Ldexp(1, -14)) * (1 - 1.0/4096), 0x0400},
	} {
		if got := half(tt.v); got != tt.want {
			t.Errorf("%v became %04x, want %04x", tt.v, got, tt.want)
		}
	}
}
