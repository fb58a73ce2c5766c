package pixel

// yccRange says how luma and chroma become red, green and blue, in 16 bits:
// luma less `black` times `luma`, and so on.
type yccRange struct{ black, luma, redCr, greenCb, greenCr, blueCb int32 }

var (
	// fullRange is JFIF 1.02, with the integers of libjpeg: R = Y + 1.402 Cr,
	// G = Y - 0.34414 Cb - 0.71414 Cr, B = Y + 1.772 Cb.
	fullRange = yccRange{0, 1 << 16, 91881, 22554, 46802, 116130}
	// limitedRange is BT.601 with luma 16 to 235 and chroma 16 to 240, as in VP8:
	// stretched by 255/219 and 255/224.
	limitedRange = yccRange{16, 76309, 104597, 25675, 53279, 132201}
)

func (k *yccRange) rgb(y, cb, cr byte, dst []byte) {
	l, b, r := k.luma*(int32(y)-k.black)+1<<15, int32(cb)-128, int32(cr)-128
	dst[0] = clamp((l + k.redCr*r) >> 16)
	dst[1] = clamp((l - k.greenCb*b - k.greenCr*r) >> 16)
	dst[2] = clamp((l + k.blueCb*b) >> 16)
}

func clamp(v int32) byte {
	return byte(min(max(v, 0), 255))
}

// toGray replaces red, green, blue by BT.601 luma, weights .299, .587, .114 in 16
// bits, in place, and gives the part of pixels that is still used.
func toGray(pixels []byte) []byte {
	n := len(pixels) / 3
	for i := range n {
		p := pixels[3*i:][:3]
		pixels[i] = byte((19595*uint32(p[0]) + 38470*uint32(p[1]) + 7471*uint32(p[2]) + 1<<15) >> 16)
	}
	return pixels[:n]
}

// toRGB repeats gray samples, in place; pixels has the capacity.
func toRGB(pixels []byte) []byte {
	n := len(pixels)
	pixels = pixels[:3*n]
	for i := n - 1; i >= 0; i-- { // from the end, where nothing is overwritten unread
		v, p := pixels[i], pixels[3*i:][:3]
		p[0], p[1], p[2] = v, v, v
	}
	return pixels
}
