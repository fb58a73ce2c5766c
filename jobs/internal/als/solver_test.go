package als

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"
	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/jobs/internal/factors"
	"github.com/shardmill/shardmill/jobs/internal/vector"
)

// random is a matrix of vectors of a normal distribution.
func random(r *rand.Rand, rows, k int) *factors.Matrix {
	m := factors.New(rows, k)
	for i := range rows {
		for j := range k {
			m.Row(i)[j] = float32(r.NormFloat64())
		}
	}
	return m
}

// entriesOf draws a row of a matrix with that many columns.
func entriesOf(r *rand.Rand, columns int, density float64) (index []uint32, values []float32) {
	for c := range columns {
		if r.Float64() < density {
			index = append(index, uint32(c))
			values = append(values, float32(r.IntN(7)-1)) // dislikes and zeros too
		}
	}
	return index, values
}

// confidence is c and p of the package comment.
func confidence(o Options, r float64) (c, p float64) {
	c = o.Alpha * math.Abs(r)
	if o.Confidence == OnePlusAlphaR {
		c++
	}
	if r > 0 {
		p = 1
	}
	return c, p
}

// byDefinition solves the equations of the package comment, made from all columns, by Gonum.
func byDefinition(t rapid.TB, o Options, columns []uint32, values []float32, y *factors.Matrix) []float64 {
	t.Helper()
	k := o.Factors
	a, b := mat.NewSymDense(k, nil), mat.NewVecDense(k, nil)
	for i := range y.Rows() {
		c, p := 1., 0.
		if at, there := slices.BinarySearch(columns, uint32(i)); there {
			c, p = confidence(o, float64(rating(values, at)))
		}
		v := mat.NewVecDense(k, nil)
		for j := range k {
			v.SetVec(j, float64(y.Row(i)[j]))
		}
		a.SymRankOne(a, c, v)
		b.AddScaledVec(b, c*p, v)
	}
	for j := range k {
		a.SetSym(j, j, a.At(j, j)+o.lambda(len(columns)))
	}
	var chol mat.Cholesky
	if !chol.Factorize(a) {
		t.Fatal("the equations of the test are singular")
	}
	var x mat.VecDense
	if err := chol.SolveVecTo(&x, b); err != nil {
		t.Fatal(err)
	}
	return x.RawVector().Data
}

// distance is |x-want| over |want|.
func distance(x []float32, want []float64) float64 {
	square, norm := 0., 0.
	for i, w := range want {
		square += (float64(x[i]) - w) * (float64(x[i]) - w)
		norm += w * w
	}
	return math.Sqrt(square / max(norm, 1e-12))
}

// TestRow compares Cholesky, and as many steps of CG as there are factors, with the definition.
func TestRow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		o := Options{
			Factors: rapid.IntRange(1, 40).Draw(t, "factors"), Regularization: rapid.SampledFrom([]float64{.01, 1, 50}).Draw(t, "lambda"),
			Scaled: rapid.Bool().Draw(t, "scaled"), Alpha: rapid.SampledFrom([]float64{.5, 1, 40}).Draw(t, "alpha"),
			Confidence: rapid.SampledFrom([]Confidence{AlphaR, OnePlusAlphaR}).Draw(t, "confidence"), Steps: 200,
		}
		y := random(r, 3*o.Factors+rapid.IntRange(1, 600).Draw(t, "columns"), o.Factors)
		columns, values := entriesOf(r, y.Rows(), rapid.SampledFrom([]float64{.02, .3, 1}).Draw(t, "density"))
		if rapid.Bool().Draw(t, "binary") {
			values = nil
		}
		if len(columns) == 0 {
			return
		}
		want := byDefinition(t, o, columns, values, y)
		for _, k := range vector.Kernels() {
			sums := gram(k, y)
			for _, o.Method = range []Method{CG, Cholesky} {
				s, err := newSolver(k, o, sums, y)
				if err != nil {
					t.Fatal(err)
				}
				x := slices.Repeat([]float32{5}, y.Stride())
				if err := s.Row(columns, values, nil, x); err != nil {
					t.Fatal(err)
				}
				limit := 1e-3
				if o.Method == Cholesky {
					limit = 2e-5
				}
				if d := distance(x, want); d > limit {
					t.Fatalf("%v, %s: %v, want %v: %v", k, o.Method, x, want, d)
				}
				if slices.ContainsFunc(x[o.Factors:], func(v float32) bool { return v != 0 }) {
					t.Fatalf("%v, %s: no zeros behind %v", k, o.Method, x)
				}
			}
		}
	})
}

