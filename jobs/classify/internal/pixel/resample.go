package pixel

// block is the number of output rows that are resampled together: rows of bytes
// that fill a vector register, and few enough to stay in the cache.
const block = 16

// resample computes the crop as the picture stores it, len(d.tx.start) x
// len(d.ty.start) pixels, into dst. The vertical filter comes first, as it also
// narrows what the horizontal one must transpose; between them samples are
// rounded to bytes.
func (d *Decoder) resample(p picture, v view, dst []byte) {
	d.tx.set(v.x, p.w, 1/float64(p.by), d.opts.Nearest)
	d.ty.set(v.y, p.h, 1/float64(p.by), d.opts.Nearest)
	out := v.x.out * p.depth
	x0, x1 := d.tx.span(0, v.x.out)
	d.scratch = sized(d.scratch, block*(2*(x1-x0)*p.depth+out))
	for a := 0; a < v.y.out; a += block {
		n := min(block, v.y.out-a)
		y0, y1 := d.ty.span(a, a+n)
		src, stride := d.rows(p, y0, y1, x0, x1)
		resampleBlock(src, stride, p.depth, &d.tx, &d.ty, a, n, d.scratch, dst[a*out:(a+n)*out])
	}
}

// rows gives columns [x0,x1) of rows [y0,y1) of a picture. Where it must make
// them, runs for one block after another overlap by the width of the filter.
func (d *Decoder) rows(p picture, y0, y1, x0, x1 int) (pix []byte, stride int) {
	if p.row == nil {
		return p.pix[y0*p.stride+x0*p.depth : (y1-1)*p.stride+x1*p.depth], p.stride
	}
	stride = (x1 - x0) * p.depth
	d.band = sized(d.band, (y1-y0)*stride)
	for y := y0; y < y1; y++ {
		p.row(y, x0, x1, d.band[(y-y0)*stride:][:stride])
	}
	return d.band, stride
}

// resampleBlockGo is the resampler in Go: it computes output rows [a,a+n) of what
// src holds, which begins with the first sample that row a needs. It gives the same
// bytes as the one in C.
func resampleBlockGo(src []byte, stride, depth int, tx, ty *taps, a, n int, scratch, dst []byte) {
	out := len(tx.start) * depth
	x0, x1 := tx.span(0, len(tx.start))
	row := scratch[:(x1-x0)*depth]
	for i := range n {
		skip := int(ty.start[a+i]-ty.start[a]) * stride
		verticalGo(src[skip:], stride, ty.weight[(a+i)*ty.n:][:ty.n], row)
		horizontalGo(row, depth, tx, dst[i*out:][:out])
	}
}

// verticalGo sums rows of src, one for each weight, into row.
func verticalGo(src []byte, stride int, weight []int16, row []byte) {
	var sum [512]int32
	for from := 0; from < len(row); from += len(sum) {
		part := row[from:min(from+len(sum), len(row))]
		for i := range part {
			sum[i] = 1 << (weightBits - 1)
		}
		for j, w := range weight {
			if w == 0 {
				continue
			}
			for i, v := range src[j*stride+from:][:len(part)] {
				sum[i] += int32(v) * int32(w)
			}
		}
		for i := range part {
			part[i] = byte(sum[i] >> weightBits)
		}
	}
}

// horizontalGo filters one row, which begins with the first sample needed.
func horizontalGo(row []byte, depth int, tx *taps, dst []byte) {
	for i, start := range tx.start {
		weight := tx.weight[i*tx.n:][:tx.n]
		for c := range depth {
			sum := int32(1 << (weightBits - 1))
			at := int(start-tx.start[0])*depth + c
			for _, w := range weight {
				sum += int32(row[at]) * int32(w)
				at += depth
			}
			dst[i*depth+c] = byte(sum >> weightBits)
		}
	}
}
