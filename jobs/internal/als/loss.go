package als

// lossBlock is how many entries are summed in float32 before they are added in float64.
const lossBlock = 256

// Loss is what a vector x of a row costs, and the sum of the confidences of all columns, to divide by:
//
//	loss   = sum over all columns of c (p - x.y)^2 + lambda |x|^2
//	weight = sum over all columns of c
//
// The loss of a model is the sum of the one over that of the other, of all rows or of a sample. Implicit adds the
// regularization of both sides; this has that of the rows.
func (s *Solver) Loss(columns []uint32, values, x []float32) (loss, weight float64) {
	s.begin(columns, values)
	loss = s.quadratic(x)
	weight = float64(s.other.Rows() - len(columns))
	for from := 0; from < len(columns); from += listBlock {
		rows, weights, targets := s.entries(from)
		for len(rows) > 0 {
			n := min(len(rows), lossBlock)
			l, w := s.lossOf(rows[:n], weights[:n], targets[:n], x)
			loss, weight = loss+l, weight+w
			rows, weights, targets = rows[n:], weights[n:], targets[n:]
		}
	}
	return loss, weight
}

// lossOf is the sum over a block of entries of c (p - d)^2 - d^2, where d = x.y, and that of c:
//
//	c (p - d)^2 - d^2 = d ((c - 1) d - 2 c p) + c p
//
// and the sum of the first terms is the product of x and the sum of ((c - 1) d - 2 c p) y.
func (s *Solver) lossOf(rows []*float32, weights, targets, x []float32) (loss, weight float64) {
	var twice [lossBlock]float32
	for i, t := range targets {
		twice[i] = 2 * t
		loss -= float64(t)
		weight += float64(weights[i]) + 1
	}
	clear(s.q)
	s.kernel.DotAxpy(s.q, x, rows, weights, twice[:len(rows)])
	return loss + float64(s.kernel.Dot(s.q, x)), weight
}

// quadratic is x'(Y'Y + lambda I)x.
func (s *Solver) quadratic(x []float32) float64 {
	s.kernel.Combine(s.q, x, s.gram)
	s.kernel.Axpy(float32(s.opts.lambda(len(s.columns))), x, s.q)
	return float64(s.kernel.Dot(s.q, x))
}
