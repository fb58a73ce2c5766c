package neighbours

import (
	"math"
	"runtime/debug"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/jobs/internal/datasets"
)

// TestNarrow: rows are the same bits whether a kernel copies the matrix or not.
func TestNarrow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		users, m := drawMatrix(t, rapid.Bool().Draw(t, "binary")), drawMethod(t)
		copied, plain := kernel(t, m, users), kernel(t, m, users)
		if copied.weights.valued != (copied.weights.narrow == nil) {
			t.Fatalf("values count: %v, copy: %v", copied.weights.valued, copied.weights.narrow)
		}
		plain.weights.narrow = nil
		for i := range users.Columns() {
			if got, want := copied.Row(i, nil), plain.Row(i, nil); !slices.Equal(got, want) {
				t.Fatalf("item %d: %v, and without a copy %v", i, got, want)
			}
		}
	})
}

// TestNarrowAccumulators: all sizes of counts and sums have rows to the last column that a copy can have.
func TestNarrowAccumulators(t *testing.T) {
	const last = narrowColumns - 1
	users := datasets.Compress(2, narrowColumns, datasets.Entries{{0, 0}: 1, {0, last}: 1, {1, 1}: 1, {1, 2}: 1, {1, 3}: 1, {1, 4}: 1, {1, last}: 1}, true)
	n := newNarrow(users)
	counts, more, sums := new([narrowColumns]uint16), new([narrowColumns]uint32), new([narrowColumns]float64)
	of := []uint32{1, 0, 1}
	for q := range of {
		columns := n.read(of, q)
		addNarrowOnes(counts, columns)
		addNarrowOnes(more, columns)
		addNarrowWeight(sums, columns, .5)
	}
	for c, want := range map[int]float64{0: 1, 1: 2, 2: 2, 3: 2, 4: 2, 5: 0, last: 3} {
		if float64(counts[c]) != want || float64(more[c]) != want || sums[c] != want/2 {
			t.Errorf("column %d: %d, %d, %v, want %v", c, counts[c], more[c], sums[c], want)
		}
	}
}

// repeated is a Matrix whose rows are all the same.
type repeated struct {
	rows, columns int
	row           []uint32
}

func (m repeated) Rows() int                     { return m.rows }
func (m repeated) Columns() int                  { return m.columns }
func (m repeated) Row(int) ([]uint32, []float32) { return m.row, nil }

// TestNarrowLimits: matrices that are too large are not copied.
func TestNarrowLimits(t *testing.T) {
	row := make([]uint32, 1<<20)
	for _, c := range []struct {
		m    repeated
		fits bool
	}{
		{repeated{3, narrowColumns, []uint32{0, math.MaxUint16}}, true},
		{repeated{3, narrowColumns + 1, []uint32{0, 1 << 16}}, false},
		{repeated{narrowEntries / len(row), 1, row}, true},
		{repeated{narrowEntries/len(row) + 1, 1, row}, false},
		{repeated{0, 5, nil}, true},
	} {
		n := newNarrow(c.m)
		if (n != nil) != c.fits {
			t.Errorf("%d rows of %d, %d columns: copied %v, want %v", c.m.rows, len(c.m.row), c.m.columns, n != nil, c.fits)
		}
		if n != nil && len(n.columns) != c.m.rows*len(c.m.row) {
			t.Errorf("%d rows of %d: a copy of %d entries", c.m.rows, len(c.m.row), len(n.columns))
		}
	}
}

// TestNarrowMemory: in a process that may hold little, only small matrices are copied.
func TestNarrowMemory(t *testing.T) {
	old := debug.SetMemoryLimit(64 << 20)
	t.Cleanup(func() { debug.SetMemoryLimit(old) })
	row := make([]uint32, 1<<20) // 2 MiB
	for rows, fits := range map[int]bool{8: true, 9: false} {
		if n := newNarrow(repeated{rows, 1, row}); (n != nil) != fits {
			t.Errorf("%d rows of %d: copied %v, want %v", rows, len(row), n != nil, fits)
		}
	}
}
