package pixel

// axis is one axis of the resize and crop: size samples are resized to
// `resized`, of which out are kept from offset on.
type axis struct{ size, resized, offset, out int }

// view is the part of a picture that becomes the crop, along the axes of the
// picture as stored, and the turn that makes it upright.
type view struct {
	x, y axis
	turn orientation
}

// longest is the longest side of a picture, in pixels: scratch memory grows with
// the sides, up to 110 bytes for each pixel of one, and not only with the area.
const longest = 1 << 20

// view computes the geometry for a picture of w x h stored pixels, and refuses a
// picture that is empty, too large or too small for the crop.
func (o Options) view(w, h int, turn orientation) (view, error) {
	if w <= 0 || h <= 0 {
		return view{}, rejectf("the image has no pixels")
	}
	if limit := o.maxPixels(); int64(w) > limit/int64(h) {
		return view{}, rejectf("%dx%d is over --max-pixels %d", w, h, limit)
	}
	if max(w, h) > longest {
		return view{}, rejectf("%dx%d has a side over %d pixels", w, h, longest)
	}
	if turn.swaps() {
		w, h = h, w
	}
	rw, rh := o.resized(w, h)
	cw, ch := o.Size()
	if cw > rw || ch > rh {
		return view{}, rejectf("%dx%d is smaller than the crop %dx%d", w, h, cw, ch)
	}
	x := axis{w, rw, o.offset(rw - cw), cw}
	y := axis{h, rh, o.offset(rh - ch), ch}
	if turn.swaps() {
		x, y = y, x
	}
	if turn.flipsX() {
		x.offset = x.resized - x.offset - x.out
	}
	if turn.flipsY() {
		y.offset = y.resized - y.offset - y.out
	}
	return view{x, y, turn}, nil
}

// resized gives the size after resizing, rounded to nearest.
func (o Options) resized(w, h int) (rw, rh int) {
	switch {
	case o.Width > 0:
		return o.Width, o.Height
	case o.Shorter == 0:
		return w, h
	case w < h:
		return o.Shorter, (2*h*o.Shorter + w) / (2 * w)
	default:
		return (2*w*o.Shorter + h) / (2 * h), o.Shorter
	}
}

// offset halves the pixels left over beside the crop.
func (o Options) offset(spare int) int {
	half := spare / 2
	if o.HalfEven && spare%2 == 1 {
		half += half & 1
	}
	return half
}
