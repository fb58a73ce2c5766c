package als

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
		_, weights, targets := s.entries(from)
		for i, w := range weights {
			row := s.other.Row(int(columns[from+i]))
			d, w, t := float64(s.kernel.Dot(row, x)), float64(w), float64(targets[i])
			loss += d*(w*d+2*t) - t // c (p - d)^2 - d^2
			weight += w + 1
		}
	}
	return loss, weight
}

// quadratic is x'(Y'Y + lambda I)x.
func (s *Solver) quadratic(x []float32) (sum float64) {
	lambda := s.opts.lambda(len(s.columns))
	for i, v := range x {
		line := lambda * float64(v)
		for j, g := range s.exact[i*s.stride : (i+1)*s.stride] {
			line += g * float64(x[j])
		}
		sum += line * float64(v)
	}
	return sum
}
