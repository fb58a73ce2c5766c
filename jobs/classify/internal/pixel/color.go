package pixel

// colors says what the channels of a picture mean.
type colors uint8

const (
	gray       colors = iota // luma, 0 to 255
	ycc                      // JFIF: luma and chroma, full range
	yccLimited               // VP8: luma 16 to 235, chroma 16 to 240
	rgb
)

func (c colors) channels() int {
	if c == gray {
		return 1
	}
	return 3
}

// toRGB interleaves the channels as red, green, blue; dst has 3 bytes a sample.
func (c colors) toRGB(ch [3][]byte, dst []byte) {
	switch c {
	case gray:
		interleave(ch[0], ch[0], ch[0], dst)
	case ycc:
		yccToRGB(ch[0], ch[1], ch[2], dst)
	case yccLimited:
		limitedToRGB(ch[0], ch[1], ch[2], dst)
	case rgb:
		interleave(ch[0], ch[1], ch[2], dst)
	}
}

// toGray writes BT.601 luma; dst has one byte a sample.
func (c colors) toGray(ch [3][]byte, dst []byte) {
	switch c {
	case gray, ycc:
		copy(dst, ch[0])
	case yccLimited:
		for i, y := range ch[0] {
			dst[i] = clamp((limitedScale*(int32(y)-16) + 1<<15) >> 16)
		}
	case rgb: // weights .299, .587, .114 in 16 bits
		for i := range dst {
			dst[i] = byte((19595*uint32(ch[0][i]) + 38470*uint32(ch[1][i]) + 7471*uint32(ch[2][i]) + 1<<15) >> 16)
		}
	}
}

func interleave(a, b, c, dst []byte) {
	for i := range a {
		p := dst[3*i:][:3]
		p[0], p[1], p[2] = a[i], b[i], c[i]
	}
}

// yccToRGBGo converts by JFIF 1.02: R = Y + 1.402 Cr, G = Y - 0.34414 Cb -
// 0.71414 Cr, B = Y + 1.772 Cb, in 16 bits. It gives the same bytes as the C.
func yccToRGBGo(y, cb, cr, dst []byte) {
	for i := range y {
		l, b, r := int32(y[i])<<16+1<<15, int32(cb[i])-128, int32(cr[i])-128
		p := dst[3*i:][:3]
		p[0] = clamp((l + 91881*r) >> 16)
		p[1] = clamp((l - 22554*b - 46802*r) >> 16)
		p[2] = clamp((l + 116130*b) >> 16)
	}
}

// limitedScale stretches limited-range luma: 255/219 in 16 bits.
const limitedScale = 76309

// limitedToRGB converts by BT.601 with luma 16-235 and chroma 16-240, in 16 bits.
func limitedToRGB(y, cb, cr, dst []byte) {
	for i := range y {
		l, b, r := limitedScale*(int32(y[i])-16)+1<<15, int32(cb[i])-128, int32(cr[i])-128
		p := dst[3*i:][:3]
		p[0] = clamp((l + 104597*r) >> 16)
		p[1] = clamp((l - 25675*b - 53279*r) >> 16)
		p[2] = clamp((l + 132201*b) >> 16)
	}
}

func clamp(v int32) byte {
	return byte(min(max(v, 0), 255))
}
