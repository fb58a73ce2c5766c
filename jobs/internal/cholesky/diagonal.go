package cholesky

import (
	"fmt"
	"math"
)

// NotPositiveError reports a matrix that is not positive definite, or so nearly singular that float32 cannot tell.
type NotPositiveError struct {
	Row      int     // of the pivot
	Pivot    float64 // what is left of the diagonal
	Diagonal float64 // what was there
}

// Error says where.
func (e *NotPositiveError) Error() string {
	return fmt.Sprintf("the matrix is not positive definite in float32: of %g on the diagonal of row %d, %g is left", e.Diagonal, e.Row, e.Pivot)
}

// leastPivot is the part of the diagonal that a pivot must have: what is less is rounding.
const leastPivot = 0x1p-23

// factor puts into w the inverse of the Cholesky factor L of a block on the diagonal, of which it reads the lower half, and into the
// upper half of the block the transpose of that inverse. What is below is of no more use. Diagonal is
// what the diagonal was before any block was subtracted, first the row in the matrix.
func (k Kernel) factor(b, w block, diagonal []float32, first int) error {
	var t tile
	for q := range b.rows {
		if q > 0 {
			for p := q; p < b.rows; p++ {
				k.plain(b.tile(p, q), b.panel(p, 0, q), b.panel(q, 0, q), -1)
			}
		}
		from, to := min(q*tileSide, len(diagonal)), min((q+1)*tileSide, len(diagonal))
		if err := factorTile(b.tile(q, q), w.tile(q, q), diagonal[from:to], first+from); err != nil {
			return err
		}
		for p := q + 1; p < b.rows; p++ {
			k.product(b.tile(p, q), &t, w.tile(q, q))
		}
	}
	k.invert(b, w)
	return nil
}

// plain is an update that fetches nothing more.
func (k Kernel) plain(c *tile, a, b []float32, sign float32) { k.update(c, a, b, sign, &a[0]) }

// product multiplies a tile with the transpose of another. It needs memory for a tile.
func (k Kernel) product(c, t, b *tile) {
	*t, *c = *c, tile{}
	k.plain(c, t[:], b[:], 1)
}

// invert is the second half of factor: with V the transpose of the inverse, for j < q
//
//	V[j][q] = -(sum over m from j to q-1 of V[j][m] L[q][m]') V[q][q]
func (k Kernel) invert(b, w block) {
	var t tile
	for q := range b.rows {
		transpose(b.tile(q, q), w.tile(q, q))
		for j := range q {
			v := b.tile(j, q)
			*v = tile{}
			k.plain(v, b.panel(j, j, q), b.panel(q, j, q), -1)
			k.product(v, &t, w.tile(q, q))
			transpose(w.tile(q, j), v)
		}
	}
}

// factorTile puts into w the inverse of the Cholesky factor of a tile, of which it reads the lower half. It calculates in
// float64. Rows behind the end of diagonal are as of the identity.
func factorTile(a, w *tile, diagonal []float32, first int) error {
	var l [tileSide][tileSide]float64 // [row][column]
	for i := range tileSide {
		for j := range i {
			l[i][j] = (float64(a[j*tileSide+i]) - dot(l[i][:j], l[j][:j])) / l[j][j]
		}
		pivot, was := 1.0, 1.0
		if i < len(diagonal) {
			pivot, was = float64(a[i*tileSide+i])-dot(l[i][:i], l[i][:i]), float64(diagonal[i])
		}
		if !(pivot > leastPivot*was) { // nor if one is infinite or not a number
			return &NotPositiveError{Row: first + i, Pivot: pivot, Diagonal: was}
		}
		l[i][i] = math.Sqrt(pivot)
	}
	invertTile(w, &l)
	return nil
}

// invertTile puts into w the inverse of a lower triangle, [row][column], by forward substitution.
func invertTile(w *tile, l *[tileSide][tileSide]float64) {
	for c := range tileSide {
		var x [tileSide]float64
		x[c] = 1 / l[c][c]
		for r := c + 1; r < tileSide; r++ {
			x[r] = -dot(l[r][c:r], x[c:r]) / l[r][r]
		}
		for r, v := range x {
			w[c*tileSide+r] = float32(v)
		}
	}
}

// dot is the sum of products, each rounded before it is added: a fused operation on some processors would change it.
func dot(a, b []float64) (sum float64) {
	for i, x := range a {
		sum += float64(x * b[i])
	}
	return sum
}
