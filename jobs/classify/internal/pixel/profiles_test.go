package pixel

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"math"
	"slices"
	"testing"
)

// tag is one entry of a profile.
type tag struct {
	name string
	data []byte
}

// asProfile writes a profile with the parts that readers look at.
func asProfile(space, pcs string, tags ...tag) []byte {
	icc := make([]byte, 128)
	copy(icc[12:], "mntr"+space+pcs)
	copy(icc[36:], "acsp")
	icc = binary.BigEndian.AppendUint32(icc, uint32(len(tags)))
	at := len(icc) + 12*len(tags)
	for _, t := range tags {
		icc = append(icc, t.name...)
		icc = binary.BigEndian.AppendUint32(icc, uint32(at))
		icc = binary.BigEndian.AppendUint32(icc, uint32(len(t.data)))
		at += len(t.data)
	}
	for _, t := range tags {
		icc = append(icc, t.data...)
	}
	return icc
}

// numbers writes s15Fixed16 values behind a type signature.
func numbers(head string, values ...float64) []byte {
	b := []byte(head)
	for _, v := range values {
		b = binary.BigEndian.AppendUint32(b, uint32(int32(math.Round(v*65536))))
	}
	return b
}

func tableCurve(values ...uint16) []byte {
	b := binary.BigEndian.AppendUint32([]byte("curv\x00\x00\x00\x00"), uint32(len(values)))
	for _, v := range values {
		b = binary.BigEndian.AppendUint16(b, v)
	}
	return b
}

func gammaCurve(g float64) []byte { return tableCurve(uint16(math.Round(g * 256))) }

func formulaCurve(kind byte, values ...float64) []byte {
	return numbers("para\x00\x00\x00\x00\x00"+string(rune(kind))+"\x00\x00", values...)
}

// Colorants with white D50, as published in the profiles of these names.
var (
	srgbColorants  = [3][3]float64{{0.4360747, 0.2225045, 0.0139322}, {0.3850649, 0.7168786, 0.0971045}, {0.1430804, 0.0606169, 0.7141733}}
	adobeColorants = [3][3]float64{{0.60974, 0.31111, 0.01947}, {0.20528, 0.62567, 0.06087}, {0.14919, 0.06322, 0.74457}}
	p3Colorants    = [3][3]float64{{0.51512, 0.24120, -0.00105}, {0.29198, 0.69225, 0.04189}, {0.15710, 0.06657, 0.78407}}
)

// colorProfile has the same curve for red, green and blue.
func colorProfile(colorants [3][3]float64, curve []byte, more ...tag) []byte {
	tags := more
	for c, name := range []string{"r", "g", "b"} {
		tags = append(tags, tag{name + "XYZ", numbers("XYZ \x00\x00\x00\x00", colorants[c][:]...)}, tag{name + "TRC", curve})
	}
	return asProfile("RGB ", "XYZ ", tags...)
}

func adobeProfile() []byte { return colorProfile(adobeColorants, gammaCurve(563./256)) }

// srgbFormula is the curve of sRGB in the parameters of type 3.
func srgbFormula() []byte {
	return formulaCurve(3, 2.4, 1/1.055, 0.055/1.055, 1/12.92, 0.04045)
}

func grayProfile(curve []byte) []byte {
	return asProfile("GRAY", "XYZ ", tag{"kTRC", curve})
}

func withPNGProfile(t testing.TB, file, icc []byte) []byte {
	packed := encode(t, func(w io.Writer) error {
		z := zlib.NewWriter(w)
		if _, err := z.Write(icc); err != nil {
			return err
		}
		return z.Close()
	})
	return withPNGChunk(file, "iCCP", append([]byte("a name\x00\x00"), packed...))
}

// withJPEGProfile stores a profile in n parts, in the order given.
func withJPEGProfile(file, icc []byte, n int, order ...int) []byte {
	for _, i := range slices.Backward(order) {
		part := icc[len(icc)*i/n : len(icc)*(i+1)/n]
		body := append([]byte(iccHeader), byte(i+1), byte(n))
		file = withJPEGSegment(file, markerAPP2, append(body, part...))
	}
	return file
}

