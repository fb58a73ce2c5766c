package pixel

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Colour types of PNG, and the samples of a pixel.
const (
	pngGray, pngRGB, pngPalette, pngGrayAlpha, pngRGBA = 0, 2, 3, 4, 6
)

// rawPNG writes a PNG of 3 x 1 pixels by hand: Go's encoder knows neither all depths nor transparency by a key. samples are
// those of the pixels, big-endian where they are of 16 bits.
type rawPNG struct {
	depth, kind   byte
	samples       []uint16
	palette, trns []byte
}

func (p rawPNG) bytes(t *testing.T) []byte {
	t.Helper()
	line := []byte{0} // the filter: none
	var bits, n uint
	for _, s := range p.samples {
		bits, n = bits<<p.depth|uint(s), n+uint(p.depth)
		for ; n >= 8; n -= 8 {
			line = append(line, byte(bits>>(n-8)))
		}
	}
	if n > 0 {
		line = append(line, byte(bits<<(8-n)))
	}
	packed := encode(t, func(w io.Writer) error {
		z := zlib.NewWriter(w)
		if _, err := z.Write(line); err != nil {
			return err
		}
		return z.Close()
	})
	header := []byte{0, 0, 0, 3, 0, 0, 0, 1, p.depth, p.kind, 0, 0, 0}
	file := append([]byte("\x89PNG\r\n\x1a\n"), pngPart(t, "IHDR", header)...)
	if p.palette != nil {
		file = append(file, pngPart(t, "PLTE", p.palette)...)
	}
	if p.trns != nil {
		file = append(file, pngPart(t, "tRNS", p.trns)...)
	}
	return append(append(file, pngPart(t, "IDAT", packed)...), pngPart(t, "IEND", nil)...)
}

// pngPart is a chunk, as withPNGChunk makes it.
func pngPart(t *testing.T, name string, body []byte) []byte {
	t.Helper()
	const header = 8 + 25
	return withPNGChunk(make([]byte, header), name, body)[header:]
}

