package pixel

// orientation is the EXIF orientation of a picture, 1 (upright) to 8: which turn
// or mirroring makes the stored pixels upright.
type orientation uint8

const upright orientation = 1

func (o orientation) swaps() bool  { return o >= 5 }
func (o orientation) flipsX() bool { return o == 2 || o == 3 || o == 7 || o == 8 }
func (o orientation) flipsY() bool { return o == 3 || o == 4 || o == 6 || o == 7 }

// apply writes the stored crop src of w x h pixels, n bytes each, upright to dst.
func (o orientation) apply(dst, src []byte, w, h, n int) {
	if o == upright {
		copy(dst, src)
		return
	}
	origin, stepX, stepY := 0, n, w*n
	if o.flipsX() {
		origin, stepX = origin+(w-1)*n, -stepX
	}
	if o.flipsY() {
		origin, stepY = origin+(h-1)*w*n, -stepY
	}
	if o.swaps() {
		w, h, stepX, stepY = h, w, stepY, stepX
	}
	for y := range h {
		from := origin + y*stepY
		for x := range w {
			copy(dst[(y*w+x)*n:][:n], src[from+x*stepX:][:n])
		}
	}
}