// asProfileTIFF is a TIFF structure with nothing but a profile.
func asProfileTIFF(order binary.AppendByteOrder, kind uint16, icc []byte) []byte {
	b := exifBlock(order, 1)[:8]
	b = order.AppendUint16(order.AppendUint16(order.AppendUint16(b, 1), 34675), kind)
	b = order.AppendUint32(order.AppendUint32(b, uint32(len(icc))), 8+2+12)
	return append(b, icc...)
}

func TestEmbeddedProfile(t *testing.T) {
	icc := adobeProfile()
	m := noise(9, 9, 1)
	jpg, png := asJPEG(t, m), asPNG(t, m)
	webp := func(icc []byte) []byte { return solidWebP(9, 9, color.RGBA{}, vp8x(32, 9, 9), riffPart("ICCP", icc)) }
	large := bytes.Repeat([]byte{7}, 100_000)
	tooLarge := bytes.Repeat([]byte{7}, maxProfile+1)
	for _, tt := range []struct {
		name   string
		format format
		data   []byte
		want   []byte
	}{
		{"JPEG", formatJPEG, withJPEGProfile(jpg, icc, 1, 0), icc},
		{"JPEG in parts", formatJPEG, withJPEGProfile(jpg, large, 3, 0, 1, 2), large},
		{"JPEG in mixed parts", formatJPEG, withJPEGProfile(jpg, large, 3, 2, 0, 1), large},
		{"JPEG lacks a part", formatJPEG, withJPEGProfile(jpg, large, 3, 0, 2), nil},
		{"JPEG has a part twice", formatJPEG, withJPEGProfile(jpg, large, 3, 0, 1, 1), nil},
		{"JPEG has a part too many", formatJPEG, withJPEGProfile(withJPEGProfile(jpg, icc, 2, 0, 1), icc, 1, 0), nil},
		{"JPEG part 0", formatJPEG, withJPEGSegment(jpg, markerAPP2, []byte(iccHeader+"\x00\x01abc")), nil},
		{"JPEG too large", formatJPEG, withJPEGProfile(jpg, tooLarge, 20, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19), nil},
		{"JPEG APP2 of something else", formatJPEG, withJPEGSegment(jpg, markerAPP2, []byte("MPF\x00")), nil},
		{"JPEG header alone", formatJPEG, withJPEGSegment(jpg, markerAPP2, []byte(iccHeader+"\x01")), nil},
		{"JPEG without", formatJPEG, jpg, nil},
		{"PNG", formatPNG, withPNGProfile(t, png, icc), icc},
		{"PNG bomb", formatPNG, withPNGProfile(t, png, make([]byte, 8<<20)), nil},
		{"PNG no zlib", formatPNG, withPNGChunk(png, "iCCP", []byte("a\x00\x00abc")), nil},
		{"PNG unknown method", formatPNG, withPNGChunk(png, "iCCP", []byte("a\x00\x01abc")), nil},
		{"PNG name alone", formatPNG, withPNGChunk(png, "iCCP", []byte("a\x00")), nil},
		{"PNG without", formatPNG, png, nil},
		{"WebP", formatWebP, webp(icc), icc},
		{"WebP without", formatWebP, solidWebP(9, 9, color.RGBA{}), nil},
		{"TIFF little-endian", formatTIFF, asProfileTIFF(binary.LittleEndian, 7, icc), icc},
		{"TIFF big-endian", formatTIFF, asProfileTIFF(binary.BigEndian, 7, icc), icc},
		{"TIFF of another type", formatTIFF, asProfileTIFF(binary.BigEndian, 4, icc), nil},
		{"TIFF cut", formatTIFF, asProfileTIFF(binary.BigEndian, 7, icc)[:100], nil},
		{"TIFF without", formatTIFF, asTIFF(t, m), nil},
		{"GIF", formatGIF, asGIF(t, m), nil},
	} {
		if got := embeddedProfile(tt.format, tt.data); !bytes.Equal(got, tt.want) {
			t.Errorf("%s: %d bytes, want %d", tt.name, len(got), len(tt.want))
		}
	}
}

