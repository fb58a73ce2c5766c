package als

import (
	"fmt"

	"github.com/shardmill/shardmill/jobs/internal/factors"
	"github.com/shardmill/shardmill/jobs/internal/vector"
)

// listBlock is the most entries of a list that a Solver looks up at a time.
const listBlock = 1 << 16

// Solver makes new vectors of one side from those of the other, row by row. Each goroutine needs its own.
type Solver struct {
	opts     Options
	kernel   vector.Kernel
	other    *factors.Matrix
	gram     []float32 // [stride][stride]
	exact    []float64 // the same
	stride   int
	columns  []uint32 // of the row
	values   []float32
	list     list // a block of the entries
	zeros    []float32
	q, p, ap []float32

	equations *equations // of Cholesky
}

// list is entries as the kernel needs them.
type list struct {
	from, to int        // which entries of the row
	rows     []*float32 // of other
	weights  []float32  // c - 1
	targets  []float32  // -c p
}

// NewSolver makes a Solver for the vectors of the side whose rows list the rows of other, with sums the Gram.Sums of
// all rows of other.
func NewSolver(opts Options, sums []float64, other *factors.Matrix) (*Solver, error) {
	return newSolver(vector.Best(), opts, sums, other)
}

func newSolver(kernel vector.Kernel, opts Options, sums []float64, other *factors.Matrix) (*Solver, error) {
	if err := opts.Check(); err != nil {
		return nil, err
	}
	if k := opts.Factors; other.K() != k || len(sums) != PackedLen(k) {
		return nil, fmt.Errorf("a model of %d factors: the vectors have %d, and there are %d sums of products", k, other.K(), len(sums))
	}
	stride := other.Stride()
	s := &Solver{
		opts: opts, kernel: kernel, other: other, stride: stride,
		exact: unpack(sums, opts.Factors, stride), gram: make([]float32, stride*stride),
		q: make([]float32, stride), p: make([]float32, stride), ap: make([]float32, stride),
	}
	for i, v := range s.exact {
		s.gram[i] = float32(v)
	}
	if opts.Method == Cholesky {
		s.equations = newEquations(kernel, opts.Factors)
	}
	return s, nil
}

// Row sets dst to the vector of a row: its columns are the rows of other that it lists, ascending, and values are theirs, nil if
// all are 1. CG starts from prev, the vector before, or from 0 if that is nil. Vectors have the length of a row of other; dst may
// be prev. A row that lists nothing gets zeros, and one whose numbers are too large for float32 gets NaN. Cholesky can fail
// with ErrSingular.
func (s *Solver) Row(columns []uint32, values, prev, dst []float32) error {
	if len(columns) == 0 {
		clear(dst)
		return nil
	}
	s.begin(columns, values)
	if s.opts.Method == Cholesky {
		return s.exactly(dst)
	}
	if prev == nil {
		clear(dst)
	} else {
		copy(dst, prev)
	}
	s.conjugate(dst)
	return nil
}

// begin turns to another row.
func (s *Solver) begin(columns []uint32, values []float32) {
	s.columns, s.values = columns, values
	s.list.from, s.list.to = 0, 0
	if n := min(len(columns), listBlock); n > len(s.zeros) {
		n = min(2*n, listBlock)
		s.list.rows, s.list.weights, s.list.targets = make([]*float32, n), make([]float32, n), make([]float32, n)
		s.zeros = make([]float32, n)
	}
}

// entries makes the list of the block of entries from a number on.
func (s *Solver) entries(from int) (rows []*float32, weights, targets []float32) {
	l := &s.list
	to := min(from+listBlock, len(s.columns))
	n := to - from
	rows, weights, targets = l.rows[:n], l.weights[:n], l.targets[:n]
	if l.from == from && l.to == to {
		return rows, weights, targets
	}
	l.from, l.to = from, to
	s.other.Point(rows, s.columns[from:to])
	if s.values != nil {
		for i, v := range s.values[from:to] {
			weights[i], targets[i] = s.opts.weight(v)
		}
		return rows, weights, targets
	}
	w, t := s.opts.weight(1)
	for i := range weights {
		weights[i], targets[i] = w, t
	}
	return rows, weights, targets
}

// weight returns c-1 and -c p of an entry with value r. The outer conversion keeps the product from being fused with the sum,
// which not all machines would do.
func (o *Options) weight(r float32) (w, t float32) {
	w = float32(float32(o.Alpha) * max(r, -r))
	c := w
	if o.Confidence == OnePlusAlphaR {
		c++
	} else {
		w--
	}
	if r > 0 {
		t = -c
	}
	return w, t
}

// conjugate takes steps of conjugate gradients from x. q is A x - b, the residual of the other sign. Comparisons are such that
// what is not a number goes on into x.
func (s *Solver) conjugate(x []float32) {
	k := s.kernel
	s.apply(s.q, x, true)
	copy(s.p, s.q)
	square := k.Dot(s.q, s.q)
	for step := 1; !(square < tiny); step++ {
		s.apply(s.ap, s.p, false)
		curvature := k.Dot(s.p, s.ap)
		if curvature <= 0 { // only of a singular matrix, by rounding
			return
		}
		a := square / curvature
		k.Axpy(-a, s.p, x)
		if step == s.opts.Steps {
			return
		}
		k.Axpy(-a, s.ap, s.q)
		next := k.Dot(s.q, s.q)
		k.Aypx(next/square, s.q, s.p)
		square = next
	}
}

// tiny is the square of a residual that is none, as in implicit.
const tiny = 1e-20

// apply sets out to A v, less b if that is wanted.
func (s *Solver) apply(out, v []float32, lessB bool) {
	s.kernel.Combine(out, v, s.gram)
	s.kernel.Axpy(float32(s.opts.lambda(len(s.columns))), v, out)
	for from := 0; from < len(s.columns); from += listBlock {
		rows, weights, bias := s.entries(from)
		if !lessB {
			bias = s.zeros[:len(rows)]
		}
		s.kernel.DotAxpy(out, v, rows, weights, bias)
	}
}

// exactly solves the equations of the row. Targets are -c p.
func (s *Solver) exactly(dst []float32) error {
	e := s.equations
	e.reset()
	for from := 0; from < len(s.columns); from += listBlock {
		rows, weights, targets := s.entries(from)
		e.entries(rows, weights, targets, -1)
	}
	for j := range e.b {
		e.b[j] = -e.b[j]
	}
	return e.solve(s.exact, s.opts.lambda(len(s.columns)), dst)
}
