package pixel

import (
	"bytes"
	"fmt"
	"image"
	"testing"
)

// jpegColors gives components of the scene in the colour spaces of JPEG. Adobe
// stores CMYK inverted, as light; in its YCCK, Y, Cb and Cr are those of the inks.
func jpegColors(space string) func(c int, u, v float64) float64 {
	return func(c int, u, v float64) float64 {
		p := scene(u, v)
		r, g, b := float64(p.R), float64(p.G), float64(p.B)
		switch space {
		case "RGB":
			return [3]float64{r, g, b}[c]
		case "CMYK":
			return [4]float64{r, g, b, 235}[c]
		case "inks":
			return [4]float64{255 - r, 255 - g, 255 - b, 20}[c]
		case "YCCK":
			r, g, b = 255-r, 255-g, 255-b
		}
		return [4]float64{
			0.299*r + 0.587*g + 0.114*b,
			128 - 0.168736*r - 0.331264*g + 0.5*b,
			128 + 0.5*r - 0.418688*g - 0.081312*b,
			235,
		}[c]
	}
}

// dimmed is the scene under the black ink that jpegColors adds.
func dimmed(m *image.RGBA) *image.RGBA {
	out := image.NewRGBA(m.Rect)
	for i, v := range m.Pix {
		out.Pix[i] = byte((int(v)*235 + 127) / 255)
	}
	return out
}

var (
	s444    = [][2]int{{1, 1}, {1, 1}, {1, 1}}
	s422    = [][2]int{{2, 1}, {1, 1}, {1, 1}}
	s420    = [][2]int{{2, 2}, {1, 1}, {1, 1}}
	s440    = [][2]int{{1, 2}, {1, 1}, {1, 1}}
	s411    = [][2]int{{4, 1}, {1, 1}, {1, 1}}
	s410    = [][2]int{{4, 2}, {1, 1}, {1, 1}}
	s441    = [][2]int{{1, 4}, {1, 1}, {1, 1}}
	sMixed  = [][2]int{{2, 2}, {2, 1}, {1, 2}}
	s1111   = [][2]int{{1, 1}, {1, 1}, {1, 1}, {1, 1}}
	sScaled = [][2]int{{2, 2}, {1, 1}, {1, 1}, {2, 2}}
)

// Every sampling and colour space gives the scene, at sizes that do not fill
// their blocks, without DCT scaling and with each degree of it.
func TestJPEGVariants(t *testing.T) {
	// Coarse where chroma samples are repeated and not interpolated, and where a
	// quarter of the chroma, scaled down with the luma, is less than the crop has.
	const fine, coarse = 1.3, 3.2
	for _, tt := range []struct {
		name     string
		sampling [][2]int
		space    string
		adobe    int
		mean     float64
		std      bool // image/jpeg reads it too
	}{
		{"4:4:4", s444, "YCbCr", -1, fine, true},
		{"4:2:2", s422, "YCbCr", -1, fine, true},
		{"4:2:0", s420, "YCbCr", -1, fine, true},
		{"4:4:0", s440, "YCbCr", -1, fine, true},
		{"4:1:1", s411, "YCbCr", -1, coarse, true},
		{"4:1:0", s410, "YCbCr", -1, coarse, true},
		{"4:4:1", s441, "YCbCr", -1, coarse, false},
		{"mixed", sMixed, "YCbCr", -1, coarse, false},
		{"RGB", s444, "RGB", 0, fine, true},
		{"CMYK Adobe", s1111, "CMYK", 0, fine, true},
		{"YCCK Adobe", s1111, "YCCK", 2, fine, true},
		{"YCCK subsampled", sScaled, "YCCK", 2, fine, true},
		{"CMYK plain", s1111, "inks", -1, fine, false},
	} {
		opts := Options{Width: 15, Height: 11}
		for by, size := range map[int]image.Point{1: {55, 43}, 2: {61, 45}, 4: {123, 90}, 8: {245, 181}} {
			t.Run(fmt.Sprintf("%s at 1 to %d", tt.name, by), func(t *testing.T) {
				if !tt.std && !withTurbo {
					t.Skip("only libjpeg-turbo reads this one")
				}
				v, err := opts.view(size.X, size.Y, upright)
				if err != nil || shrink(v, false) != by {
					t.Fatalf("%v would be scaled to 1/%d, %v", size, shrink(v, false), err)
				}
				want := sceneRGBA(size.X, size.Y)
				if len(tt.sampling) == 4 {
					want = dimmed(want)
				}
				got := decodeOK(t, opts, encodeJPEG(t, jpegSpec{size.X, size.Y, tt.sampling, tt.adobe, jpegColors(tt.space)}))
				wantClose(t, got, oracle(want, opts), 11, tt.mean)
			})
		}
	}
}

func TestJPEGGray(t *testing.T) {
	gray := image.NewGray(image.Rect(0, 0, 500, 400))
	redraw(gray, sceneRGBA(500, 400))
	data := asJPEG(t, gray)
	want := oracle(gray, small)
	wantClose(t, decodeOK(t, small, data), want, 4, 1)
	grayOnly := small
	grayOnly.Gray = true
	for i, v := range decodeOK(t, grayOnly, data) {
		if diff := int(v) - int(want[3*i]); diff > 4 || diff < -4 {
			t.Fatalf("pixel %d is %d, want %d", i, v, want[3*i])
		}
	}
}