// Every colour type of PNG in every depth: without a background as the samples are, and over one by their alpha.
func TestPNG(t *testing.T) {
	opts := Options{Width: 3, Height: 1}
	over := opts
	over.Background = Background{true, 255, 0, 100}
	pal := []byte{10, 20, 30, 40, 50, 60, 70, 80, 90}
	flat := []byte{10, 20, 30, 40, 50, 60, 70, 80, 90}
	for _, tt := range []struct {
		name       string
		png        rawPNG
		want, over []byte // over is nil where nothing is transparent
	}{
		{"gray 1", rawPNG{1, pngGray, []uint16{0, 1, 0}, nil, nil}, []byte{0, 0, 0, 255, 255, 255, 0, 0, 0}, nil},
		{"gray 2", rawPNG{2, pngGray, []uint16{0, 1, 3}, nil, nil}, []byte{0, 0, 0, 85, 85, 85, 255, 255, 255}, nil},
		{"gray 4", rawPNG{4, pngGray, []uint16{1, 7, 15}, nil, nil}, []byte{17, 17, 17, 119, 119, 119, 255, 255, 255}, nil},
		{"gray 8", rawPNG{8, pngGray, []uint16{0, 100, 255}, nil, nil}, []byte{0, 0, 0, 100, 100, 100, 255, 255, 255}, nil},
		{"gray 16", rawPNG{16, pngGray, []uint16{0x00ff, 0x6480, 0xff00}, nil, nil}, []byte{0, 0, 0, 100, 100, 100, 255, 255, 255}, nil},
		{"RGB 8", rawPNG{8, pngRGB, []uint16{10, 20, 30, 40, 50, 60, 70, 80, 90}, nil, nil}, flat, nil},
		{
			"RGB 16", rawPNG{16, pngRGB, []uint16{0x0aff, 0x1400, 0x1e01, 0x2800, 0x3200, 0x3cff, 0x4600, 0x5000, 0x5a00}, nil, nil}, flat, nil,
		},
		{"palette 1", rawPNG{1, pngPalette, []uint16{0, 1, 0}, pal[:6], nil}, []byte{10, 20, 30, 40, 50, 60, 10, 20, 30}, nil},
		{"palette 2", rawPNG{2, pngPalette, []uint16{0, 1, 2}, pal, nil}, flat, nil},
		{"palette 4", rawPNG{4, pngPalette, []uint16{0, 1, 2}, pal, nil}, flat, nil},
		{"palette 8", rawPNG{8, pngPalette, []uint16{0, 1, 2}, pal, nil}, flat, nil},
		{
			"palette with alpha",
			rawPNG{8, pngPalette, []uint16{0, 1, 2}, pal, []byte{0, 51}},
			flat,
			[]byte{255, 0, 100, 212, 10, 92, 70, 80, 90},
		},
		{
			"gray with a key",
			rawPNG{8, pngGray, []uint16{0, 100, 255}, nil, []byte{0, 100}},
			[]byte{0, 0, 0, 100, 100, 100, 255, 255, 255},
			[]byte{0, 0, 0, 255, 0, 100, 255, 255, 255},
		},
		{
			"RGB with a key",
			rawPNG{8, pngRGB, []uint16{10, 20, 30, 40, 50, 60, 70, 80, 90}, nil, []byte{0, 40, 0, 50, 0, 60}},
			flat,
			[]byte{10, 20, 30, 255, 0, 100, 70, 80, 90},
		},
		{
			"gray and alpha 8",
			rawPNG{8, pngGrayAlpha, []uint16{10, 0, 100, 51, 200, 255}, nil, nil},
			[]byte{10, 10, 10, 100, 100, 100, 200, 200, 200},
			[]byte{255, 0, 100, 224, 20, 100, 200, 200, 200},
		},
		{
			"gray and alpha 16",
			rawPNG{16, pngGrayAlpha, []uint16{0x0aff, 0, 0x64ff, 0x33ff, 0xc8ff, 0xffff}, nil, nil},
			[]byte{10, 10, 10, 100, 100, 100, 200, 200, 200},
			[]byte{255, 0, 100, 224, 20, 100, 200, 200, 200},
		},
		{
			"RGBA 8",
			rawPNG{8, pngRGBA, []uint16{10, 20, 30, 0, 40, 50, 60, 51, 70, 80, 90, 255}, nil, nil},
			flat,
			[]byte{255, 0, 100, 212, 10, 92, 70, 80, 90},
		},
		{
			"RGBA 16",
			rawPNG{16, pngRGBA, []uint16{0x0a00, 0x1400, 0x1eff, 0, 0x2800, 0x3201, 0x3c00, 0x3333, 0x4600, 0x5000, 0x5a00, 0xffff}, nil, nil},
			flat,
			[]byte{255, 0, 100, 212, 10, 92, 70, 80, 90},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			data := tt.png.bytes(t)
			if diff := cmp.Diff(tt.want, decodeOK(t, opts, data)); diff != "" {
				t.Errorf("alpha dropped: %s", diff)
			}
			if tt.over == nil {
				tt.over = tt.want
			}
			if diff := cmp.Diff(tt.over, decodeOK(t, over, data)); diff != "" {
				t.Errorf("over a background: %s", diff)
			}
		})
	}
}

// A background is blended before the resize, so that the colours of transparent pixels leave no trace.
func TestBackgroundBeforeResize(t *testing.T) {
	m := image.NewNRGBA(image.Rect(0, 0, 64, 64))
	for i := 0; i < len(m.Pix); i += 4 {
		copy(m.Pix[i:], []byte{byte(i), byte(i >> 3), 77, 0})
	}
	opts := Options{Width: 5, Height: 7, Background: Background{true, 1, 2, 3}}
	if got, want := decodeOK(t, opts, asPNG(t, m)), bytes.Repeat([]byte{1, 2, 3}, 35); !bytes.Equal(got, want) {
		t.Errorf("%v", got)
	}
	opts.Gray = true
	if got, want := decodeOK(t, opts, asPNG(t, m)), bytes.Repeat([]byte{2}, 35); !bytes.Equal(got, want) { // .299 + 2*.587 + 3*.114
		t.Errorf("gray: %v", got)
	}
}

