package pixel

import (
	"image"
	"image/color"
)

// picture is a decoded image that the view of it can be resampled from.
type picture interface {
	// resample fills the decoder's crop planes and says what they mean.
	resample(d *Decoder, v view) colors
}

// plane is one channel of a picture, w x h samples, each covering 1/rx by 1/ry
// pixels of the file's image.
type plane struct {
	pix    []byte
	stride int
	w, h   int
	rx, ry float64
}

// planar is a picture whose channels lie apart, some of them perhaps subsampled.
type planar struct {
	colors colors
	plane  [3]plane
}

func (p *planar) resample(d *Decoder, v view) colors {
	wanted := p.colors
	if d.opts.Gray && wanted != rgb {
		wanted = gray // luma alone, whose range toGray still has to know
	}
	for i := range wanted.channels() {
		pl := &p.plane[i]
		if i == 0 || !pl.alike(&p.plane[i-1]) {
			d.tx.set(v.x, pl.w, pl.rx, d.opts.Nearest)
			d.ty.set(v.y, pl.h, pl.ry, d.opts.Nearest)
		}
		d.kernel.resample(rows{pl.pix, pl.stride, 0}, &d.tx, &d.ty, 0, v.y.out, d.crop[i])
	}
	return p.colors
}

// alike reports whether the same taps serve both planes.
func (p *plane) alike(q *plane) bool {
	return p.w == q.w && p.h == q.h && p.rx == q.rx && p.ry == q.ry
}

// raster is a picture that gives its rows one by one, channel by channel, so
// that it needs no second copy of the image.
type raster struct {
	colors colors
	// row writes samples [x0,x1) of row y to the channels' dst.
	row func(y, x0, x1 int, dst [3][]byte)
}

// resample reads the picture in bands, each of the rows that one block of output
// rows needs. Bands overlap by the width of the filter.
func (p *raster) resample(d *Decoder, v view) colors {
	d.tx.set(v.x, v.x.size, 1, d.opts.Nearest)
	d.ty.set(v.y, v.y.size, 1, d.opts.Nearest)
	x0, x1 := d.tx.span(0, v.x.out)
	for a := 0; a < v.y.out; a += block {
		b := min(a+block, v.y.out)
		y0, y1 := d.ty.span(a, b)
		p.fill(d, y0, y1, x0, x1)
		for i := range p.colors.channels() {
			// The band's first column is x0, so the row begins x0 bytes earlier.
			band := rows{pix: d.band[i], stride: x1, first: y0}
			d.kernel.resample(band, &d.tx, &d.ty, a, b, d.crop[i])
		}
	}
	return p.colors
}

// fill reads columns [x0,x1) of rows [y0,y1) into the band planes.
func (p *raster) fill(d *Decoder, y0, y1, x0, x1 int) {
	var dst [3][]byte
	for i := range p.colors.channels() {
		d.band[i] = sized(d.band[i], (y1-y0)*x1)
	}
	for y := y0; y < y1; y++ {
		for i := range p.colors.channels() {
			dst[i] = d.band[i][(y-y0)*x1:][x0:x1]
		}
		p.row(y, x0, x1, dst)
	}
}

// newPicture makes a picture of what a decoder in Go gave. w and h are those of
// the header, which in a GIF is the canvas around the frame.
func newPicture(img image.Image, limited bool, w, h int) (picture, error) {
	if m, ok := img.(*image.NYCbCrA); ok {
		img = &m.YCbCr
	}
	b := img.Bounds()
	framed := b != image.Rect(0, 0, w, h)
	if m, ok := img.(*image.YCbCr); ok && !framed {
		return newPlanar(m, limited), nil
	}
	r := newRaster(img)
	if r == nil || !b.In(image.Rect(0, 0, w, h)) {
		return nil, rejectf("the pixels are not what the header says")
	}
	if framed {
		r.row = onCanvas(r.row, b)
	}
	return r, nil
}

