package als

import (
	"errors"
	"math"
	"unsafe"

	"github.com/shardmill/shardmill/jobs/internal/vector"
)

// ErrSingular reports a row whose equations have no single solution: the regularization is too small.
var ErrSingular = errors.New("the equations of a row have no single solution: the regularization is too small")

// equations are the normal equations A x = b of a row, of k unknowns.
type equations struct {
	*Gram       // sums from the diagonal on, which become A
	left, right []float32
	combined    []float32
	b           []float64
}

func newEquations(kernel vector.Kernel, k int) *equations {
	g := newGram(kernel, k)
	return &equations{
		Gram: g, left: make([]float32, gramBlock*g.stride), right: make([]float32, gramBlock*g.stride),
		combined: make([]float32, g.stride), b: make([]float64, k),
	}
}

func (e *equations) reset() {
	e.Gram.reset()
	clear(e.b)
}

// entries adds weights[i] z z' to A and targets[i] z to b, for each row z. If ones is not negative, that number of each z is 1.
// Weights nil are all 1.
func (e *equations) entries(rows []*float32, weights, targets []float32, ones int) {
	for len(rows) > 0 {
		n := min(len(rows), gramBlock)
		right := e.right[:n*e.stride]
		for i, row := range rows[:n] {
			z := right[i*e.stride : (i+1)*e.stride]
			copy(z, unsafe.Slice(row, e.stride))
			if ones >= 0 {
				z[ones] = 1
			}
		}
		left := right
		if weights != nil {
			left = e.scale(right, weights[:n])
			weights = weights[n:]
		}
		e.add(left, right)
		e.kernel.Combine(e.combined, targets[:n], right)
		for j := range e.b {
			e.b[j] += float64(e.combined[j])
		}
		rows, targets = rows[n:], targets[n:]
	}
}

// scale returns the rows, each times its weight.
func (e *equations) scale(rows, weights []float32) []float32 {
	left := e.left[:len(rows)]
	clear(left)
	for i, w := range weights {
		at := i * e.stride
		e.kernel.Axpy(w, rows[at:at+e.stride], left[at:at+e.stride])
	}
	return left
}

// solve adds lambda to the diagonal of A, and gram, [stride][stride], to all of it if it is not nil. It sets dst to the solution and zeros behind it.
func (e *equations) solve(gram []float64, lambda float64, dst []float32) error {
	e.flush()
	for i := range e.k {
		line := e.line(i)
		if gram != nil {
			for j, v := range gram[i*e.stride+i : i*e.stride+e.k] {
				line[j] += v
			}
		}
		line[0] += lambda
	}
	if !e.factorize() {
		return ErrSingular
	}
	e.substitute()
	clear(dst)
	for j, v := range e.b {
		dst[j] = float32(v)
	}
	return nil
}

// factorize makes of A the factor U with A = U'U. It tells whether A is positive definite, as far as float64 can tell.
func (e *equations) factorize() bool {
	least := 0.
	for i := range e.k {
		least = max(least, e.line(i)[0])
	}
	least *= float64(e.k) * 0x1p-52 // what rounding makes of a pivot that is 0
	for i := range e.k {
		line := e.line(i)
		p := 0
		for ; p+4 <= i; p += 4 {
			subtract4(line, e.tail(p, i), e.tail(p+1, i), e.tail(p+2, i), e.tail(p+3, i))
		}
		for ; p < i; p++ {
			from := e.tail(p, i)
			subtract(line, from, from[0])
		}
		if !(line[0] > least) {
			return false
		}
		root := math.Sqrt(line[0])
		for j := range line {
			line[j] /= root
		}
	}
	return true
}

// tail is row i of A from column j on.
func (e *equations) tail(i, j int) []float64 { return e.sums[i*e.stride+j : i*e.stride+e.k] }

// line is row i of A from the diagonal on.
func (e *equations) line(i int) []float64 { return e.tail(i, i) }

// subtract takes f times from off to. The conversion keeps the product from being fused with the difference, which not all
// machines would do.
func subtract(to, from []float64, f float64) {
	from = from[:len(to)]
	for j, v := range from {
		to[j] -= float64(f * v)
	}
}

// subtract4 takes each vector, times its first number, off to, one after the other.
func subtract4(to, a, b, c, d []float64) {
	n := len(to)
	a, b, c, d = a[:n], b[:n], c[:n], d[:n]
	fa, fb, fc, fd := a[0], b[0], c[0], d[0]
	for j, v := range to {
		v -= float64(fa * a[j])
		v -= float64(fb * b[j])
		v -= float64(fc * c[j])
		to[j] = v - float64(fd*d[j])
	}
}

// substitute solves U'U x = b, and leaves x in b.
func (e *equations) substitute() {
	for i := range e.k {
		line := e.line(i)
		e.b[i] /= line[0]
		subtract(e.b[i+1:], line[1:], e.b[i])
	}
	for i := e.k - 1; i >= 0; i-- {
		line := e.line(i)
		for j, v := range line[1:] {
			e.b[i] -= float64(v * e.b[i+1+j])
		}
		e.b[i] /= line[0]
	}
}
