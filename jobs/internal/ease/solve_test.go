package ease

import (
	"bytes"
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"gonum.org/v1/gonum/mat"
	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/jobs/internal/datasets"
)

// TestGram compares with the definition, for all rows and for those with entries, and any number of goroutines.
func TestGram(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		rows := drawMatrix(rt)
		of := active(rows)
		o := Options{Lambda: 2.5, Workers: rapid.IntRange(0, 5).Draw(rt, "workers")}
		m, err := gram(t.Context(), rows, rows.Transpose(), of, o)
		if err != nil {
			rt.Fatal(err)
		}
		for a, i := range of {
			for b, j := range of[:a+1] {
				want := 0.0
				columns, values := rows.Row(int(i))
				others, theirs := rows.Row(int(j))
				for q, c := range columns {
					if r, both := slices.BinarySearch(others, c); both {
						want += weight(values, q) * weight(theirs, r)
					}
				}
				if i == j {
					want += o.Lambda
				}
				if got := float64(m.At(a, b)); got != float64(float32(want)) { // eighths: exact
					rt.Fatalf("(%d, %d) is %v, want %v", i, j, got, want)
				}
			}
		}
	})
}

// TestSolve inverts the smaller side, gives the same bytes for any number of goroutines, and tells what it did.
func TestSolve(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, c := range []struct {
		users, items, gap int
		byUsers           bool
		inverted          int
	}{
		{70, 300, 0, true, 70},
		{300, 70, 0, false, 70},
		{300, 300, 0, false, 300},
		{290, 330, 3, true, 193},
	} {
		users := random(r, c.users, c.items, .1, true, c.gap)
		var first []byte
		for _, workers := range []int{0, 1, 3} {
			var steps atomic.Int64
			o := Options{Lambda: 5, Workers: workers, Progress: func(int, int) { steps.Add(1) }}
			inv, err := Solve(t.Context(), users, users.Transpose(), o)
			if err != nil {
				t.Fatal(err)
			}
			var file bytes.Buffer
			if err := inv.Write(&file); err != nil {
				t.Fatal(err)
			}
			if first == nil {
				first = file.Bytes()
			}
			if !bytes.Equal(file.Bytes(), first) {
				t.Errorf("%+v: %d goroutines give another file", c, workers)
			}
			if inv.ByUsers() != c.byUsers || steps.Load() == 0 || !(inv.Residual() < 1e-5) || inv.Residual() == 0 {
				t.Errorf("%+v: by users %v, %d steps, residual %v", c, inv.ByUsers(), steps.Load(), inv.Residual())
			}
		}
		m := opened(t, first)
		if m.ByUsers() != c.byUsers || m.Inverted() != c.inverted || m.Users() != c.users || m.Items() != c.items || m.Lambda() != 5 {
			t.Errorf("%+v: got %d of %d x %d, by users %v, lambda %v", c, m.Inverted(), m.Users(), m.Items(), m.ByUsers(), m.Lambda())
		}
	}
}

// TestResidual changes the inverse: the residual tells.
func TestResidual(t *testing.T) {
	users := random(rand.New(rand.NewPCG(5, 6)), 60, 40, .2, false, 5)
	inv, err := Solve(t.Context(), users, users.Transpose(), Options{Lambda: 3})
	if err != nil {
		t.Fatal(err)
	}
	n := len(inv.active)
	row := make([]float64, n)
	for j := range n {
		row[j] = float64(inv.matrix.At(n-1, j))
	}
	row[n-1] += .01
	if err := inv.matrix.SetRow(n-1, row); err != nil {
		t.Fatal(err)
	}
	g, err := gram(t.Context(), users.Transpose(), users, inv.active, Options{Lambda: 3})
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0 // of A times a vector of .01 or -.01 and zeros
	for i := range n {
		sum += math.Pow(.01*float64(g.At(n-1, i)), 2)
	}
	if got, want := inv.check(users.Transpose(), users), math.Sqrt(sum/float64(n)); math.Abs(got-want) > 1e-3*want {
		t.Errorf("the residual is %v, want %v", got, want)
	}
}

// TestSmallLambda: with a lambda that is too small there is an error, and never a wrong model.
func TestSmallLambda(t *testing.T) {
	users := random(rand.New(rand.NewPCG(7, 8)), 40, 90, .5, true, 0)
	refused := 0
	for _, byUsers := range []bool{false, true} {
		for _, lambda := range []float64{1e-12, 1e-9, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1} {
			items := users.Transpose()
			s := shape{users: users.Rows(), items: items.Rows(), byUsers: byUsers, active: active(items)}
			if byUsers {
				s.active = active(users)
			}
			inv, err := solve(t.Context(), s, users, items, Options{Lambda: lambda})
			var precision *PrecisionError
			switch {
			case errors.As(err, &precision):
				refused++
				if precision.Lambda != lambda || !strings.Contains(err.Error(), "too small") || lambda >= 1e-2 {
					t.Errorf("lambda %v: %v", lambda, err)
				}
			case err != nil:
				t.Error(err)
			case !(inv.residual <= maxResidual):
				t.Errorf("lambda %v: residual %v", lambda, inv.residual)
			}
		}
	}
	if refused < 2 || refused > 12 {
		t.Errorf("%d are refused", refused)
	}
}

