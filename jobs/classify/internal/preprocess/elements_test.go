package preprocess

import (
	"bytes"
	"math"
	"testing"

	"pgregory.net/rapid"
)

func needAffines(t testing.TB) {
	if f, _ := affines(); f == nil {
		t.Skip("no kernel for this machine")
	}
}

func sameFloat32(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) }
func sameUint16(a, b uint16) bool   { return a == b }

// comparePlane writes the samples of a channel with the kernel and by the table, from and to any alignment.
func comparePlane[T any](t testing.TB, e elements[T], c int, l line, samples []byte, shift int, same func(a, b T) bool, mark T) {
	t.Helper()
	if e.affine == nil {
		t.Fatal("no kernel")
	}
	const guard = block
	n := (len(samples) + 2) / 3
	table := e
	table.affine = nil
	var dst [2][]T
	for i, e := range []elements[T]{e, table} {
		dst[i] = make([]T, shift+n+guard)
		for j := range dst[i] {
			dst[i][j] = mark
		}
		e.plane(c, dst[i][shift:][:n], samples, l)
	}
	for i := range dst[0] {
		if !same(dst[0][i], dst[1][i]) {
			t.Fatalf("element %d of %d from %d on is %v, want %v", i, n, shift, dst[0][i], dst[1][i])
		}
	}
	for i, v := range dst[1] {
		if inside := i >= shift && i < shift+n; !inside && !same(v, mark) {
			t.Fatalf("element %d, outside of %d from %d on, was written", i, n, shift)
		}
	}
}

func compareBoth(t testing.TB, f *Filler, c int, samples []byte, shift int) {
	t.Helper()
	comparePlane(t, f.f32, c, f.lines[c], samples, shift, sameFloat32, 12345)
	comparePlane(t, f.f16, c, f.lines[c], samples, shift, sameUint16, 54321)
}

// TestPlane has every number of samples up to some blocks, at every alignment of a vector register.
func TestPlane(t *testing.T) {
	needAffines(t)
	f, err := NewFiller(mustLoad(t, "imagenet"))
	if err != nil {
		t.Fatal(err)
	}
	samples := make([]byte, 3*5*block+16)
	for i := range samples {
		samples[i] = byte(i * 83)
	}
	for n := range 3 * 5 * block {
		from := n % 16
		compareBoth(t, f, n%3, samples[from:from+n:from+n], n/3%9)
	}
}

// FuzzPlane: any samples, in any number, have the bits of the table.
func FuzzPlane(f *testing.F) {
	needAffines(f)
	f.Add([]byte{}, uint8(0), uint8(0))
	f.Add(bytes.Repeat([]byte{0, 1, 127, 128, 255}, 40), uint8(1), uint8(3))
	fillers := map[string]*Filler{}
	for _, name := range []string{"imagenet", "imagenet-caffe"} {
		s, _ := preset(name)
		var err error
		if fillers[name], err = NewFiller(s); err != nil {
			f.Fatal(err)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, from, shift uint8) {
		for _, filler := range fillers {
			for c := range 3 {
				compareBoth(t, filler, c, data[min(int(from), len(data)):], int(shift))
			}
		}
	})
}

// Kernels must be used where their bits are right: for the presets, and for nearly all specs.
func TestKernelsAreUsed(t *testing.T) {
	needAffines(t)
	for _, name := range []string{"imagenet", "imagenet-caffe"} {
		f, err := NewFiller(mustLoad(t, name))
		if err != nil {
			t.Fatal(err)
		}
		if f.f32.affine == nil || f.f16.affine == nil {
			t.Errorf("%s does without the kernels: float32 %v, float16 %v", name, f.f32.affine != nil, f.f16.affine != nil)
		}
	}
	used, all := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		f, err := NewFiller(specGen().Draw(t, "spec"))
		if err != nil {
			t.Fatal(err)
		}
		all++
		if f.f32.affine != nil {
			used++
		}
	})
	if used < all/2 {
		t.Errorf("only %d of %d specs use the kernel", used, all)
	}
	t.Logf("%d of %d specs use the kernel", used, all)
}

// The bits of the formula stay where the kernel's way of computing it has others.
func TestKernelsAreNotUsed(t *testing.T) {
	needAffines(t)
	s := mustLoad(t, "imagenet")
	s.Mean = []float64{0.2, 0.4, 0.6} // what is left of 51, 102 and 153 times 1/255 is only the rounding of the product
	f, err := NewFiller(s)
	if err != nil {
		t.Fatal(err)
	}
	if f.f32.affine != nil {
		t.Error("the kernel is used though it has other bits")
	}
	crop := bytes.Repeat([]byte{51, 102, 153}, f.Len()/3)
	dst := make([]float32, f.Len())
	f.FillFloat32(dst, crop)
	for c, v := range []int{51, 102, 153} {
		if got, want := dst[c*f.Len()/3], float32(s.element(v, c)); !sameFloat32(got, want) {
			t.Errorf("sample %d is %v, want %v", v, got, want)
		}
	}
}

// One sample in one channel is enough to refuse a kernel, and so is the sign of a zero.
func TestUse(t *testing.T) {
	good := func(dst []float32, samples []byte, scale, offset float64) {
		for i := range dst {
			dst[i] = float32(float64(samples[3*i])*scale + offset)
		}
	}
	lines := []line{{1, 0}, {2, 0}, {3, 0}}
	for _, tt := range []struct {
		name   string
		kernel affine[float32]
		want   bool
	}{
		{"good", good, true},
		{"none", nil, false},
		{"wrong in the last", func(dst []float32, samples []byte, scale, offset float64) {
			good(dst, samples, scale, offset)
			if scale == 3 {
				dst[255] = math.Nextafter32(dst[255], 0)
			}
		}, false},
		{"-0", func(dst []float32, samples []byte, scale, offset float64) {
			good(dst, samples, scale, offset)
			dst[0] = float32(math.Copysign(0, -1))
		}, false},
	} {
		var e elements[float32]
		for c, l := range lines {
			for v := range 256 {
				e.of[c][v] = float32(v) * float32(l.scale)
			}
		}
		e.use(tt.kernel, lines, sameFloat32)
		if got := e.affine != nil; got != tt.want {
			t.Errorf("%s: used %v, want %v", tt.name, got, tt.want)
		}
	}
}