// plainCG is the loop of implicit in float64.
func plainCG(o Options, columns []uint32, values []float32, y *factors.Matrix, x []float64) {
	k := o.Factors
	at := func(i int) []float32 { return y.Row(i)[:k] }
	dot := func(y []float32, v []float64) (sum float64) {
		for j := range y {
			sum += float64(y[j]) * v[j]
		}
		return sum
	}
	product := func(v []float64) []float64 { // A v
		out := make([]float64, k)
		for i := range y.Rows() {
			c := 1.
			if at, there := slices.BinarySearch(columns, uint32(i)); there {
				c, _ = confidence(o, float64(rating(values, at)))
			}
			d := c * dot(at(i), v)
			for j := range out {
				out[j] += d * float64(at(i)[j])
			}
		}
		for j := range out {
			out[j] += o.lambda(len(columns)) * v[j]
		}
		return out
	}
	inner := func(a, b []float64) (sum float64) {
		for j := range a {
			sum += a[j] * b[j]
		}
		return sum
	}
	r := make([]float64, k)
	for n, i := range columns {
		c, p := confidence(o, float64(rating(values, n)))
		for j := range r {
			r[j] += c * p * float64(at(int(i))[j])
		}
	}
	for j, v := range product(x) {
		r[j] -= v
	}
	p := slices.Clone(r)
	for range o.Steps {
		ap, before := product(p), inner(r, r)
		a := before / inner(p, ap)
		for j := range x {
			x[j] += a * p[j]
			r[j] -= a * ap[j]
		}
		for j := range p {
			p[j] = r[j] + inner(r, r)/before*p[j]
		}
	}
}

// TestSteps compares few steps of CG, from a vector, with those in float64.
func TestSteps(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, k := range []int{1, 3, 16, 64, 100} {
		for steps := 1; steps <= 4; steps++ {
			o := Defaults()
			o.Factors, o.Alpha, o.Steps = k, 40, min(steps, k)
			y := random(r, 300, k)
			columns, values := entriesOf(r, 300, .2)
			want := make([]float64, k)
			x := make([]float32, y.Stride())
			for j := range want {
				x[j] = float32(r.NormFloat64())
				want[j] = float64(x[j])
			}
			plainCG(o, columns, values, y, want)
			s, err := NewSolver(o, gram(vector.Best(), y), y)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Row(columns, values, x, x); err != nil {
				t.Fatal(err)
			}
			if d := distance(x, want); d > 1e-4 {
				t.Errorf("%d factors, %d steps: %v, want %v: %v", k, steps, x, want, d)
			}
		}
	}
}

// TestSameBits: an iteration with any kernel.
func TestSameBits(t *testing.T) {
	users := generated(300, 200, 20)
	r := rand.New(rand.NewPCG(1, 2))
	for range users.Index {
		users.Values = append(users.Values, float32(1+r.IntN(5)))
	}
	items := users.Transpose()
	for _, method := range []Method{CG, Cholesky} {
		var want *factors.Matrix
		o := Defaults()
		o.Factors, o.Alpha, o.Method = 20, 3, method
		for _, k := range vector.Kernels() {
			x, y := factors.New(300, o.Factors), initial(1, 200, o.Factors)
			half(t, k, o, users, x, y)
			half(t, k, o, items, y, x)
			if want == nil {
				want = y
			}
			for i := range y.Rows() {
				if !slices.Equal(y.Row(i), want.Row(i)) {
					t.Fatalf("%v, %s: row %d: %v, want %v", k, method, i, y.Row(i), want.Row(i))
				}
			}
		}
	}
}

