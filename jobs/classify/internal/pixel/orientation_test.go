package pixel

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"testing"
)

// stored turns an upright picture the way a camera would store it, so that the
// orientation makes it upright again: EXIF 2.32, tag 0x0112, where row 0 and column 0 of
// the stored picture lie.
func stored(m *image.RGBA, o orientation) *image.RGBA {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	size := image.Rect(0, 0, w, h)
	if o >= 5 {
		size = image.Rect(0, 0, h, w)
	}
	out := image.NewRGBA(size)
	for y := range size.Dy() {
		for x := range size.Dx() {
			from := map[orientation]image.Point{
				1: {x, y},                 // top, left
				2: {w - 1 - x, y},         // top, right
				3: {w - 1 - x, h - 1 - y}, // bottom, right
				4: {x, h - 1 - y},         // bottom, left
				5: {y, x},                 // left, top
				6: {w - 1 - y, x},         // right, top
				7: {w - 1 - y, h - 1 - x}, // right, bottom
				8: {y, h - 1 - x},         // left, bottom
			}[o]
			out.SetRGBA(x, y, m.RGBAAt(from.X, from.Y))
		}
	}
	return out
}

// All eight orientations give the same pixels, however the file carries them.
func TestOrientationMakesUpright(t *testing.T) {
	upright := sceneRGBA(150, 101)
	opts := Options{Shorter: 40, CropWidth: 36, CropHeight: 29, EXIF: true}
	want := decodeOK(t, opts, asPNG(t, upright))
	for o := orientation(1); o <= 8; o++ {
		m := stored(upright, o)
		for name, data := range map[string][]byte{
			"PNG":  withPNGChunk(asPNG(t, m), "eXIf", exifBlock(binary.BigEndian, o)),
			"TIFF": withTIFFOrientation(asTIFF(t, m), o),
			"JPEG": withJPEGSegment(asJPEG(t, m), markerAPP1, append([]byte(exifHeader), exifBlock(binary.LittleEndian, o)...)),
		} {
			t.Run(fmt.Sprintf("%s %d", name, o), func(t *testing.T) {
				got := decodeOK(t, opts, data)
				if name == "JPEG" {
					wantClose(t, got, want, 8, 2)
				} else {
					wantClose(t, got, want, 1, 0.5) // weights are rounded from left to right
				}
			})
		}
	}
}

// Without the option the pixels stay as they are stored.
func TestOrientationOff(t *testing.T) {
	m := sceneRGBA(150, 101)
	plain := asPNG(t, m)
	marked := withPNGChunk(plain, "eXIf", exifBlock(binary.BigEndian, 6))
	opts := Options{Shorter: 40, CropWidth: 36, CropHeight: 29}
	if !bytes.Equal(decodeOK(t, opts, plain), decodeOK(t, opts, marked)) {
		t.Error("the orientation was applied")
	}
}

// withTIFFOrientation writes the directory anew, with the orientation in its
// place among the sorted tags, and points the header to it.
func withTIFFOrientation(file []byte, o orientation) []byte {
	order := binary.LittleEndian
	old := file[order.Uint32(file[4:]):]
	n := order.Uint16(old)
	dir := order.AppendUint16(nil, n+1)
	added := exifBlock(order, o)[8+2+12:][:12]
	for i := range int(n) {
		entry := old[2+12*i:][:12]
		if added != nil && order.Uint16(entry) > 0x0112 {
			dir, added = append(dir, added...), nil
		}
		dir = append(dir, entry...)
	}
	out := append(bytes.Clone(file), dir...)
	order.PutUint32(out[4:], uint32(len(file)))
	return append(out, 0, 0, 0, 0)
}

func TestOrientationOf(t *testing.T) {
	little, big := exifBlock(binary.LittleEndian, 6), exifBlock(binary.BigEndian, 8)
	jpegWith := func(body []byte) []byte {
		return withJPEGSegment([]byte{0xff, 0xd8, 0xff, 0xda, 0, 2}, markerAPP1, append([]byte(exifHeader), body...))
	}
	png := asPNG(t, image.NewGray(image.Rect(0, 0, 1, 1)))
	wrongKind := bytes.Clone(little)
	wrongKind[8+2+12+2] = 4
	for _, tt := range []struct {
		name   string
		format format
		data   []byte
		want   orientation
	}{
		{"JPEG little-endian", formatJPEG, jpegWith(little), 6},
		{"JPEG big-endian", formatJPEG, jpegWith(big), 8},
		{"JPEG after another APP1", formatJPEG, withJPEGSegment(jpegWith(big), markerAPP1, []byte("http://ns.adobe.com/xap/1.0/\x00")), 8},
		{"JPEG behind garbage", formatJPEG, append([]byte{0xff, 0xd8, 1, 2, 3, 0xff}, jpegWith(big)[2:]...), 8},
		{"JPEG without", formatJPEG, []byte{0xff, 0xd8, 0xff, 0xd9}, 1},
		{"JPEG after the scan", formatJPEG, append([]byte{0xff, 0xd8, 0xff, 0xda, 0, 2}, jpegWith(big)[2:]...), 1},
		{"PNG", formatPNG, withPNGChunk(png, "eXIf", big), 8},
		{"PNG without", formatPNG, png, 1},
		{"WebP", formatWebP, solidWebP(1, 1, color.RGBA{}, vp8x(8, 1, 1), riffPart("EXIF", little)), 6},
		{"WebP with header", formatWebP, solidWebP(1, 1, color.RGBA{}, vp8x(8, 1, 1), riffPart("EXIF", append([]byte(exifHeader), little...))), 6},
		{"TIFF", formatTIFF, big, 8},
		{"GIF", formatGIF, []byte("GIF89a"), 1},
		{"out of range 0", formatTIFF, exifBlock(binary.LittleEndian, 0), 1},
		{"out of range 9", formatTIFF, exifBlock(binary.LittleEndian, 9), 1},
		{"not a SHORT", formatTIFF, wrongKind, 1},
		{"directory outside", formatTIFF, []byte("II*\x00\xff\xff\xff\xff"), 1},
		{"fewer entries than declared", formatTIFF, append(bytes.Clone(little[:8]), 0xff, 0xff), 1},
	} {
		if got := orientationOf(tt.format, tt.data); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
		for n := range tt.data { // however short, no panic and no orientation that is not there
			if got := orientationOf(tt.format, tt.data[:n]); got != upright && got != tt.want {
				t.Errorf("%s cut to %d: %d", tt.name, n, got)
			}
		}
	}
}

func TestOrientationApply(t *testing.T) {
	// ab
	// cd
	// ef, as rows of a stored crop with two bytes a pixel
	src := []byte("a.b.c.d.e.f.")
	for o, want := range map[orientation]string{
		1: "ab cd ef",
		2: "ba dc fe",
		3: "fe dc ba",
		4: "ef cd ab",
		5: "ace bdf",
		6: "eca fdb",
		7: "fdb eca",
		8: "bdf ace",
	} {
		dst := make([]byte, len(src))
		o.apply(dst, src, 2, 3, 2)
		var got []byte
		width := 2
		if o.swaps() {
			width = 3
		}
		for i := 0; i < len(dst); i += 2 {
			if i > 0 && i/2%width == 0 {
				got = append(got, ' ')
			}
			got = append(got, dst[i])
		}
		if string(got) != want {
			t.Errorf("orientation %d: %s, want %s", o, got, want)
		}
	}
}
