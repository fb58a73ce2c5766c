package cholesky

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"gonum.org/v1/gonum/mat"
	"pgregory.net/rapid"
)

// positive makes a positive definite matrix as EASE has them: X'X of sparse X, with lambda added to the diagonal.
func positive(r *rand.Rand, n int, lambda float64) [][]float64 {
	rows := make([][]float64, n)
	for i := range rows {
		rows[i] = make([]float64, n)
		rows[i][i] = lambda
	}
	for range 2*n + 3 {
		var of []int
		for i := range n {
			if r.Float64() < 6/float64(n+i) {
				of = append(of, i)
			}
		}
		for _, i := range of {
			for _, j := range of {
				rows[i][j]++
			}
		}
	}
	return rows
}

// matrixOf is a Matrix of what the rows have up to the diagonal.
func matrixOf(t testing.TB, rows [][]float64) *Matrix {
	t.Helper()
	m, err := New(len(rows))
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range rows {
		if err := m.SetRow(i, row[:i+1]); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

// oracle is the inverse in float64, and the condition number.
func oracle(t testing.TB, rows [][]float64) (*mat.SymDense, float64) {
	t.Helper()
	a := mat.NewSymDense(len(rows), nil)
	for i, row := range rows {
		for j := range i + 1 {
			a.SetSym(i, j, row[j])
		}
	}
	var c mat.Cholesky
	var inverse mat.SymDense
	if !c.Factorize(a) {
		t.Fatal("the matrix is not positive definite")
	}
	if err := c.InverseTo(&inverse); err != nil {
		t.Fatal(err)
	}
	return &inverse, c.Cond()
}

// TestInvert compares with gonum, and all kernels and numbers of goroutines bit for bit.
func TestInvert(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, n := range edges() {
		rows := positive(r, n, 2)
		want, condition := oracle(t, rows)
		var first []float32
		for _, k := range Kernels() {
			for _, workers := range []int{0, 1, 2, 7} {
				if k.String() == "go" && (n > 300 || workers != 2) { // TestOrder has more
					continue
				}
				m := matrixOf(t, rows)
				if err := m.Invert(t.Context(), Options{Workers: workers, Kernel: k}); err != nil {
					t.Fatalf("%d rows: %v", n, err)
				}
				if first == nil {
					first = all(m)
					near(t, m, want, condition)
				}
				if !slices.Equal(all(m), first) {
					t.Fatalf("%d rows, %v, %d goroutines: other bits", n, k, workers)
				}
			}
		}
	}
}

// TestOrder: goroutines of the kernel in Go, whose reads and writes the race detector sees, wait for what they need.
func TestOrder(t *testing.T) {
	const n = 2*blockSide + 2*tileSide // three rows of blocks
	rows := positive(rand.New(rand.NewPCG(18, 19)), n, 2)
	want := matrixOf(t, rows)
	if err := want.Invert(t.Context(), Options{}); err != nil {
		t.Fatal(err)
	}
	got := matrixOf(t, rows)
	if err := got.Invert(t.Context(), Options{Workers: 4, Kernel: Kernels()[len(Kernels())-1]}); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(all(got), all(want)) {
		t.Error("other bits")
	}
}

// all is the numbers of a matrix.
func all(m *Matrix) (numbers []float32) {
	panel := make([]float32, PanelRows*m.n)
	for p := range m.tiles {
		m.Panel(p, panel)
		numbers = append(numbers, panel...)
	}
	return numbers
}

// near compares with an inverse, to the precision that the package states.
func near(t testing.TB, m *Matrix, want *mat.SymDense, condition float64) {
	t.Helper()
	largest, most := 0.0, 0.0
	for i := range m.n {
		for j := range i + 1 {
			largest = max(largest, math.Abs(want.At(i, j)))
			most = max(most, math.Abs(float64(m.At(i, j))-want.At(i, j)))
		}
	}
	if !(most <= 1e-7*(1+condition)*largest) {
		t.Errorf("%d rows of condition %.3g: off by %.3g of %.3g", m.n, condition, most, largest)
	}
}

// TestInverseTimesMatrix: the product is the identity.
func TestInverseTimesMatrix(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, 70).Draw(rt, "rows")
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 0))
		scale := math.Ldexp(1, rapid.IntRange(-20, 20).Draw(rt, "scale"))
		rows := positive(r, n, rapid.SampledFrom([]float64{1, 10, 1000}).Draw(rt, "lambda"))
		for _, row := range rows {
			for j := range row {
				row[j] *= scale
			}
		}
		m := matrixOf(t, rows)
		if err := m.Invert(t.Context(), Options{Workers: rapid.IntRange(1, 3).Draw(rt, "workers")}); err != nil {
			rt.Fatal(err)
		}
		for i := range n {
			for j := range n {
				sum := 0.0
				for k := range n {
					sum += rows[i][k] * float64(m.At(k, j))
				}
				if i == j {
					sum--
				}
				if math.Abs(sum) > 1e-3 {
					rt.Fatalf("(%d, %d) is off by %v", i, j, sum)
				}
			}
		}
	})
}

