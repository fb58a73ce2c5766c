package ease

import (
	"context"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/shardmill/shardmill/jobs/internal/cholesky"
)

// gramRows is how many rows of a Gram matrix a goroutine takes at a time.
const gramRows = 32

// gram is the products of all pairs of the active rows, with lambda added to the diagonal. Others is the transpose of
// rows. Each number is summed in float64 in the order of the columns.
func gram(ctx context.Context, rows, others Matrix, active []uint32, o Options) (*cholesky.Matrix, error) {
	m, err := cholesky.New(len(active))
	if err != nil {
		return nil, err
	}
	g, ctx := errgroup.WithContext(ctx)
	var next atomic.Int64
	for range max(1, o.Workers) {
		g.Go(func() error {
			sums, packed := make([]float64, rows.Rows()), make([]float64, len(active))
			for {
				first := int(next.Add(gramRows)) - gramRows
				if first >= len(active) {
					return nil
				}
				if err := ctx.Err(); err != nil {
					return err
				}
				for a := first; a < min(first+gramRows, len(active)); a++ {
					addRow(sums, rows, others, active[a])
					for b, i := range active[:a+1] {
						packed[b], sums[i] = sums[i], 0
					}
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

// addRow adds the products of a row with those up to itself.
func addRow(sums []float64, rows, others Matrix, i uint32) {
	columns, values := rows.Row(int(i))
	for q, c := range columns {
		of, theirs := others.Row(int(c))
		n, _ := slices.BinarySearch(of, i+1)
		if theirs == nil {
			addWeight(sums, of[:n], weight(values, q))
		} else {
			addValues(sums, of[:n], theirs, weight(values, q))
		}
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