// The profile counts in every format that carries one, and a crop without the
// option, or with a profile for other samples, is as without a profile.
func TestProfileInFiles(t *testing.T) {
	rgba, gray := sceneRGBA(90, 70), image.NewGray(image.Rect(0, 0, 90, 70))
	redraw(gray, rgba)
	opts := small
	opts.ICC = true
	adobe, linear := adobeProfile(), grayProfile(gammaCurve(1))
	cmyk := encodeJPEG(t, jpegSpec{90, 70, s1111, 0, jpegColors("CMYK")})
	for _, tt := range []struct {
		name        string
		plain, with []byte
		profile     []byte // nil where it must not count
	}{
		{"PNG", asPNG(t, rgba), withPNGProfile(t, asPNG(t, rgba), adobe), adobe},
		{"JPEG", asJPEG(t, rgba), withJPEGProfile(asJPEG(t, rgba), adobe, 2, 1, 0), adobe},
		{"WebP", solidWebP(90, 70, color.RGBA{200, 100, 50, 255}), solidWebP(90, 70, color.RGBA{200, 100, 50, 255}, vp8x(32, 90, 70), riffPart("ICCP", adobe)), adobe},
		{"gray PNG", asPNG(t, gray), withPNGProfile(t, asPNG(t, gray), linear), linear},
		{"gray JPEG", asJPEG(t, gray), withJPEGProfile(asJPEG(t, gray), linear, 1, 0), linear},
		{"PNG, gray profile", asPNG(t, rgba), withPNGProfile(t, asPNG(t, rgba), linear), nil},
		{"gray PNG, colour profile", asPNG(t, gray), withPNGProfile(t, asPNG(t, gray), adobe), nil},
		{"CMYK JPEG, colour profile", cmyk, withJPEGProfile(cmyk, adobe, 1, 0), nil},
		{"sRGB", asPNG(t, rgba), withPNGProfile(t, asPNG(t, rgba), colorProfile(srgbColorants, srgbFormula())), nil},
	} {
		plain, got := decodeOK(t, opts, tt.plain), decodeOK(t, opts, tt.with)
		if !bytes.Equal(decodeOK(t, small, tt.with), plain) {
			t.Errorf("%s: the profile counts without the option", tt.name)
		}
		if tt.profile == nil {
			if !bytes.Equal(got, plain) {
				t.Errorf("%s: the profile counts", tt.name)
			}
			continue
		}
		want := oracleConvert(plain, tt.profile)
		if bytes.Equal(want, plain) {
			t.Fatalf("%s: the profile changes nothing", tt.name)
		}
		if most, _ := distance(got, want); most > 1 {
			t.Errorf("%s: samples differ by up to %d", tt.name, most)
		}
	}
}

// A gray crop is the luma of the colours that the profile means.
func TestProfileThenLuma(t *testing.T) {
	file := withPNGProfile(t, asPNG(t, sceneRGBA(60, 44)), adobeProfile())
	opts := small
	opts.ICC = true
	want := toGray(decodeOK(t, opts, file))
	opts.Gray = true
	if !bytes.Equal(decodeOK(t, opts, file), want) {
		t.Error("luma differs")
	}
}

// Each channel has its own curve.
func TestCurvesOfChannels(t *testing.T) {
	icc := asProfile("RGB ", "XYZ ",
		tag{"rXYZ", numbers("XYZ \x00\x00\x00\x00", p3Colorants[0][:]...)}, tag{"rTRC", gammaCurve(1)},
		tag{"gXYZ", numbers("XYZ \x00\x00\x00\x00", p3Colorants[1][:]...)}, tag{"gTRC", gammaCurve(2)},
		tag{"bXYZ", numbers("XYZ \x00\x00\x00\x00", p3Colorants[2][:]...)}, tag{"bTRC", gammaCurve(3)})
	crop := noise(50, 3, 1).Pix
	want := oracleConvert(crop, icc)
	newSRGBCurve().convert(parseProfile(icc), crop)
	wantClose(t, crop, want, 1, 0.05)
}

// The standard decoder still reads what the helper writes.
func TestProfileFilesAreValid(t *testing.T) {
	if _, err := jpeg.Decode(bytes.NewReader(withJPEGProfile(asJPEG(t, noise(9, 9, 1)), adobeProfile(), 2, 1, 0))); err != nil {
		t.Error(err)
	}
}
