package preprocess

// elements are the tensor elements of one type for the samples of each channel.
type elements[T any] struct {
	of     [3][256]T
	affine affine[T] // gives the same ones faster; nil for none
}

// An affine computes element i of dst from samples[3*i]: fma(sample, scale, offset) in float64, rounded to T by way of
// float32. It writes whole blocks only, and reads readAhead bytes more than these have.
type affine[T any] func(dst []T, samples []byte, scale, offset float64)

const (
	block     = 16
	readAhead = 4
)

// line is what makes elements of the samples of a channel: sample * scale + offset.
type line struct{ scale, offset float64 }

// use takes the kernel if it gives the bits of all elements, which rounding another formula twice does not promise.
func (e *elements[T]) use(kernel affine[T], lines []line, same func(a, b T) bool) {
	if kernel == nil {
		return
	}
	var samples [3*256 + readAhead]byte
	for v := range 256 {
		samples[3*v] = byte(v)
	}
	for c, l := range lines {
		var got [256]T
		kernel(got[:], samples[:], l.scale, l.offset)
		for v := range got {
			if !same(got[v], e.of[c][v]) {
				return
			}
		}
	}
	e.affine = kernel
}

// plane writes the elements of every third sample, which are all of channel c.
func (e *elements[T]) plane(c int, dst []T, samples []byte, l line) {
	if e.affine != nil && len(samples) > readAhead {
		n := min(len(dst), (len(samples)-readAhead)/3) / block * block
		e.affine(dst[:n], samples, l.scale, l.offset)
		dst, samples = dst[n:], samples[3*n:]
	}
	fillPlane(dst, samples, &e.of[c])
}
