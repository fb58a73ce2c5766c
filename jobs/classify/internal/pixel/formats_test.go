package pixel

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"image/color/palette"
	"image/draw"
	"image/gif"
	"io"
	"math"
	"runtime"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// small is the crop that the format tests ask for.
var small = Options{Width: 60, Height: 44}

// Every pixel layout of every format gives the picture that the oracle makes of
// the pixels that were stored.
func TestFormats(t *testing.T) {
	src := sceneRGBA(133, 97)
	r := src.Bounds()
	as := func(dst draw.Image) draw.Image { redraw(dst, src); return dst }
	pal := image.NewPaletted(r, palette.Plan9)
	redraw(pal, src)
	for name, tt := range map[string]struct {
		stored image.Image
		write  func(testing.TB, image.Image) []byte
	}{
		"PNG RGB":      {src, asPNG},
		"PNG RGBA":     {as(image.NewNRGBA(r)), asPNG},
		"PNG 16-bit":   {as(image.NewRGBA64(r)), asPNG},
		"PNG gray":     {as(image.NewGray(r)), asPNG},
		"PNG gray 16":  {as(image.NewGray16(r)), asPNG},
		"PNG palette":  {pal, asPNG},
		"GIF":          {pal, asGIF},
		"BMP":          {src, asBMP},
		"BMP palette":  {pal, asBMP},
		"BMP gray":     {as(image.NewGray(r)), asBMP},
		"TIFF":         {src, asTIFF},
		"TIFF 16-bit":  {as(image.NewNRGBA64(r)), asTIFF},
		"TIFF gray":    {as(image.NewGray(r)), asTIFF},
		"TIFF gray 16": {as(image.NewGray16(r)), asTIFF},
		"TIFF palette": {pal, asTIFF},
	} {
		t.Run(name, func(t *testing.T) {
			got := decodeOK(t, small, tt.write(t, tt.stored))
			wantClose(t, got, oracle(tt.stored, small), 1, 0.3)
		})
	}
}

func TestSolidWebP(t *testing.T) {
	c := color.RGBA{200, 100, 50, 255}
	for name, data := range map[string][]byte{
		"plain":    solidWebP(90, 70, c),
		"extended": solidWebP(90, 70, c, vp8x(0, 90, 70)),
	} {
		got := decodeOK(t, small, data)
		if want := bytes.Repeat([]byte{200, 100, 50}, 60*44); !bytes.Equal(got, want) {
			t.Errorf("%s: %v...", name, got[:6])
		}
	}
}