// identity is a large matrix with ones on the diagonal.
type identity struct{ rows, columns, active int }

func (m identity) Rows() int    { return m.rows }
func (m identity) Columns() int { return m.columns }

func (m identity) Row(i int) ([]uint32, []float32) {
	if i < m.active {
		return []uint32{uint32(i)}, nil
	}
	return nil, nil
}

func TestLimit(t *testing.T) {
	var large *TooLargeError
	_, err := Solve(t.Context(), identity{20_000, 17_000, 15_001}, identity{17_000, 20_000, 15_001}, Options{Lambda: 1})
	if !errors.As(err, &large) || large.Users != 15_001 || large.Items != 15_001 || !strings.Contains(err.Error(), "15001 users and 15001 items") {
		t.Errorf("got %v", err)
	}
	s, err := newShape(identity{20_000, 17_000, 15_000}, identity{17_000, 20_000, 15_000}) // only what has interactions counts
	if err != nil || len(s.active) != Limit {
		t.Errorf("%d rows, %v", len(s.active), err)
	}
	if got := SolveBytes(Limit, 1_000_000, 2); got > 520e6 || got < 450e6 {
		t.Errorf("the largest takes %d bytes", got)
	}
}

func TestSolveRefuses(t *testing.T) {
	users := datasets.Compress(2, 3, datasets.Entries{{0, 1}: 2, {1, 2}: 1}, false)
	nan := datasets.Compress(2, 3, datasets.Entries{{0, 1}: 2, {1, 2}: float32(math.NaN())}, false)
	large := datasets.Compress(2, 3, datasets.Entries{{0, 1}: 1e30, {1, 2}: 1}, false)
	for _, c := range []struct {
		users, items *datasets.Matrix
		lambda       float64
		want         string
	}{
		{users, users.Transpose(), 0, "lambda"},
		{users, users.Transpose(), -1, "lambda"},
		{users, users.Transpose(), math.NaN(), "lambda"},
		{users, users.Transpose(), math.Inf(1), "lambda"},
		{users, users, 1, "not the transpose"},
		{nan, nan.Transpose(), 1, "item 2 has values that are not finite"},
		{large, large.Transpose(), 1, "item 1 has values"},
	} {
		if _, err := Solve(t.Context(), c.users, c.items, Options{Lambda: c.lambda}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v", c.want, err)
		}
	}
}

func TestSolveIsCancelled(t *testing.T) {
	users := random(rand.New(rand.NewPCG(9, 10)), 700, 700, .02, true, 0)
	ctx, cancel := context.WithCancel(t.Context())
	o := Options{Lambda: 5, Workers: 2, Progress: func(done, _ int) {
		if done == 2 {
			cancel()
		}
	}}
	if _, err := Solve(ctx, users, users.Transpose(), o); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if _, err := Solve(ctx, users, users.Transpose(), o); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// TestScales compares 1/P[j][j] from either side with the definition.
func TestScales(t *testing.T) {
	users := random(rand.New(rand.NewPCG(11, 12)), 90, 5000, .05, false, 9) // more items than a goroutine takes
	byUsers := opened(t, fileOf(t, users, true, Options{Lambda: 4, Workers: 3}))
	x := mat.NewDense(90, 5000, nil)
	for u := range 90 {
		columns, values := users.Row(u)
		for q, c := range columns {
			x.Set(u, int(c), float64(values[q]))
		}
	}
	var g, m, mx mat.Dense
	g.Mul(x, x.T())
	for u := range 90 {
		g.Set(u, u, g.At(u, u)+4)
	}
	if err := m.Inverse(&g); err != nil {
		t.Fatal(err)
	}
	mx.Mul(&m, x)
	items := users.Transpose()
	for j, s := range byUsers.scales {
		want := 0.0
		if of, _ := items.Row(j); len(of) > 0 {
			want = -4 / (1 - mat.Dot(x.ColView(j), mx.ColView(j)))
		}
		if math.Abs(float64(s)-want) > 1e-4*math.Abs(want) {
			t.Fatalf("item %d: %v, want %v", j, s, want)
		}
	}
}
