package pixel

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"testing"
)

// FuzzDecode: any bytes give a crop or a reason, the same from a decoder that has
// seen other images and from a new one.
func FuzzDecode(f *testing.F) {
	m := noise(33, 20, 1)
	jpeg := asJPEG(f, m)
	exif := append([]byte(exifHeader), exifBlock(binary.BigEndian, 6)...)
	for _, data := range [][]byte{
		nil, jpeg, jpeg[:200], withJPEGSegment(jpeg, markerAPP1, exif),
		asPNG(f, m), asGIF(f, m), asBMP(f, m), asTIFF(f, m),
		asJPEG(f, image.NewGray(image.Rect(0, 0, 9, 9))),
		encodeJPEG(f, jpegSpec{9, 9, s1111, 0, jpegColors("CMYK")}),
		encodeJPEG(f, jpegSpec{9, 9, sMixed, -1, jpegColors("YCbCr")}),
		solidWebP(5, 5, color.RGBA{1, 2, 3, 255}, vp8x(0, 5, 5)),
		animatedWebPFile(12, 11, webpTestFrame{2, 2, 5, 5, color.RGBA{1, 2, 3, 255}}),
		asPNG(f, image.NewNRGBA(image.Rect(0, 0, 5, 5))),
	} {
		f.Add(data)
	}
	opts := Options{Shorter: 12, CropWidth: 10, CropHeight: 9, EXIF: true, MaxPixels: 1 << 16, Background: Background{true, 9, 8, 7}}
	reused := newDecoder(f, opts)
	f.Fuzz(func(t *testing.T, data []byte) {
		got, want := make([]byte, reused.Bytes()), make([]byte, reused.Bytes())
		fresh := newDecoder(t, opts)
		outcome := outcomeOf(reused, data, got)
		if again := outcomeOf(fresh, data, want); again != outcome {
			t.Fatalf("%q, and from a new decoder %q", outcome, again)
		}
		if outcome == "" {
			t.Fatal("a reject without a reason")
		}
		if (outcome == "ok" || outcome == "damaged") && !bytes.Equal(got, want) {
			t.Fatalf("%s, but a new decoder gives other pixels", outcome)
		}
	})
}

// FuzzOrientation: no bytes make the reader of EXIF panic or invent a ninth value.
func FuzzOrientation(f *testing.F) {
	block := exifBlock(binary.LittleEndian, 6)
	f.Add(block)
	f.Add(withJPEGSegment([]byte{0xff, 0xd8, 0xff, 0xda, 0, 2}, markerAPP1, append([]byte(exifHeader), block...)))
	f.Add(withPNGChunk(asPNG(f, image.NewGray(image.Rect(0, 0, 1, 1))), "eXIf", block))
	f.Add(solidWebP(1, 1, color.RGBA{}, riffPart("EXIF", block)))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, kind := range []format{formatJPEG, formatPNG, formatWebP, formatTIFF} {
			if o := orientationOf(kind, data); o < 1 || o > 8 {
				t.Errorf("%s: orientation %d", kind, o)
			}
		}
	})
}
