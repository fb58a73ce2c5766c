package recommend

import (
	"context"
	"fmt"
	"slices"

	"github.com/shardmill/shardmill/jobs/internal/als"
	"github.com/shardmill/shardmill/jobs/internal/ease"
	"github.com/shardmill/shardmill/jobs/internal/factors"
	"github.com/shardmill/shardmill/jobs/internal/matrix"
	"github.com/shardmill/shardmill/jobs/internal/neighbours"
	"github.com/shardmill/shardmill/jobs/internal/vector"
)

// sparse is a matrix of interactions or of similarities: that of files, or one in memory.
type sparse interface {
	Rows() int
	Columns() int
	Row(i int) (columns []uint32, values []float32)
}

// learnAlone trains one algorithm in this goroutine, without stages, on a matrix by users and its transpose. The lists of
// the scorer, of up to top items, are those of a job with the same parameters, bit for bit; it is of no more use once the keeper is closed. Errors:
// of the context; a *scratchError; what keeps the algorithm from these matrices, such as an *ease.TooLargeError.
func learnAlone(ctx context.Context, p Params, users, items sparse, top int, keep keeper) (scorer, error) {
	if err := p.fits(users, items); err != nil {
		return nil, err
	}
	switch p.Algorithm {
	case Popularity:
		return byCounts(countsOf(items), top), nil
	case ALS:
		return alternateAlone(ctx, p.model(), p.iterations(), users, items, top, keep)
	case EASE:
		inv, err := ease.Solve(ctx, users, items, ease.Options{Lambda: p.lambda(), Zeros: keep.zeros})
		if err != nil {
			return nil, err
		}
		m, err := keep.inverse(inv)
		if err != nil {
			return nil, err
		}
		s, err := ease.NewScorer(m, users, items, top)
		return &byInverse{scorer: s}, err
	}
	near, err := neighboursAlone(ctx, p.method(), users, items, keep)
	if err != nil {
		return nil, err
	}
	s, err := neighbours.NewScorer(near, neighbours.ScoreOptions{Top: top})
	return &oneByOne{one: s.Score}, err
}

// countsOf are the entries of each row.
func countsOf(m sparse) []int {
	counts := make([]int, m.Rows())
	for i := range counts {
		columns, _ := m.Row(i)
		counts[i] = len(columns)
	}
	return counts
}

// rowsAtOnce is after how many rows it is asked whether the work is still wanted.
const rowsAtOnce = 256

// withEntries passes on the rows of a matrix that have entries.
func withEntries(ctx context.Context, m sparse, do func(i int, columns []uint32, values []float32) error) error {
	for i := range m.Rows() {
		if i%rowsAtOnce == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		columns, values := m.Row(i)
		if len(columns) == 0 {
			continue
		}
		if err := do(i, columns, values); err != nil {
			return err
		}
	}
	return nil
}

// neighboursAlone makes the matrix of neighbours that the stage similarity makes.
func neighboursAlone(ctx context.Context, m neighbours.Method, users, items sparse, keep keeper) (sparse, error) {
	kernel, err := neighbours.NewKernel(m, users, items)
	if err != nil {
		return nil, err
	}
	fill := func(add func(matrix.Row) error) error { return addNeighbours(ctx, kernel, items, !m.Transposed(), add) }
	if m.Transposed() {
		return keep.transpose(ctx, items.Rows(), items.Rows(), fill)
	}
	return keep.matrix(items.Rows(), items.Rows(), fill)
}

// addNeighbours adds the neighbours of each item as a row, if wanted in the order of their columns.
func addNeighbours(ctx context.Context, kernel *neighbours.Kernel, items sparse, sorted bool, add func(matrix.Row) error) error {
	var list []neighbours.Neighbour
	var row matrix.Row
	return withEntries(ctx, items, func(i int, _ []uint32, _ []float32) error {
		if list = kernel.Row(i, list[:0]); sorted {
			slices.SortFunc(list, func(a, b neighbours.Neighbour) int { return int(a.Index) - int(b.Index) })
		}
		row = matrix.Row{Index: uint32(i), Columns: row.Columns[:0], Values: row.Values[:0]}
		for _, n := range list {
			row.Columns, row.Values = append(row.Columns, n.Index), append(row.Values, float32(n.Similarity))
		}
		if !vector.Finite(row.Values) {
			return fmt.Errorf("item %d has a similarity that is too large for 32-bit floats", i)
		}
		return add(row)
	})
}

// alternateAlone makes the vectors that the stages of an alternation make.
func alternateAlone(ctx context.Context, m model, iterations int, users, items sparse, top int, keep keeper) (scorer, error) {
	mean := 0.
	if m.ratings {
		mean = meanOf(users)
	}
	var x *factors.Matrix // of ratings, it begins with the items alone
	y, err := keep.vectors(ctx, items, m.width(), nil, func(i int, _ []uint32, _, _, dst []float32) bool { m.start(i, dst); return true })
	if err == nil && !m.ratings {
		x, err = keep.vectors(ctx, users, m.width(), nil, func(i int, _ []uint32, _, _, dst []float32) bool {
			als.Initial(m.seed^usersSeed, i, m.implicit.Factors, dst)
			return true
		})
	}
	for range iterations {
		if err == nil {
			x, err = halfStepAlone(ctx, &m, users, x, y, mean, keep)
		}
		if err == nil {
			y, err = halfStepAlone(ctx, &m, items, y, x, mean, keep)
		}
	}
	if err != nil {
		return nil, err
	}
	return newByFactors(&m, x, y, mean, nil, top, keep)
}

// halfStepAlone makes the vectors of the rows of a matrix, from those before, out of the vectors of its columns.
func halfStepAlone(ctx context.Context, m *model, rows sparse, former, other *factors.Matrix, mean float64, keep keeper) (*factors.Matrix, error) {
	solve, err := m.solver(other, mean)
	if err != nil {
		return nil, err
	}
	return keep.vectors(ctx, rows, m.width(), former, func(_ int, columns []uint32, values, former, dst []float32) bool {
		return solve(columns, values, former, dst) == nil && vector.Finite(dst) // the stage rejects other rows
	})
}

// solver makes vectors out of those of the other side.
func (m *model) solver(other *factors.Matrix, mean float64) (func(columns []uint32, values, former, dst []float32) error, error) {
	if m.ratings {
		s, err := als.NewRatingSolver(m.explicit, mean, other)
		return func(columns []uint32, values, _, dst []float32) error { return s.Row(columns, values, dst) }, err
	}
	s, err := als.NewSolver(m.implicit, gramOf(other), other)
	if err != nil {
		return nil, err
	}
	return s.Row, nil
}