// TestLongRow has more entries than are looked up at a time, and fewer again; no row needs memory of its own.
func TestLongRow(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	const k, n = 2, 2*listBlock + 5
	y := random(r, n, k)
	o := Options{Factors: k, Regularization: 1, Alpha: 2, Confidence: OnePlusAlphaR, Steps: 20}
	columns := make([]uint32, n)
	values := make([]float32, n)
	for i := range columns {
		columns[i], values[i] = uint32(i), float32(r.IntN(4))
	}
	for _, o.Method = range []Method{CG, Cholesky} {
		s, err := NewSolver(o, gram(vector.Best(), y), y)
		if err != nil {
			t.Fatal(err)
		}
		x := make([]float32, y.Stride())
		for _, m := range []int{n, 7, listBlock, listBlock + 1, 1} {
			if err := s.Row(columns[:m], values[:m], nil, x); err != nil {
				t.Fatal(err)
			}
			if d := distance(x, byDefinition(t, o, columns[:m], values[:m], y)); d > 1e-3 {
				t.Errorf("%s, %d entries: off by %v", o.Method, m, d)
			}
		}
		if allocs := testing.AllocsPerRun(10, func() { _ = s.Row(columns[:100], nil, nil, x) }); allocs != 0 {
			t.Errorf("%s: %v allocations a row", o.Method, allocs)
		}
	}
}

// TestNothing: a row without entries gets zeros.
func TestNothing(t *testing.T) {
	y := random(rand.New(rand.NewPCG(1, 2)), 5, 3)
	o := Defaults()
	o.Factors = 3
	s, err := NewSolver(o, gram(vector.Best(), y), y)
	if err != nil {
		t.Fatal(err)
	}
	x := slices.Repeat([]float32{5}, y.Stride())
	if err := s.Row(nil, nil, x, x); err != nil || slices.ContainsFunc(x, func(v float32) bool { return v != 0 }) {
		t.Errorf("got %v, %v", x, err)
	}
	// Nor does CG divide by 0 where there is nothing to learn.
	zero := factors.New(5, 3)
	s, err = NewSolver(o, gram(vector.Best(), zero), zero)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Row([]uint32{1, 2}, nil, nil, x); err != nil || slices.ContainsFunc(x, func(v float32) bool { return v != 0 }) {
		t.Errorf("got %v, %v", x, err)
	}
}

// TestSingular: a factor that is 0 everywhere has no single solution.
func TestSingular(t *testing.T) {
	y := random(rand.New(rand.NewPCG(1, 2)), 30, 5)
	for i := range y.Rows() {
		y.Row(i)[3] = 0
	}
	o := Options{Factors: 5, Alpha: 1, Confidence: OnePlusAlphaR, Method: Cholesky}
	for lambda, want := range map[float64]error{0: ErrSingular, .1: nil} {
		o.Regularization = lambda
		s, err := NewSolver(o, gram(vector.Best(), y), y)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Row([]uint32{1, 2}, nil, nil, make([]float32, y.Stride())); !errors.Is(err, want) {
			t.Errorf("lambda %v: %v", lambda, err)
		}
	}
}

func TestCheck(t *testing.T) {
	if err := Defaults().Check(); err != nil {
		t.Error(err)
	}
	nan, inf := math.NaN(), math.Inf(1)
	for want, change := range map[string]func(o *Options){
		"0 factors":                  func(o *Options) { o.Factors = 0 },
		"1025 factors":               func(o *Options) { o.Factors = 1025 },
		"a regularization of -1":     func(o *Options) { o.Regularization = -1 },
		"a regularization of NaN":    func(o *Options) { o.Regularization = nan },
		"a regularization of +Inf":   func(o *Options) { o.Regularization = inf },
		"an alpha of 0":              func(o *Options) { o.Alpha = 0 },
		"an alpha of NaN":            func(o *Options) { o.Alpha = nan },
		"an alpha of +Inf":           func(o *Options) { o.Alpha = inf },
		`no confidence is called ""`: func(o *Options) { o.Confidence = "" },
		`no method is called "lu"`:   func(o *Options) { o.Method = "lu" },
		"0 steps":                    func(o *Options) { o.Steps = 0 },
	} {
		o := Defaults()
		change(&o)
		if err := o.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
		if _, err := NewSolver(o, make([]float64, PackedLen(64)), factors.New(1, 64)); err == nil {
			t.Errorf("a Solver with %s", want)
		}
	}
	if _, err := NewSolver(Defaults(), make([]float64, PackedLen(64)), factors.New(1, 63)); err == nil || !strings.Contains(err.Error(), "the vectors have 63") {
		t.Errorf("got %v", err)
	}
	if _, err := NewSolver(Defaults(), make([]float64, PackedLen(63)), factors.New(1, 64)); err == nil || !strings.Contains(err.Error(), "2016 sums") {
		t.Errorf("got %v", err)
	}
}
