package pixel

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"math"
	"testing"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
)

// scene is a smooth picture without symmetry, so that turns and shifts show;
// u and v run from 0 to 1.
func scene(u, v float64) color.RGBA {
	wave := func(a, b, c float64) byte { return byte(128 + 100*math.Sin(a*u+b*v+c)) }
	return color.RGBA{wave(5, 2, 0), wave(1, 6, 1), wave(4, -3, 2), 255}
}

// sceneRGBA draws the scene in w x h pixels.
func sceneRGBA(w, h int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			m.SetRGBA(x, y, scene((float64(x)+.5)/float64(w), (float64(y)+.5)/float64(h)))
		}
	}
	return m
}

func redraw(dst interface {
	image.Image
	Set(x, y int, c color.Color)
}, src image.Image,
) {
	b := src.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			dst.Set(x, y, src.At(x, y))
		}
	}
}

// encode runs an encoder into memory.
func encode(t testing.TB, write func(w io.Writer) error) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func asPNG(t testing.TB, m image.Image) []byte {
	return encode(t, func(w io.Writer) error { return png.Encode(w, m) })
}

func asBMP(t testing.TB, m image.Image) []byte {
	return encode(t, func(w io.Writer) error { return bmp.Encode(w, m) })
}

func asTIFF(t testing.TB, m image.Image) []byte {
	return encode(t, func(w io.Writer) error { return tiff.Encode(w, m, &tiff.Options{Compression: tiff.Deflate}) })
}

func asGIF(t testing.TB, m image.Image) []byte {
	return encode(t, func(w io.Writer) error { return gif.Encode(w, m, nil) })
}

func asJPEG(t testing.TB, m image.Image) []byte {
	return encode(t, func(w io.Writer) error { return jpeg.Encode(w, m, &jpeg.Options{Quality: 95}) })
}

// solidWebP writes a lossless WebP of one colour by hand: each of the five prefix
// codes has a single symbol, so that pixels take no bits at all.
func solidWebP(w, h int, c color.RGBA, chunks ...[]byte) []byte {
	var bits uint64
	var n uint
	var body []byte
	put := func(v uint64, width uint) {
		bits |= v << n
		for n += width; n >= 8; n -= 8 {
			body, bits = append(body, byte(bits)), bits>>8
		}
	}
	put(0x2f, 8)
	put(uint64(w-1), 14)
	put(uint64(h-1), 14)
	put(0, 1+3) // no alpha, version 0
	put(0, 1+1+1)
	for _, symbol := range []byte{c.G, c.R, c.B, 255} {
		put(1, 1) // a simple code
		put(0, 1) // of one symbol
		put(1, 1) // of eight bits
		put(uint64(symbol), 8)
	}
	put(0b0001, 4) // distance: a simple code, one symbol, of one bit: 0
	put(0, 8)
	return riff(append(chunks, riffPart("VP8L", body))...)
}

func riff(chunks ...[]byte) []byte {
	body := append([]byte("WEBP"), bytes.Join(chunks, nil)...)
	return append(binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(len(body))), body...)
}

func riffPart(name string, body []byte) []byte {
	part := append(binary.LittleEndian.AppendUint32([]byte(name), uint32(len(body))), body...)
	return append(part, make([]byte, len(body)%2)...)
}

// vp8x is the extended header of a WebP of w x h pixels.
func vp8x(flags byte, w, h int) []byte {
	body := []byte{flags, 0, 0, 0, byte(w - 1), byte((w - 1) >> 8), byte((w - 1) >> 16), byte(h - 1), byte((h - 1) >> 8), byte((h - 1) >> 16)}
	return riffPart("VP8X", body)
}

// exifBlock is a TIFF structure that holds an orientation, after another tag.
func exifBlock(order binary.AppendByteOrder, o orientation) []byte {
	head := "II*\x00"
	if order.String() == binary.BigEndian.String() {
		head = "MM\x00*"
	}
	b := order.AppendUint32([]byte(head), 8)
	b = order.AppendUint16(b, 2)
	for _, e := range []struct{ tag, kind, value uint16 }{{0x0100, 3, 77}, {0x0112, 3, uint16(o)}} {
		b = order.AppendUint16(order.AppendUint16(b, e.tag), e.kind)
		b = order.AppendUint16(order.AppendUint32(b, 1), e.value)
		b = order.AppendUint16(b, 0)
	}
	return order.AppendUint32(b, 0)
}

// withPNGChunk puts a chunk behind the header of a PNG.
func withPNGChunk(file []byte, name string, body []byte) []byte {
	const header = 8 + 25
	chunk := append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), name...)
	chunk = append(chunk, body...)
	chunk = binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(chunk[4:]))
	return bytes.Join([][]byte{file[:header], chunk, file[header:]}, nil)
}

// withJPEGSegment puts a segment in front of the others.
func withJPEGSegment(file []byte, marker byte, body []byte) []byte {
	head := []byte{0xff, 0xd8, 0xff, marker, byte((len(body) + 2) >> 8), byte(len(body) + 2)}
	return bytes.Join([][]byte{head, body, file[2:]}, nil)
}

func newDecoder(t testing.TB, opts Options) *Decoder {
	t.Helper()
	d, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

// decodeOK decodes what must decode without complaint.
func decodeOK(t testing.TB, opts Options, data []byte) []byte {
	t.Helper()
	d := newDecoder(t, opts)
	dst := make([]byte, d.Bytes())
	status, err := d.Decode(data, dst)
	if err != nil || status != OK {
		t.Fatalf("status %v (%s), error %v", status, d.Warning(), err)
	}
	return dst
}

// distance gives the largest and the mean difference of samples.
func distance(a, b []byte) (most int, mean float64) {
	for i := range a {
		diff := int(a[i]) - int(b[i])
		most = max(most, diff, -diff)
		mean += math.Abs(float64(diff)) / float64(len(a))
	}
	return most, mean
}

func wantClose(t testing.TB, got, want []byte, most int, mean float64) {
	t.Helper()
	if m, avg := distance(got, want); m > most || avg > mean {
		t.Errorf("samples differ by up to %d, %.3f on average; allowed are %d and %.3f", m, avg, most, mean)
	}
}