// newPlanar takes over the planes of m, whose bounds begin at 0, 0.
func newPlanar(m *image.YCbCr, limited bool) *planar {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	sx, sy := subsampling(m.SubsampleRatio)
	chroma := plane{stride: m.CStride, w: (w + sx - 1) / sx, h: (h + sy - 1) / sy, rx: 1 / float64(sx), ry: 1 / float64(sy)}
	p := &planar{colors: ycc, plane: [3]plane{{m.Y, m.YStride, w, h, 1, 1}, chroma, chroma}}
	p.plane[1].pix, p.plane[2].pix = m.Cb, m.Cr
	if limited {
		p.colors = yccLimited
	}
	return p
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

// newRaster reads the concrete image types that the decoders give, nil for others. It
// drops alpha, and the low byte of 16-bit samples, which are big-endian.
func newRaster(img image.Image) *raster {
	switch m := img.(type) {
	case *image.Gray:
		return packed(gray, m.Pix, m.Stride, 1, [3]int{0})
	case *image.Gray16:
		return packed(gray, m.Pix, m.Stride, 2, [3]int{0})
	case *image.RGBA:
		return packed(rgb, m.Pix, m.Stride, 4, [3]int{0, 1, 2})
	case *image.NRGBA:
		return packed(rgb, m.Pix, m.Stride, 4, [3]int{0, 1, 2})
	case *image.RGBA64:
		return packed(rgb, m.Pix, m.Stride, 8, [3]int{0, 2, 4})
	case *image.NRGBA64:
		return packed(rgb, m.Pix, m.Stride, 8, [3]int{0, 2, 4})
	case *image.Paletted:
		return indexed(m)
	case *image.CMYK:
		return inks(m.Pix, m.Stride, 0xff)
	default:
		return nil
	}
}

// packed reads interleaved samples, `step` bytes a pixel, channel i at offset at[i].
func packed(c colors, pix []byte, stride, step int, at [3]int) *raster {
	return &raster{c, func(y, x0, x1 int, dst [3][]byte) {
		line := pix[y*stride+x0*step : y*stride+x1*step]
		for i := range c.channels() {
			out, from := dst[i], at[i]
			for x := range out {
				out[x] = line[x*step+from]
			}
		}
	}}
}

// indexed reads a palette image. Entries that the palette lacks are black.
func indexed(m *image.Paletted) *raster {
	var lut [3][256]byte
	for i, c := range m.Palette {
		lut[0][i], lut[1][i], lut[2][i] = withoutAlpha(c)
	}
	return &raster{rgb, func(y, x0, x1 int, dst [3][]byte) {
		for x, v := range m.Pix[y*m.Stride+x0 : y*m.Stride+x1] {
			dst[0][x], dst[1][x], dst[2][x] = lut[0][v], lut[1][v], lut[2][v]
		}
	}}
}

// withoutAlpha gives a colour as if it were opaque, where the type still knows.
func withoutAlpha(c color.Color) (r, g, b byte) {
	if n, ok := c.(color.NRGBA); ok {
		return n.R, n.G, n.B
	}
	r16, g16, b16, _ := c.RGBA()
	return byte(r16 >> 8), byte(g16 >> 8), byte(b16 >> 8)
}

// inks reads cyan, magenta, yellow, black; a sample xor `flip` is the light that
// the ink lets through. Red is cyan's light times black's, and so on.
func inks(pix []byte, stride int, flip byte) *raster {
	return &raster{rgb, func(y, x0, x1 int, dst [3][]byte) {
		line := pix[y*stride+4*x0 : y*stride+4*x1]
		for x := range dst[0] {
			p := line[4*x:][:4]
			black := uint32(p[3] ^ flip)
			for i := range dst {
				dst[i][x] = byte((uint32(p[i]^flip)*black + 127) / 255)
			}
		}
	}}
}

// onCanvas puts a frame on a black canvas.
func onCanvas(row func(y, x0, x1 int, dst [3][]byte), frame image.Rectangle) func(y, x0, x1 int, dst [3][]byte) {
	return func(y, x0, x1 int, dst [3][]byte) {
		for i := range dst {
			clear(dst[i])
		}
		a, b := max(x0, frame.Min.X), min(x1, frame.Max.X)
		if y < frame.Min.Y || y >= frame.Max.Y || a >= b {
			return
		}
		for i := range dst {
			if dst[i] != nil {
				dst[i] = dst[i][a-x0 : b-x0]
			}
		}
		row(y-frame.Min.Y, a-frame.Min.X, b-frame.Min.X, dst)
	}
}
