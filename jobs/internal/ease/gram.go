package ease

import (
	"context"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/shardmill/shardmill/jobs/internal/cholesky"
)

// gramRows is how many rows of a Gram matrix a goroutine takes at a time.
const gramRows = 32

// gram is the products of all pairs of the active rows, with lambda added to the diagonal. Others is the transpose of
// rows. Each number is summed in float64 in the order of the columns.
func gram(ctx context.Context, rows, others Matrix, active []uint32, o Options) (*cholesky.Matrix, error) {
	newMatrix := cholesky.New
	if o.Zeros != nil {
		newMatrix = func(n int) (*cholesky.Matrix, error) { return cholesky.NewIn(n, o.Zeros) }
	}
	m, err := newMatrix(len(active))
	if err != nil {
		return nil, err
	}
	g, ctx := errgroup.WithContext(ctx)
	var next atomic.Int64
	for range max(1, o.Workers) {
		g.Go(func() error {
			s := newSums(rows, others)
			packed := make([]float64, len(active))
			for {
				first := int(next.Add(gramRows)) - gramRows
				if first >= len(active) {
					return nil
				}
				if err := ctx.Err(); err != nil {
					return err
				}
				for a := first; a < min(first+gramRows, len(active)); a++ {
					s.add(active[a])
					s.move(packed, active[:a+1])
					packed[a] += o.Lambda
					if err := m.SetRow(a, packed[:a+1]); err != nil {
						return err
					}
				}
			}
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return m, nil
}

// sums adds up the products of a row with those up to itself.
type sums struct {
	rows, others Matrix
	of           []float64 // by rows; zero between rows
	passed       []uint32  // for each column how many of its rows come before: rows ascend
}

func newSums(rows, others Matrix) *sums {
	return &sums{rows, others, make([]float64, rows.Rows()), make([]uint32, others.Rows())}
}

// sumsBytes is the memory of sums and of a row that is moved.
func sumsBytes(rows, others int64) int64 { return 16*rows + 4*others }

// add adds the products of row i. It is above the rows before.
func (s *sums) add(i uint32) {
	columns, values := s.rows.Row(int(i))
	for q, c := range columns {
		of, theirs := s.others.Row(int(c))
		n := s.passed[c]
		for int(n) < len(of) && of[n] <= i {
			n++
		}
		s.passed[c] = n
		if theirs == nil {
			addWeight(s.of, of[:n], weight(values, q))
		} else {
			addValues(s.of, of[:n], theirs, weight(values, q))
		}
	}
}

// move moves the sums of rows to an array.
func (s *sums) move(to []float64, rows []uint32) {
	for a, i := range rows {
		to[a], s.of[i] = s.of[i], 0
	}
}

func weight(values []float32, q int) float64 {
	if values == nil {
		return 1
	}
	return float64(values[q])
}

// addWeight adds w to the sums of columns.
func addWeight(sums []float64, columns []uint32, w float64) {
	for len(columns) >= 4 {
		sums[columns[0]] += w
		sums[columns[1]] += w
		sums[columns[2]] += w
		sums[columns[3]] += w
		columns = columns[4:]
	}
	for _, c := range columns {
		sums[c] += w
	}
}

// addValues adds w times their values to the sums of columns. The product is rounded before it is added: a fused
// operation on some processors would change the sums.
func addValues(sums []float64, columns []uint32, values []float32, w float64) {
	for q, c := range columns {
		sums[c] += float64(w * float64(values[q]))
	}
}