// Alpha is dropped: transparent pixels show the colour that they store.
func TestAlphaIsDropped(t *testing.T) {
	opts := Options{Width: 2, Height: 1}
	m := image.NewNRGBA(image.Rect(0, 0, 2, 1))
	m.SetNRGBA(0, 0, color.NRGBA{10, 20, 30, 0})
	m.SetNRGBA(1, 0, color.NRGBA{40, 50, 60, 128})
	deep := image.NewNRGBA64(m.Rect)
	deep.SetNRGBA64(0, 0, color.NRGBA64{0x0aff, 0x1400, 0x1e80, 0})
	deep.SetNRGBA64(1, 0, color.NRGBA64{0x2800, 0x32ff, 0x3c00, 0x8000})
	pal := image.NewPaletted(m.Rect, color.Palette{color.NRGBA{10, 20, 30, 0}, color.NRGBA{40, 50, 60, 128}})
	pal.Pix[1] = 1
	want := []byte{10, 20, 30, 40, 50, 60}
	for name, data := range map[string][]byte{"NRGBA": asPNG(t, m), "NRGBA64": asPNG(t, deep), "palette": asPNG(t, pal)} {
		if diff := cmp.Diff(want, decodeOK(t, opts, data)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// The first frame stands on its canvas, with black around it.
func TestGIFCanvas(t *testing.T) {
	pal := color.Palette{color.RGBA{255, 0, 0, 255}, color.RGBA{0, 255, 0, 255}}
	frame, next := image.NewPaletted(image.Rect(1, 1, 3, 2), pal), image.NewPaletted(image.Rect(0, 0, 4, 3), pal)
	frame.Pix[1] = 1
	data := encode(t, func(w io.Writer) error {
		return gif.EncodeAll(w, &gif.GIF{
			Image: []*image.Paletted{frame, next}, Delay: []int{0, 0},
			Config: image.Config{Width: 4, Height: 3, ColorModel: pal},
		})
	})
	want := make([]byte, 4*3*3)
	want[(4+1)*3] = 255
	want[(4+2)*3+1] = 255
	if diff := cmp.Diff(want, decodeOK(t, Options{Width: 4, Height: 3}, data)); diff != "" {
		t.Error(diff)
	}
}

func TestGrayCrops(t *testing.T) {
	m := image.NewRGBA(image.Rect(0, 0, 4, 1))
	for x, c := range []color.RGBA{{255, 0, 0, 255}, {0, 255, 0, 255}, {0, 0, 255, 255}, {9, 9, 9, 255}} {
		m.SetRGBA(x, 0, c)
	}
	got := decodeOK(t, Options{Width: 4, Height: 1, Gray: true}, asPNG(t, m))
	if diff := cmp.Diff([]byte{76, 150, 29, 9}, got); diff != "" { // .299, .587, .114 of 255
		t.Error(diff)
	}
}

// Limited-range BT.601: the primaries as libwebp and every video decoder give them.
func TestLimitedRange(t *testing.T) {
	y := []byte{16, 235, 126, 81, 145, 41, 0, 255}
	cb := []byte{128, 128, 128, 90, 54, 240, 128, 128}
	cr := []byte{128, 128, 128, 240, 34, 110, 128, 128}
	want := []byte{
		0, 0, 0, 255, 255, 255, 128, 128, 128,
		254, 0, 0, 0, 255, 1, 0, 0, 255,
		0, 0, 0, 255, 255, 255,
	}
	wantClose(t, converted(&limitedRange, y, cb, cr), want, 1, 0.2)
	luma := toGray(converted(&limitedRange, y[:3], cb[:3], cr[:3]))
	if diff := cmp.Diff([]byte{0, 255, 128}, luma); diff != "" {
		t.Error(diff)
	}
}

func converted(r *yccRange, y, cb, cr []byte) []byte {
	dst := make([]byte, 3*len(y))
	for i := range y {
		r.rgb(y[i], cb[i], cr[i], dst[3*i:])
	}
	return dst
}

// Full range: the JFIF formula, within the rounding of its published digits, and
// for samples where libjpeg's integers round away from it.
func TestFullRange(t *testing.T) {
	var got [3]byte
	for y := range 256 {
		for cb := 0; cb < 256; cb += 3 {
			for cr := range 256 {
				fullRange.rgb(byte(y), byte(cb), byte(cr), got[:])
				l, b, r := float64(y), float64(cb-128), float64(cr-128)
				for i, want := range []float64{l + 1.402*r, l - 0.34414*b - 0.71414*r, l + 1.772*b} {
					if off := math.Abs(float64(got[i]) - min(max(want, 0), 255)); off > 0.502 {
						t.Fatalf("%d %d %d: channel %d is %d, want %v", y, cb, cr, i, got[i], want)
					}
				}
			}
		}
	}
}

// Chroma samples are repeated over the pixels that they cover, also from within one on.
func TestSubsampledRows(t *testing.T) {
	for _, ratio := range []image.YCbCrSubsampleRatio{
		image.YCbCrSubsampleRatio444, image.YCbCrSubsampleRatio422, image.YCbCrSubsampleRatio420,
		image.YCbCrSubsampleRatio440, image.YCbCrSubsampleRatio411, image.YCbCrSubsampleRatio410,
	} {
		m := image.NewYCbCr(image.Rect(0, 0, 13, 7), ratio)
		for i, plane := range [][]byte{m.Y, m.Cb, m.Cr} {
			copy(plane, noise(13, 7, uint32(i)).Pix)
		}
		row := subsampled(m, false)
		for y := range 7 {
			got := make([]byte, 3*8)
			row(y, 3, 11, got)
			for x := 3; x < 11; x++ {
				c := m.YCbCrAt(x, y)
				want := converted(&fullRange, []byte{c.Y}, []byte{c.Cb}, []byte{c.Cr})
				if !bytes.Equal(got[3*(x-3):][:3], want) {
					t.Fatalf("%v: pixel %d,%d is %v, want %v", ratio, x, y, got[3*(x-3):][:3], want)
				}
			}
		}
	}
}

func TestSniff(t *testing.T) {
	for magic, want := range map[string]format{
		"\xff\xd8\xff\xe0":         formatJPEG,
		"\xff\xd8":                 formatJPEG,
		"\xff":                     formatUnknown,
		"\x89PNG\r\n\x1a\n":        formatPNG,
		"\x89PNG\r\n\x1a":          formatUnknown,
		"GIF87a":                   formatGIF,
		"GIF89a":                   formatGIF,
		"GIF88a":                   formatUnknown,
		"RIFF\x00\x00\x00\x00WEBP": formatWebP,
		"RIFF\x00\x00\x00\x00WAVE": formatUnknown,
		"RIFF....WEB":              formatUnknown,
		"II*\x00":                  formatTIFF,
		"MM\x00*":                  formatTIFF,
		"BM":                       formatBMP,
		"<svg/>":                   formatUnknown,
		"":                         formatUnknown,
	} {
		if got := sniff([]byte(magic)); got != want {
			t.Errorf("%q: %q, want %q", magic, got, want)
		}
	}
}

func TestRejects(t *testing.T) {
	m := noise(64, 48, 1)
	huge := bytes.Clone(asPNG(t, m))
	binary.BigEndian.PutUint32(huge[16:], 65536)
	binary.BigEndian.PutUint32(huge[20:], 65536)
	fixCRC(huge)
	for _, tt := range []struct {
		name string
		data []byte
		want string
	}{
		{"empty", nil, "empty file"},
		{"text", []byte("hello, world"), "not an image (unknown format)"},
		{"one byte", []byte{0xff}, "not an image (unknown format)"},
		{"bomb", huge, "65536x65536 is over --max-pixels 100000000"},
		{"PNG cut in the header", asPNG(t, m)[:20], "unexpected EOF"},
		{"PNG cut in the pixels", asPNG(t, m)[:3000], "png: invalid format: not enough pixel data"},
		{"GIF cut", asGIF(t, m)[:1000], "gif: not enough image data"},
		{"BMP cut", asBMP(t, m)[:1000], "unexpected EOF"},
		{"TIFF cut", asTIFF(t, m)[:100], "unexpected EOF"},
		{"WebP cut", solidWebP(9, 9, color.RGBA{})[:14], "riff: short chunk header"},
		{"animated WebP", solidWebP(9, 9, color.RGBA{}, vp8x(2, 9, 9)), "webp: an animation without a frame"},
		{"extended WebP that lies", solidWebP(90, 90, color.RGBA{}, vp8x(0, 9, 9)), "webp: invalid format"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := newDecoder(t, small)
			status, err := d.Decode(tt.data, make([]byte, d.Bytes()))
			var r *RejectError
			if !errors.As(err, &r) {
				t.Fatalf("status %v, error %v", status, err)
			}
			if r.Reason != tt.want {
				t.Errorf("reason %q, want %q", r.Reason, tt.want)
			}
		})
	}
}

// fixCRC repairs the checksum of a PNG's header chunk.
func fixCRC(file []byte) {
	fixed := withPNGChunk(file, "IHDR", file[16:29])
	copy(file[29:33], fixed[8+25+8+13:])
}

// A file that declares more than the cap costs no memory, whatever its format.
func TestCapComesBeforeMemory(t *testing.T) {
	m := image.NewGray(image.Rect(0, 0, 3000, 2000))
	pal := image.NewPaletted(m.Rect, palette.Plan9)
	opts := small
	opts.MaxPixels = 5_999_999
	for name, data := range map[string][]byte{
		"PNG": asPNG(t, m), "JPEG": asJPEG(t, m), "GIF": asGIF(t, pal),
		"BMP": asBMP(t, m), "TIFF": asTIFF(t, m), "WebP": solidWebP(3000, 2000, color.RGBA{}),
	} {
		d := newDecoder(t, opts)
		dst := make([]byte, d.Bytes())
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := d.Decode(data, dst)
		runtime.ReadMemStats(&after)
		if err == nil || err.Error() != "3000x2000 is over --max-pixels 5999999" {
			t.Errorf("%s: %v", name, err)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 1<<20 {
			t.Errorf("%s: %d bytes allocated", name, used)
		}
		opts := small
		opts.MaxPixels = 6_000_000
		decodeOK(t, opts, data)
	}
}

func TestExtremeShapes(t *testing.T) {
	for _, size := range []image.Point{{1, 1}, {1, 1000}, {1000, 1}, {2, 1}, {7, 300}, {223, 5}} {
		m := sceneRGBA(size.X, size.Y)
		for name, data := range map[string][]byte{"PNG": asPNG(t, m), "JPEG": asJPEG(t, m)} {
			for _, opts := range []Options{imagenet, small, {Width: 1, Height: 1}} {
				if got := decodeOK(t, opts, data); size == image.Pt(1, 1) && name == "PNG" {
					want := bytes.Repeat(m.Pix[:3], len(got)/3)
					wantClose(t, got, want, 0, 0)
				}
			}
		}
	}
}
