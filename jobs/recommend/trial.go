package recommend

import (
	"context"
	"slices"

	"github.com/shardmill/shardmill/jobs/internal/als"
	"github.com/shardmill/shardmill/jobs/internal/ease"
	"github.com/shardmill/shardmill/jobs/internal/factors"
	"github.com/shardmill/shardmill/jobs/internal/neighbours"
	"github.com/shardmill/shardmill/jobs/internal/vector"
)

// sparse is a matrix of interactions or of similarities: that of files, or one in memory.
type sparse interface {
	Rows() int
	Columns() int
	Row(i int) (columns []uint32, values []float32)
}

// learnAlone trains one algorithm in this goroutine, without stages and files, on a matrix by users and its transpose. The lists of
// the scorer, of up to top items, are those of a job with the same parameters, bit for bit. Errors: of the context; what keeps the
// algorithm from these matrices, such as a *tooMuchError.
func learnAlone(ctx context.Context, p Params, users, items sparse, top int) (scorer, error) {
	limit := memoryLimit()
	if err := p.fits(users, items, limit); err != nil {
		return nil, err
	}
	switch p.Algorithm {
	case Popularity:
		return byCounts(countsOf(items), top), nil
	case ALS:
		return alternateAlone(ctx, p.model(), p.iterations(), users, items, top)
	case EASE:
		inv, err := ease.Solve(ctx, users, items, ease.Options{Lambda: p.lambda()})
		if err != nil {
			return nil, err
		}
		s, err := ease.NewScorer(inv.Model(), users, items, top)
		return &byInverse{scorer: s}, err
	}
	near, err := neighboursAlone(ctx, p.method(), users, items, limit)
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

// neighboursAlone makes the matrix of neighbours that the stage similarity makes, if it is within a limit of memory.
func neighboursAlone(ctx context.Context, m neighbours.Method, users, items sparse, limit int64) (*memoryRows, error) {
	kernel, err := neighbours.NewKernel(m, users, items)
	if err != nil {
		return nil, err
	}
	near := newMemoryRows(items.Rows(), items.Rows())
	var list []neighbours.Neighbour
	err = withEntries(ctx, items, func(i int, _ []uint32, _ []float32) error {
		list = kernel.Row(i, list[:0])
		if !m.Transposed() {
			slices.SortFunc(list, func(a, b neighbours.Neighbour) int { return int(a.Index) - int(b.Index) })
		}
		for _, n := range list {
			near.add(n.Index, float32(n.Similarity))
		}
		near.end(i)
		return near.fits(limit)
	})
	if err != nil || !m.Transposed() {
		return near, err
	}
	return near.transpose(), nil
}

// alternateAlone makes the vectors that the stages of an alternation make.
func alternateAlone(ctx context.Context, m model, iterations int, users, items sparse, top int) (scorer, error) {
	x, y := factors.New(users.Rows(), m.width()), factors.New(items.Rows(), m.width())
	mean := 0.
	if m.ratings {
		mean = meanOf(users)
	}
	err := withEntries(ctx, items, func(i int, _ []uint32, _ []float32) error {
		m.start(i, y.Row(i))
		return nil
	})
	if err == nil && !m.ratings {
		err = withEntries(ctx, users, func(i int, _ []uint32, _ []float32) error {
			als.Initial(m.seed^usersSeed, i, m.implicit.Factors, x.Row(i))
			return nil
		})
	}
	for range iterations {
		if err == nil {
			err = halfStepAlone(ctx, &m, users, x, y, mean)
		}
		if err == nil {
			err = halfStepAlone(ctx, &m, items, y, x, mean)
		}
	}
	if err != nil {
		return nil, err
	}
	return newByFactors(&m, x, y, mean, nil, top)
}

// halfStepAlone makes the vectors x of the rows of a matrix, from those before, out of the vectors y of its columns.
func halfStepAlone(ctx context.Context, m *model, rows sparse, x, y *factors.Matrix, mean float64) error {
	solve, err := m.solver(y, mean)
	if err != nil {
		return err
	}
	return withEntries(ctx, rows, func(i int, columns []uint32, values []float32) error {
		dst := x.Row(i)
		if err := solve(columns, values, dst, dst); err != nil || !vector.Finite(dst) {
			clear(dst) // as the stage does, which rejects the row
		}
		return nil
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
