package recommend

import (
	"context"

	"github.com/shardmill/shardmill/jobs/internal/dense"
	"github.com/shardmill/shardmill/jobs/internal/ease"
	"github.com/shardmill/shardmill/jobs/internal/factors"
	"github.com/shardmill/shardmill/jobs/internal/hugepages"
	"github.com/shardmill/shardmill/jobs/internal/matrix"
)

// keeper is where a trial keeps what it learns: the heap, or files. What is kept is the same, to the last bit.
type keeper interface {
	dense.Room
	// vectors are rows of k factors: for each row of a matrix that has entries what solve makes, and zeros for the others, and
	// for those for which it makes none. Former are the vectors that these take the place of, nil for none; they are of no more use.
	vectors(ctx context.Context, of sparse, k int, former *factors.Matrix, solve solver) (*factors.Matrix, error)
	// matrix is the rows that fill adds, in their order. What they point to is copied.
	matrix(rows, columns int, fill filler) (sparse, error)
	// transpose is the transpose of such a matrix, each of whose rows may have its columns in any order.
	transpose(ctx context.Context, rows, columns int, fill filler) (sparse, error)
	// zeros is an array that is written all over.
	zeros(n int) ([]float32, error)
	// inverse is a solved model of EASE.
	inverse(inv *ease.Inverse) (*ease.Model, error)
	// Close lets go of all.
	Close() error
}

// filler adds the rows of a matrix.
type filler func(add func(matrix.Row) error) error

// solver sets dst to the vector of row i; former may be dst. It tells whether there is one.
type solver func(i int, columns []uint32, values, former, dst []float32) bool

// inHeap is the keeper of what is small.
type inHeap struct{ dense.Heap }

// vectors implements keeper. They are made in the place of the former ones.
func (inHeap) vectors(ctx context.Context, of sparse, k int, former *factors.Matrix, solve solver) (*factors.Matrix, error) {
	m := former
	if m == nil {
		m = factors.New(of.Rows(), k)
	}
	return m, withEntries(ctx, of, func(i int, columns []uint32, values []float32) error {
		if dst := m.Row(i); !solve(i, columns, values, dst, dst) {
			clear(dst)
		}
		return nil
	})
}

// matrix implements keeper.
func (inHeap) matrix(rows, columns int, fill filler) (sparse, error) {
	return filled(rows, columns, fill)
}

func filled(rows, columns int, fill filler) (*memoryRows, error) {
	m := newMemoryRows(rows, columns)
	return m, fill(func(r matrix.Row) error {
		m.put(r)
		return nil
	})
}

// transpose implements keeper.
func (inHeap) transpose(_ context.Context, rows, columns int, fill filler) (sparse, error) {
	m, err := filled(rows, columns, fill)
	if err != nil {
		return nil, err
	}
	return m.transpose(), nil
}

// zeros implements keeper.
func (inHeap) zeros(n int) ([]float32, error) { return hugepages.Make[float32](n), nil }

// inverse implements keeper.
func (inHeap) inverse(inv *ease.Inverse) (*ease.Model, error) { return inv.Model(), nil }

// Close implements keeper.
func (inHeap) Close() error { return nil }
