package cholesky

import "context"

// factorBlock puts block (i, j) of the factor L, A = L L', in the place of that of the matrix; W is the inverse of L:
//
//	T = A[i][j] - sum over k < j of L[i][k] L[j][k]'
//	L[i][j] = T W[j][j]'
//
// On the diagonal it puts W[i][i], and V[i][i] = W[i][i]' in the place of the matrix.
func (r *run) factorBlock(ctx context.Context, s stage, i, j int, memory []float32) error {
	b := r.m.block(i, j)
	pair := func(k int) factors { return factors{a: r.m.block(i, k), b: r.m.block(j, k)} }
	for k := range j {
		if err := s.wait(ctx, i, k); err != nil {
			return err
		}
		if err := s.wait(ctx, j, k); err != nil {
			return err
		}
		r.kernel.add(b, pair(k), -1, i == j, pair(k+1))
	}
	if i == j {
		first := i * blockSide
		return r.kernel.factor(b, r.inverses[i], r.diagonal[first:min(first+blockSide, r.m.n)], first)
	}
	if err := s.wait(ctx, j, j); err != nil {
		return err
	}
	t := block{memory[:copy(memory, b.numbers)], b.rows, b.columns}
	clear(b.numbers)
	r.kernel.add(b, factors{t, r.inverses[j], rightLower}, 1, false, factors{})
	return nil
}

// invertBlock puts block (j, i) of V, the transpose of the inverse of L, in the place of block (i, j) of L, j < i:
//
//	T = sum over k from j to i-1 of V[j][k] L[i][k]'
//	V[j][i] = -T W[i][i]'
//
// The blocks before it in its row need block (i, j) of L, and so it waits for them.
func (r *run) invertBlock(ctx context.Context, s stage, i, j int, memory []float32) error {
	v := r.m.mirror(i, j)
	t := block{memory[:len(v.numbers)], v.rows, v.columns}
	clear(t.numbers)
	pair := func(k int) factors { return factors{a: r.m.mirror(k, j), b: r.m.block(i, k)} }
	first := pair(j)
	first.shape = leftUpper
	r.kernel.add(t, first, 1, false, pair(j+1))
	for k := j + 1; k < i; k++ {
		if err := s.wait(ctx, k, j); err != nil {
			return err
		}
		r.kernel.add(t, pair(k), 1, false, pair(k+1))
	}
	if j > 0 {
		if err := s.wait(ctx, i, j-1); err != nil {
			return err
		}
	}
	clear(v.numbers)
	r.kernel.add(v, factors{t, r.inverses[i], rightLower}, -1, false, factors{})
	return nil
}

// squareBlock puts block (i, j) of the inverse of the matrix in the place of V[j][i]:
//
//	P[i][j] = sum over k >= i of V[i][k] V[j][k]'
//
// Block V[j][i] is needed in column j down to row i-1, V[i][i] in row i; so it waits for them.
func (r *run) squareBlock(ctx context.Context, s stage, i, j int, memory []float32) error {
	b := r.m.block(i, j)
	t := block{memory[:len(b.numbers)], b.rows, b.columns}
	clear(t.numbers)
	pair := func(k int) factors { return factors{a: r.m.mirror(k, i), b: r.m.mirror(k, j)} }
	last := r.m.blocks() - 1
	for k := i; k <= last; k++ {
		now, next := pair(k), pair(min(k+1, last))
		if k == i {
			now.shape = leftUpper
		}
		r.kernel.add(t, now, 1, i == j, next)
	}
	if j < i {
		if err := s.wait(ctx, i-1, j); err != nil {
			return err
		}
	}
	if i == j {
		for other := range j {
			if err := s.wait(ctx, i, other); err != nil {
				return err
			}
		}
	}
	copy(b.numbers, t.numbers)
	return nil
}