// Alpha that is multiplied into the samples, as a TIFF may have it, and such a palette.
func TestPremultiplied(t *testing.T) {
	bg := Background{true, 255, 0, 100}
	for _, tt := range []struct{ in, want color.RGBA }{
		{color.RGBA{10, 20, 30, 255}, color.RGBA{10, 20, 30, 255}},
		{color.RGBA{0, 0, 0, 0}, color.RGBA{255, 0, 100, 0}},
		{color.RGBA{8, 10, 12, 51}, color.RGBA{212, 10, 92, 0}},
		{color.RGBA{200, 200, 200, 100}, color.RGBA{255, 200, 255, 0}}, // more than alpha allows
	} {
		want := [3]byte{tt.want.R, tt.want.G, tt.want.B}
		if got := bg.under(tt.in); got != want {
			t.Errorf("%v over the background: %v", tt.in, got)
		}
		m := image.NewRGBA(image.Rect(0, 0, 1, 1))
		m.SetRGBA(0, 0, tt.in)
		p, err := raster{img: m, w: 1, h: 1}.picture(bg)
		if err != nil {
			t.Fatal(err)
		}
		var got [3]byte
		if p.row(0, 0, 1, got[:]); got != want {
			t.Errorf("%v in a picture: %v", tt.in, got)
		}
	}
	if got := (Background{}).under(color.NRGBA{1, 2, 3, 0}); got != [3]byte{1, 2, 3} {
		t.Errorf("alpha dropped: %v", got)
	}
}

// Of an animation the first frame counts, where it stands; a background shows beside it and through it.
func TestGIFOverBackground(t *testing.T) {
	pal := color.Palette{color.RGBA{255, 0, 0, 255}, color.RGBA{}}
	frame, next := image.NewPaletted(image.Rect(1, 1, 3, 2), pal), image.NewPaletted(image.Rect(0, 0, 4, 3), pal)
	frame.Pix[1] = 1
	data := encode(t, func(w io.Writer) error {
		return gif.EncodeAll(w, &gif.GIF{
			Image: []*image.Paletted{frame, next, next}, Delay: []int{0, 0, 0},
			Config: image.Config{Width: 4, Height: 3, ColorModel: pal},
		})
	})
	want := bytes.Repeat([]byte{9, 8, 7}, 4*3)
	copy(want[(4+1)*3:], []byte{255, 0, 0})
	opts := Options{Width: 4, Height: 3, Background: Background{true, 9, 8, 7}}
	if diff := cmp.Diff(want, decodeOK(t, opts, data)); diff != "" {
		t.Error(diff)
	}
}

// animatedWebPFile is an animation of frames of one colour on a canvas, each at a place with even coordinates.
func animatedWebPFile(w, h int, frames ...webpTestFrame) []byte {
	chunks := [][]byte{vp8x(webpAnimation, w, h), riffPart("ANIM", make([]byte, 6))}
	for _, f := range frames {
		still := solidWebP(f.w, f.h, f.c)
		body := []byte{byte(f.x / 2), 0, 0, byte(f.y / 2), 0, 0, byte(f.w - 1), 0, 0, byte(f.h - 1), 0, 0, 50, 0, 0, 0}
		chunks = append(chunks, riffPart("ANMF", append(body, still[12:]...)))
	}
	return riff(chunks...)
}

type webpTestFrame struct {
	x, y, w, h int
	c          color.RGBA
}

