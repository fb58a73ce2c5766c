package pixel

// block is the number of output rows that are resampled together: rows of bytes
// that fill a vector register, and few enough to stay in the cache.
const block = 16

// kernel holds the scratch memory of the resampler.
type kernel struct{ scratch []byte }

// rows is a run of rows of one channel: row `first` of the plane begins at pix[0].
type rows struct {
	pix    []byte
	stride int
	first  int
}

// resample computes output rows [a,b) of a plane into dst, which holds all output
// rows, len(tx.start) bytes each. The vertical filter comes first, as it also
// narrows what the horizontal one must transpose; between them samples are
// rounded to bytes.
func (k *kernel) resample(src rows, tx, ty *taps, a, b int, dst []byte) {
	out := len(tx.start)
	x0, x1 := tx.span(0, out)
	k.scratch = sized(k.scratch, block*(2*(x1-x0)+out))
	for ; a < b; a += block {
		n := min(block, b-a)
		y0, y1 := ty.span(a, a+n)
		from := (y0-src.first)*src.stride + x0
		to := (y1-1-src.first)*src.stride + x1
		resampleBlock(src.pix[from:to], src.stride, x0, x1, tx, ty, a, n, k.scratch, dst[a*out:(a+n)*out])
	}
}

// resampleBlockGo is the resampler in Go: src begins with the first sample that
// output row a needs. It gives the same bytes as the one in C.
func resampleBlockGo(src []byte, stride, x0, x1 int, tx, ty *taps, a, n int, scratch, dst []byte) {
	out := len(tx.start)
	row := scratch[:x1-x0]
	for i := range n {
		skip := int(ty.start[a+i]-ty.start[a]) * stride
		verticalGo(src[skip:], stride, ty.weight[(a+i)*ty.n:][:ty.n], row)
		horizontalGo(row, x0, tx, dst[i*out:][:out])
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

// horizontalGo filters one row, which begins with sample x0 of the plane.
func horizontalGo(row []byte, x0 int, tx *taps, dst []byte) {
	for i := range dst {
		weight := tx.weight[i*tx.n:][:tx.n]
		sum := int32(1 << (weightBits - 1))
		for j, v := range row[int(tx.start[i])-x0:][:tx.n] {
			sum += int32(v) * int32(weight[j])
		}
		dst[i] = byte(sum >> weightBits)
	}
}
