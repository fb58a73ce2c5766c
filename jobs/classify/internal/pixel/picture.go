package pixel

import "image"

// picture is a decoded image: rows of interleaved samples, which lie in memory or
// are made one by one, so that there is no second copy of the image.
type picture struct {
	w, h  int
	depth int  // samples a pixel: 1 (gray) or 3 (red, green, blue)
	by    int  // pixels of the file's image that one covers along each side
	inks  bool // converted from inks, which an RGB profile does not describe

	pix    []byte
	stride int
	row    rowReader // in place of pix, or nil
}

// rowReader writes pixels [x0,x1) of row y to dst.
type rowReader func(y, x0, x1 int, dst []byte)

// raster is what a decoder in Go gave, and how to read it.
type raster struct {
	img     image.Image
	w, h    int         // of the canvas, which may be larger than the image
	at      image.Point // where on the canvas the image's own coordinates begin
	limited bool        // luma and chroma are of limited range
}

// picture reads a raster over a background.
func (r raster) picture(bg Background) (picture, error) {
	p := picture{w: r.w, h: r.h, depth: 3, by: 1}
	canvas, b := image.Rect(0, 0, r.w, r.h), r.img.Bounds().Add(r.at)
	if !b.In(canvas) || !p.read(r.img, r.limited, bg) {
		return picture{}, rejectf("the pixels are not what the header says")
	}
	if b != canvas {
		p.row = onCanvas(p.row, b, p.depth, bg)
	}
	return p, nil
}

// read takes the samples of the concrete image types that the decoders give, and
// reports whether img is one. It takes the high byte of 16-bit samples, which are big-endian.
func (p *picture) read(img image.Image, limited bool, bg Background) bool {
	switch m := img.(type) {
	case *image.NYCbCrA:
		p.row = subsampled(&m.YCbCr, limited)
		if bg.Blend {
			p.row = bg.overPlane(p.row, m.A, m.AStride)
		}
	case *image.YCbCr:
		p.row = subsampled(m, limited)
	case *image.Gray:
		p.depth, p.row = 1, luma(m.Pix, m.Stride, 1)
	case *image.Gray16:
		p.depth, p.row = 1, luma(m.Pix, m.Stride, 2)
	case *image.RGBA:
		p.row = packed(m.Pix, m.Stride, 1, bg.premultiplied())
	case *image.NRGBA:
		p.row = packed(m.Pix, m.Stride, 1, bg.straight())
	case *image.RGBA64:
		p.row = packed(m.Pix, m.Stride, 2, bg.premultiplied())
	case *image.NRGBA64:
		p.row = packed(m.Pix, m.Stride, 2, bg.straight())
	case *image.Paletted:
		p.row = indexed(m, bg)
	case *image.CMYK:
		p.inks, p.row = true, inks(m.Pix, m.Stride, 0xff)
	default:
		return false
	}
	return true
}

// luma reads gray samples of `wide` bytes.
func luma(pix []byte, stride, wide int) rowReader {
	return func(y, x0, x1 int, dst []byte) {
		line := pix[y*stride+x0*wide : y*stride+x1*wide]
		for x := range dst {
			dst[x] = line[x*wide]
		}
	}
}

// packed reads interleaved red, green, blue and alpha, `wide` bytes each. Without blend alpha is dropped.
func packed(pix []byte, stride, wide int, blend blender) rowReader {
	return func(y, x0, x1 int, dst []byte) {
		line := pix[y*stride+4*x0*wide : y*stride+4*x1*wide]
		for ; len(dst) >= 3; dst, line = dst[3:], line[4*wide:] {
			dst[0], dst[1], dst[2] = line[0], line[wide], line[2*wide]
			if alpha := line[3*wide]; blend != nil && alpha != 0xff {
				blend(dst, alpha)
			}
		}
	}
}

// indexed reads a palette image. Entries that the palette lacks are black.
func indexed(m *image.Paletted, bg Background) rowReader {
	var lut [256][3]byte
	for i, c := range m.Palette {
		lut[i] = bg.under(c)
	}
	return func(y, x0, x1 int, dst []byte) {
		for x, v := range m.Pix[y*m.Stride+x0 : y*m.Stride+x1] {
			copy(dst[3*x:], lut[v][:])
		}
	}
}

// inks reads cyan, magenta, yellow, black; a sample xor `flip` is the light that
// the ink lets through. Red is cyan's light times black's, and so on.
func inks(pix []byte, stride int, flip byte) rowReader {
	return func(y, x0, x1 int, dst []byte) {
		line := pix[y*stride+4*x0 : y*stride+4*x1]
		for ; len(dst) >= 3; dst, line = dst[3:], line[4:] {
			black := uint32(line[3] ^ flip)
			for i := range 3 {
				dst[i] = byte((uint32(line[i]^flip)*black + 127) / 255)
			}
		}
	}
}

// subsampled reads luma and chroma planes, and repeats chroma samples.
func subsampled(m *image.YCbCr, limited bool) rowReader {
	sx, sy := subsampling(m.SubsampleRatio)
	convert := &fullRange
	if limited {
		convert = &limitedRange
	}
	return func(y, x0, x1 int, dst []byte) {
		cb, cr := m.Cb[y/sy*m.CStride:], m.Cr[y/sy*m.CStride:]
		for i, l := range m.Y[y*m.YStride+x0 : y*m.YStride+x1] {
			c := (x0 + i) / sx
			convert.rgb(l, cb[c], cr[c], dst[3*i:])
		}
	}
}

// subsampling gives the pixels that a chroma sample covers.
func subsampling(r image.YCbCrSubsampleRatio) (x, y int) {
	switch r {
	case image.YCbCrSubsampleRatio422:
		return 2, 1
	case image.YCbCrSubsampleRatio420:
		return 2, 2
	case image.YCbCrSubsampleRatio440:
		return 1, 2
	case image.YCbCrSubsampleRatio411:
		return 4, 1
	case image.YCbCrSubsampleRatio410:
		return 4, 2
	default:
		return 1, 1
	}
}

// onCanvas puts a frame on a canvas: black, or the background.
func onCanvas(row rowReader, frame image.Rectangle, depth int, bg Background) rowReader {
	return func(y, x0, x1 int, dst []byte) {
		bg.fill(dst, depth)
		a, b := max(x0, frame.Min.X), min(x1, frame.Max.X)
		if y >= frame.Min.Y && y < frame.Max.Y && a < b {
			row(y-frame.Min.Y, a-frame.Min.X, b-frame.Min.X, dst[(a-x0)*depth:(b-x0)*depth])
		}
	}
}
