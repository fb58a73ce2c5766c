package cholesky

import (
	"context"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// Options say how a matrix is inverted. They do not change the result.
type Options struct {
	Workers int    // goroutines; less than 1 is 1
	Kernel  Kernel // the zero Kernel is the best
	// Progress, if it is not nil, is told how many of all blocks are done. Several goroutines may call it at once.
	Progress func(done, all int)
}

// Invert replaces a positive definite matrix by its inverse. A matrix that is not positive definite is a *NotPositiveError. After an
// error, which may be that of the context, the numbers are of no use.
func (m *Matrix) Invert(ctx context.Context, o Options) error {
	n := m.blocks()
	r := &run{m: m, options: o, kernel: o.Kernel.orBest(), all: n*(n+1) + n*(n-1)/2}
	for i := range m.n {
		r.diagonal = append(r.diagonal, m.At(i, i))
	}
	for i := range n {
		side := m.side(i)
		r.inverses = append(r.inverses, block{make([]float32, side*side*tileSize), side, side})
	}
	for _, s := range []struct {
		order [][2]int
		step  stepFunc
	}{{byColumns(n), r.factorBlock}, {byRows(n, 0), r.invertBlock}, {byRows(n, 1), r.squareBlock}} {
		if err := r.stage(ctx, s.order, s.step); err != nil {
			return err
		}
	}
	return nil
}

// run is the state of Invert.
type run struct {
	m        *Matrix
	options  Options
	kernel   Kernel
	diagonal []float32 // of the matrix
	inverses []block   // of the factor's blocks on the diagonal
	all      int
	done     atomic.Int64
}

// A stepFunc computes block (i, j) of a stage. It has memory for a block.
type stepFunc func(ctx context.Context, s stage, i, j int, memory []float32) error

// A stage computes blocks, each of which needs only blocks before it in the order: goroutines take them in turn, and wait for
// what they need.
type stage struct {
	finished []chan struct{} // by rows of blocks up to the diagonal; closed when the block is there
}

func newStage(rows int) stage {
	s := stage{make([]chan struct{}, rows*(rows+1)/2)}
	for i := range s.finished {
		s.finished[i] = make(chan struct{})
	}
	return s
}

func (s stage) block(i, j int) chan struct{} { return s.finished[i*(i+1)/2+j] }

// wait waits for a block that comes before in the order.
func (s stage) wait(ctx context.Context, i, j int) error {
	select {
	case <-s.block(i, j):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// byColumns is the order of all blocks by columns.
func byColumns(n int) (order [][2]int) {
	for j := range n {
		for i := j; i < n; i++ {
			order = append(order, [2]int{i, j})
		}
	}
	return order
}

// byRows is the order of all blocks by rows up to the diagonal, and of so many more.
func byRows(n, more int) (order [][2]int) {
	for i := range n {
		for j := range i + more {
			order = append(order, [2]int{i, j})
		}
	}
	return order
}

// stage runs a stage.
func (r *run) stage(ctx context.Context, order [][2]int, step stepFunc) error {
	s := newStage(r.m.blocks())
	g, ctx := errgroup.WithContext(ctx)
	var next atomic.Int64
	for range max(1, r.options.Workers) {
		g.Go(func() error {
			memory := make([]float32, blockSize)
			for {
				t := int(next.Add(1)) - 1
				if t >= len(order) {
					return nil
				}
				if err := ctx.Err(); err != nil {
					return err
				}
				i, j := order[t][0], order[t][1]
				if err := step(ctx, s, i, j, memory); err != nil {
					return err
				}
				close(s.block(i, j))
				r.report()
			}
		})
	}
	return g.Wait()
}

func (r *run) report() {
	if done := r.done.Add(1); r.options.Progress != nil {
		r.options.Progress(int(done), r.all)
	}
}