// A colour JPEG gives its luma for a gray crop.
func TestJPEGLuma(t *testing.T) {
	gray := image.NewGray(image.Rect(0, 0, 120, 88))
	redraw(gray, sceneRGBA(120, 88))
	want := oracle(gray, small)
	for _, space := range []string{"YCbCr", "RGB"} {
		opts := small
		opts.Gray = true
		got := decodeOK(t, opts, encodeJPEG(t, jpegSpec{120, 88, s444, map[string]int{"YCbCr": -1, "RGB": 0}[space], jpegColors(space)}))
		for i, v := range got {
			if diff := int(v) - int(want[3*i]); diff > 5 || diff < -5 {
				t.Fatalf("%s: pixel %d is %d, want %d", space, i, v, want[3*i])
			}
		}
	}
}

func TestShrink(t *testing.T) {
	for _, tt := range []struct {
		w, h    int
		nearest bool
		want    int
	}{
		{500, 375, false, 1},
		{1023, 2000, false, 1},
		{1024, 1100, false, 2}, // the resized shorter side is 256: still 512 after the DCT
		{2047, 2048, false, 2},
		{2048, 2048, false, 4},
		{4096, 4096, false, 8},
		{4096, 5000, false, 4}, // the longer side is rounded up to 313
		{40960, 50000, false, 8},
		{4096, 5000, true, 1},
	} {
		opts := imagenet
		opts.Nearest, opts.MaxPixels = tt.nearest, 1<<40
		v, err := opts.view(tt.w, tt.h, upright)
		if err != nil {
			t.Fatal(err)
		}
		if got := shrink(v, tt.nearest); got != tt.want {
			t.Errorf("%dx%d: 1/%d, want 1/%d", tt.w, tt.h, got, tt.want)
		}
	}
}

// A JPEG that ends early gives what is there, marked, or is refused: never a silent crop.
func TestTruncatedJPEG(t *testing.T) {
	data := asJPEG(t, noise(200, 150, 5))
	d := newDecoder(t, small)
	dst := make([]byte, d.Bytes())
	for n := 1; n < len(data)-2; n += 97 {
		status, err := d.Decode(data[:n], dst)
		if err == nil && status == OK {
			t.Fatalf("%d of %d bytes are %v", n, len(data), status)
		}
		if (status == Damaged) != (d.Warning() != "") {
			t.Errorf("status %v, warning %q", status, d.Warning())
		}
	}
	if status, err := d.Decode(data[:len(data)/2], dst); withTurbo && (status != Damaged || err != nil) {
		t.Errorf("half a file: %v, %v", status, err)
	}
}

// A complaint about one file must not be held against the next.
func TestComplaintsDoNotStick(t *testing.T) {
	good := asJPEG(t, noise(100, 80, 5))
	want := decodeOK(t, small, good)
	d := newDecoder(t, small)
	for _, bad := range [][]byte{
		{0xff, 0xd8, 0xff, 0xdb, 0, 0}, // a segment shorter than its own length
		{0xff, 0xd8, 0xff},
		good[:400],
		good[:len(good)/2],
		withJPEGSegment(good, markerSOF0, []byte{8, 0, 0, 0, 0, 1, 1, 0x11, 0}),
	} {
		got := make([]byte, d.Bytes())
		if status, err := d.Decode(bad, got); err == nil && status == OK {
			t.Errorf("%x... accepted", bad[:6])
		}
		status, err := d.Decode(good, got)
		if status != OK || err != nil || d.Warning() != "" || !bytes.Equal(got, want) {
			t.Errorf("after %x...: %v, %v, %q", bad[:6], status, err, d.Warning())
		}
	}
}

func TestScanJPEG(t *testing.T) {
	base := asJPEG(t, image.NewGray(image.Rect(0, 0, 8, 8)))
	twelve := bytes.Clone(base)
	twelve[bytes.Index(base, []byte{0xff, markerSOF0})+4] = 12
	for _, tt := range []struct {
		name      string
		data      []byte
		precision int
		adobe     bool
	}{
		{"gray", base, 8, false},
		{"12-bit", twelve, 12, false},
		{"Adobe", encodeJPEG(t, jpegSpec{8, 8, s444, 0, jpegColors("RGB")}), 8, true},
		{"restart markers and fill bytes before", append([]byte{0xff, 0xd8, 0xff, 0xd0, 0xff, 0xff, 0x01, 0xff}, base[2:]...), 8, false},
		{"nothing", nil, 0, false},
		{"start only", []byte{0xff, 0xd8}, 0, false},
	} {
		if got := scanJPEG(tt.data); got.precision != tt.precision || got.adobe != tt.adobe {
			t.Errorf("%s: %+v", tt.name, got)
		}
	}
	d := newDecoder(t, small)
	if _, err := d.Decode(twelve, make([]byte, d.Bytes())); err == nil || err.Error() != "12-bit JPEG is not supported" {
		t.Errorf("12-bit: %v", err)
	}
}

func TestInks(t *testing.T) {
	pix := []byte{0, 128, 255, 0, 0, 0, 0, 255, 255, 255, 255, 0}
	for flip, want := range map[byte][]byte{
		0xff: {255, 127, 0, 0, 0, 0, 0, 0, 0}, // 255 is all ink
		0x00: make([]byte, 9),                 // 0 is all ink
	} {
		dst := make([]byte, 9)
		inks(pix, 12, flip)(0, 0, 3, dst)
		if !bytes.Equal(dst, want) {
			t.Errorf("flip %x: %v, want %v", flip, dst, want)
		}
	}
}