func TestAnimatedWebP(t *testing.T) {
	first, next := webpTestFrame{2, 4, 3, 1, color.RGBA{1, 2, 3, 255}}, webpTestFrame{0, 0, 8, 6, color.RGBA{200, 200, 200, 255}}
	data := animatedWebPFile(8, 6, first, next)
	for _, bg := range []Background{{}, {true, 50, 60, 70}} {
		want := bytes.Repeat([]byte{bg.R, bg.G, bg.B}, 8*6)
		copy(want[(4*8+2)*3:], bytes.Repeat([]byte{1, 2, 3}, 3))
		if diff := cmp.Diff(want, decodeOK(t, Options{Width: 8, Height: 6, Background: bg}, data)); diff != "" {
			t.Errorf("%v: %s", bg, diff)
		}
	}
	d := newDecoder(t, Options{Width: 8, Height: 6, MaxPixels: 1000})
	crop := make([]byte, d.Bytes())
	for name, tt := range map[string]struct {
		data []byte
		want string
	}{
		"frame over the edge":  {animatedWebPFile(8, 6, webpTestFrame{6, 0, 3, 1, first.c}), "the pixels are not what the header says"},
		"frame too large":      {animatedWebPFile(8, 6, webpTestFrame{0, 0, 9, 1, first.c}), "the pixels are not what the header says"},
		"canvas over the cap":  {animatedWebPFile(100, 100, first), "100x100 is over --max-pixels 1000"},
		"no frame":             {animatedWebPFile(8, 6), "webp: an animation without a frame"},
		"a frame of no chunks": {riff(vp8x(webpAnimation, 8, 6), riffPart("ANMF", make([]byte, 16))), "webp: invalid format"},
	} {
		if got := outcomeOf(d, tt.data, crop); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
	for n := range data { // however short, no panic
		outcomeOf(d, data[:n], crop)
	}
}

// A lossy frame with alpha becomes a still file with the extended header that alpha needs.
func TestAnimatedWebPWithAlpha(t *testing.T) {
	alpha, pixels := []byte("alpha"), []byte("pixels")
	body := append([]byte{1, 0, 0, 2, 0, 0, 5, 0, 0, 3, 0, 0, 0, 0, 0, 0}, bytes.Join([][]byte{riffPart("ALPH", alpha), riffPart("VP8 ", pixels)}, nil)...)
	f, err := firstFrame(riff(vp8x(webpAnimation|webpAlpha, 20, 10), riffPart("ANMF", body)))
	if err != nil {
		t.Fatal(err)
	}
	want := riff(vp8x(webpAlpha, 6, 4), riffPart("ALPH", alpha), riffPart("VP8 ", pixels))
	if !bytes.Equal(f.still, want) || f.at != image.Pt(2, 4) || f.w != 20 || f.h != 10 {
		t.Errorf("%+v\n%q, want\n%q", f, f.still, want)
	}
}

// What is known and not read is refused by its name.
func TestRefusedByName(t *testing.T) {
	box := func(brands string) string {
		return string(binary.BigEndian.AppendUint32(nil, uint32(8+len(brands)))) + "ftyp" + brands + "\x00\x00\x00\x08mdat"
	}
	for data, want := range map[string]format{
		box("avif\x00\x00\x00\x00mif1miaf"):  formatAVIF,
		box("mif1\x00\x00\x00\x00miafavif"):  formatAVIF,
		box("avis\x00\x00\x00\x00msf1avis"):  formatAVIF,
		box("heic\x00\x00\x00\x00mif1heic"):  formatHEIC,
		box("mif1\x00\x00\x00\x00heix"):      formatHEIC,
		box("isom\x00\x00\x02\x00isomiso2"):  formatUnknown, // a video
		"\xff\x0a\x00\x10\x20\x30":           formatJPEGXL,
		"\x00\x00\x00\x0cJXL \r\n\x87\n\x00": formatJPEGXL,
		"\x00\x00\x00\x0cjP  \r\n\x87\n\x00": formatJPEG2000,
		"\xff\x4f\xff\x51\x00\x2f":           formatJPEG2000,
		"II+\x00\x08\x00\x00\x00":            formatBigTIFF,
		"MM\x00+\x00\x08\x00\x00":            formatBigTIFF,
		"8BPS\x00\x01":                       formatPSD,
	} {
		reason := fmt.Sprintf("%s is not supported", want)
		if want == formatUnknown {
			reason = "not an image (unknown format)"
		}
		d := newDecoder(t, small)
		if got := outcomeOf(d, []byte(data), make([]byte, d.Bytes())); got != reason {
			t.Errorf("%q: %q, want %q", data, got, reason)
		}
		for n := range data {
			sniff([]byte(data)[:n])
		}
	}
}
