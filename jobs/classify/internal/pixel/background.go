package pixel

import "image/color"

// blender puts a background under the red, green and blue of a pixel.
type blender func(rgb []byte, alpha byte)

// straight blends samples that alpha has not been multiplied into: out = (sample*alpha + background*(255-alpha)) / 255.
// It is nil where alpha is dropped.
func (bg Background) straight() blender {
	if !bg.Blend {
		return nil
	}
	return func(rgb []byte, alpha byte) {
		for i, under := range [3]uint8{bg.R, bg.G, bg.B} {
			rgb[i] = byte((uint32(rgb[i])*uint32(alpha) + uint32(under)*uint32(255-alpha) + 127) / 255)
		}
	}
}

// premultiplied blends samples that are multiplied already.
func (bg Background) premultiplied() blender {
	if !bg.Blend {
		return nil
	}
	return func(rgb []byte, alpha byte) {
		for i, under := range [3]uint8{bg.R, bg.G, bg.B} {
			rgb[i] = byte(min(255, uint32(rgb[i])+(uint32(under)*uint32(255-alpha)+127)/255))
		}
	}
}

// overPlane blends what a reader gives by a plane of alpha.
func (bg Background) overPlane(row rowReader, alpha []byte, stride int) rowReader {
	blend := bg.straight()
	return func(y, x0, x1 int, dst []byte) {
		row(y, x0, x1, dst)
		for x, a := range alpha[y*stride+x0 : y*stride+x1] {
			blend(dst[3*x:], a)
		}
	}
}

// under gives a colour over the background, or, where alpha is dropped, as if it were opaque, where the type still knows.
func (bg Background) under(c color.Color) [3]byte {
	if n, ok := c.(color.NRGBA); ok {
		rgb := [3]byte{n.R, n.G, n.B}
		if bg.Blend {
			bg.straight()(rgb[:], n.A)
		}
		return rgb
	}
	r, g, b, a := c.RGBA()
	rgb := [3]byte{byte(r >> 8), byte(g >> 8), byte(b >> 8)}
	if bg.Blend {
		bg.premultiplied()(rgb[:], byte(a>>8))
	}
	return rgb
}

// fill paints pixels of a canvas that no frame covers.
func (bg Background) fill(dst []byte, depth int) {
	clear(dst)
	if !bg.Blend || depth != 3 {
		return
	}
	for ; len(dst) >= 3; dst = dst[3:] {
		dst[0], dst[1], dst[2] = bg.R, bg.G, bg.B
	}
}
