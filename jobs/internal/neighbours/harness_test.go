package neighbours

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// memory is a Matrix in memory.
type memory struct {
	columns int
	starts  []int
	index   []uint32
	values  []float32 // nil: all are 1
}

func (m *memory) Rows() int    { return len(m.starts) - 1 }
func (m *memory) Columns() int { return m.columns }

func (m *memory) Row(i int) (columns []uint32, values []float32) {
	a, b := m.starts[i], m.starts[i+1]
	if m.values != nil {
		values = m.values[a:b]
	}
	return m.index[a:b], values
}

// entry is one number of a matrix.
type entry struct {
	row, column uint32
	value       float32
}

// compress makes a matrix of entries, in any order and without repetition; binary leaves the values out.
func compress(rows, columns int, entries []entry, binary bool) *memory {
	entries = slices.Clone(entries)
	slices.SortFunc(entries, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.row, b.row), cmp.Compare(a.column, b.column))
	})
	m := &memory{columns: columns, starts: make([]int, rows+1)}
	for _, e := range entries {
		m.starts[e.row+1]++
		m.index = append(m.index, e.column)
		if !binary {
			m.values = append(m.values, e.value)
		}
	}
	for i := range rows {
		m.starts[i+1] += m.starts[i]
	}
	return m
}

// transpose is a matrix with rows for columns.
func transpose(m Matrix) *memory {
	t := &memory{columns: m.Rows(), starts: make([]int, m.Columns()+1)}
	valued := false
	for i := range m.Rows() {
		columns, values := m.Row(i)
		valued = valued || values != nil
		for _, c := range columns {
			t.starts[c+1]++
		}
	}
	for c := range m.Columns() {
		t.starts[c+1] += t.starts[c]
	}
	next := slices.Clone(t.starts)
	t.index = make([]uint32, next[m.Columns()])
	if valued {
		t.values = make([]float32, len(t.index))
	}
	for i := range m.Rows() {
		columns, values := m.Row(i)
		for q, c := range columns {
			t.index[next[c]] = uint32(i)
			if valued {
				t.values[next[c]] = values[q]
			}
			next[c]++
		}
	}
	return t
}

// kernel makes a Kernel, or fails.
func kernel(t testing.TB, m Method, users Matrix) *Kernel {
	t.Helper()
	k, err := NewKernel(m, users, transpose(users))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// stored is the matrix that a Scorer reads: all rows of a Kernel, by the items that users have.
func stored(k *Kernel) *memory {
	items := k.items.Rows()
	m := &memory{columns: items, starts: []int{0}}
	var row []Neighbour
	for i := range items {
		row = k.Row(i, row[:0])
		slices.SortFunc(row, func(a, b Neighbour) int { return cmp.Compare(a.Index, b.Index) })
		for _, n := range row {
			m.index = append(m.index, n.Index)
			m.values = append(m.values, float32(n.Similarity))
		}
		m.starts = append(m.starts, len(m.index))
	}
	if k.method.Transposed() {
		return transpose(m)
	}
	return m
}

// near tells whether two numbers are equal but for rounding.
func near(a, b, relative float64) bool {
	return math.Abs(a-b) <= relative*max(math.Abs(a), math.Abs(b))
}

// drawMatrix draws a small matrix, a row for each user.
func drawMatrix(t *rapid.T, binary bool) *memory {
	users := rapid.IntRange(1, 12).Draw(t, "users")
	items := rapid.SampledFrom([]int{1, 2, 5, 14, 40}).Draw(t, "items")
	density := rapid.SampledFrom([]int{3, 10, 50, 90}).Draw(t, "density") // percent
	random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
	var entries []entry
	for u := range users {
		for i := range items {
			if random.IntN(100) < density {
				v := float32(1+random.IntN(40)) / 4
				entries = append(entries, entry{uint32(u), uint32(i), v})
			}
		}
	}
	return compress(users, items, entries, binary)
}

// drawMethod draws a Method with an algorithm and numbers that Check lets pass.
func drawMethod(t *rapid.T) Method {
	m := Defaults(rapid.SampledFrom(Algorithms()).Draw(t, "algorithm"))
	m.K = rapid.IntRange(1, 16).Draw(t, "k")
	switch m.Algorithm {
	case RP3beta:
		m.Alpha = rapid.SampledFrom([]float64{1, .5, 1.5}).Draw(t, "alpha")
		m.Beta = rapid.SampledFrom([]float64{0, .2, 1}).Draw(t, "beta")
	case BM25:
		m.K1 = rapid.SampledFrom([]float64{0, 1.2, 100}).Draw(t, "k1")
		m.B = rapid.SampledFrom([]float64{0, .75, 1}).Draw(t, "b")
	case Cosine, TFIDF, Jaccard:
		m.Shrink = rapid.SampledFrom([]float64{0, 0, 5}).Draw(t, "shrink")
	}
	return m
}