// TestScale: powers of two change no bits but those of the exponent.
func TestScale(t *testing.T) {
	rows := positive(rand.New(rand.NewPCG(8, 9)), 300, 1)
	plain := matrixOf(t, rows)
	for _, row := range rows {
		for j := range row {
			row[j] *= 4
		}
	}
	scaled := matrixOf(t, rows)
	for _, m := range []*Matrix{plain, scaled} {
		if err := m.Invert(t.Context(), Options{}); err != nil {
			t.Fatal(err)
		}
	}
	want := all(plain)
	for i, x := range all(scaled) {
		if x*4 != want[i] {
			t.Fatalf("number %d is %v, want a quarter of %v", i, x, want[i])
		}
	}
}

// TestNotPositive spoils a number on the diagonal: the error names its row, and all goroutines end.
func TestNotPositive(t *testing.T) {
	const n = 600
	rows := positive(rand.New(rand.NewPCG(10, 11)), n, 1)
	for _, at := range []int{0, 1, 40, 255, 256, 300, 599} {
		for _, wrong := range []float64{0, -1, math.NaN(), math.Inf(1), math.Inf(-1), 1e39} {
			for _, workers := range []int{1, 3} {
				spoilt := slices.Clone(rows)
				spoilt[at] = slices.Clone(rows[at])
				spoilt[at][at] = wrong
				err := matrixOf(t, spoilt).Invert(t.Context(), Options{Workers: workers})
				var not *NotPositiveError
				if !errors.As(err, &not) || not.Row != at || not.Pivot > 1e-6 && not.Pivot < 1e38 {
					t.Errorf("%v in row %d, %d goroutines: %v", wrong, at, workers, err)
				}
			}
		}
	}
}

// TestLeastPivot: what is left of the diagonal, 2^-23 and a little less, could be rounding.
func TestLeastPivot(t *testing.T) {
	for x, ok := range map[float64]bool{1 - 0x1p-23: true, 1 - 0x1p-24: false, 1: false} {
		err := matrixOf(t, [][]float64{{1}, {x, 1}}).Invert(t.Context(), Options{})
		var not *NotPositiveError
		if (err == nil) != ok || !ok && (!errors.As(err, &not) || not.Row != 1 || not.Pivot > leastPivot) {
			t.Errorf("%x beside ones: %v", x, err)
		}
	}
}

// TestSingular: two rows that are equal leave nothing of the diagonal but rounding.
func TestSingular(t *testing.T) {
	const n, twin = 400, 333
	rows := positive(rand.New(rand.NewPCG(12, 13)), n, 1)
	for j := range n {
		rows[twin][j] = rows[7][j]
	}
	for i := range n {
		rows[i][twin] = rows[i][7]
	}
	err := matrixOf(t, rows).Invert(t.Context(), Options{Workers: 2})
	var not *NotPositiveError
	if !errors.As(err, &not) || not.Row != twin || not.Diagonal != float64(float32(rows[7][7])) {
		t.Errorf("got %v", err)
	}
	if want := fmt.Sprintf("of %g on the diagonal of row %d", not.Diagonal, twin); !strings.Contains(err.Error(), want) {
		t.Errorf("got %v", err)
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var calls atomic.Int64
	m := matrixOf(t, positive(rand.New(rand.NewPCG(14, 15)), 900, 1))
	err := m.Invert(ctx, Options{Workers: 2, Progress: func(int, int) {
		if calls.Add(1) == 5 {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) || calls.Load() > 7 {
		t.Errorf("after %d blocks: %v", calls.Load(), err)
	}
}

// TestProgress counts each block of the three steps once.
func TestProgress(t *testing.T) {
	for n, want := range map[int]int{0: 0, 1: 2, 256: 2, 257: 7, 600: 15} {
		var calls atomic.Int64
		seen := make([]atomic.Bool, want+1)
		m := matrixOf(t, positive(rand.New(rand.NewPCG(16, 17)), n, 1))
		err := m.Invert(t.Context(), Options{Workers: 2, Progress: func(done, all int) {
			if all != want || seen[done].Swap(true) {
				t.Errorf("%d rows: %d of %d, want %d", n, done, all, want)
			}
			calls.Add(1)
		}})
		if err != nil || int(calls.Load()) != want {
			t.Errorf("%d rows: %d calls, %v", n, calls.Load(), err)
		}
	}
}
