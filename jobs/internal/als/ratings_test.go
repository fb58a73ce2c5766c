package als

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/shardmill/shardmill/jobs/internal/datasets"
	"github.com/shardmill/shardmill/jobs/internal/factors"
	"github.com/shardmill/shardmill/jobs/internal/vector"
)

// TestRatingRow compares with the equations of the package comment, solved by Gonum.
func TestRatingRow(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, o := range []RatingOptions{{1, .1, false}, {15, 2, false}, {16, .05, true}, {40, .1, true}} {
		k, mean := o.Factors, 3.5
		y := random(r, 900, k+1)
		for _, density := range []float64{.01, .2, 1} {
			columns, values := entriesOf(r, 900, density)
			a, b := mat.NewSymDense(k+1, nil), mat.NewVecDense(k+1, nil)
			for n, i := range columns {
				z := mat.NewVecDense(k+1, nil)
				for j := range k {
					z.SetVec(j, float64(y.Row(int(i))[j]))
				}
				z.SetVec(k, 1)
				a.SymRankOne(a, 1, z)
				b.AddScaledVec(b, float64(values[n])-mean-float64(y.Row(int(i))[k]), z)
			}
			lambda := o.Regularization
			if o.Scaled {
				lambda *= float64(len(columns))
			}
			for j := range k + 1 {
				a.SetSym(j, j, a.At(j, j)+lambda)
			}
			var chol mat.Cholesky
			var want mat.VecDense
			if !chol.Factorize(a) || chol.SolveVecTo(&want, b) != nil {
				t.Fatal("the equations of the test are singular")
			}
			for _, kernel := range vector.Kernels() {
				s, err := newRatingSolver(kernel, o, mean, y)
				if err != nil {
					t.Fatal(err)
				}
				x := slices.Repeat([]float32{5}, y.Stride())
				if err := s.Row(columns, values, x); err != nil {
					t.Fatal(err)
				}
				if d := distance(x, want.RawVector().Data); d > 1e-4 || slices.ContainsFunc(x[k+1:], func(v float32) bool { return v != 0 }) {
					t.Errorf("%v, %+v: %v, want %v: %v", kernel, o, x, want.RawVector().Data, d)
				}
				if allocs := testing.AllocsPerRun(3, func() { _ = s.Row(columns, values, x) }); allocs != 0 {
					t.Errorf("%v allocations a row", allocs)
				}
				if err := s.Row(nil, nil, x); err != nil || x[k] != 0 {
					t.Errorf("of nothing: %v, %v", x, err)
				}
			}
		}
	}
}

func TestRatingRefused(t *testing.T) {
	for want, o := range map[string]RatingOptions{
		"0 factors":              {Factors: 0},
		"a regularization of -1": {Factors: 4, Regularization: -1},
		"the rows have 5":        {Factors: 5},
	} {
		if _, err := NewRatingSolver(o, 0, factors.New(3, 5)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	s, err := NewRatingSolver(RatingOptions{Factors: 4}, 0, factors.New(3, 5))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Row([]uint32{1}, nil, make([]float32, 16)); !errors.Is(err, ErrSingular) {
		t.Errorf("got %v", err)
	}
}

func TestRatingErrors(t *testing.T) {
	var e, other RatingErrors
	e.Add(3, 4)
	other.Add(5, 2)
	other.Add(1, 1)
	e.Merge(other)
	if got := e.RMSE(); math.Abs(got-math.Sqrt(10./3)) > 1e-12 {
		t.Errorf("RMSE %v", got)
	}
	if got := e.MAE(); math.Abs(got-4./3) > 1e-12 {
		t.Errorf("MAE %v", got)
	}
	if got := (&RatingErrors{}).RMSE(); !math.IsNaN(got) {
		t.Errorf("RMSE of nothing: %v", got)
	}
	if got := Predict(3, []float32{1, 2, .5, 0}, []float32{2, -1, .25, 0}, 2); got != 3.75 {
		t.Errorf("predicts %v", got)
	}
}

// TestMovieLens learns from four fifths of the ratings of MovieLens latest-small, and predicts the others.
func TestMovieLens(t *testing.T) {
	train, test, mean := movieLens(t)
	items := train.Transpose()
	o := RatingOptions{Factors: 16, Regularization: .1, Scaled: true}
	x, y := factors.New(train.Rows(), o.Factors+1), factors.New(items.Rows(), o.Factors+1)
	for i := range y.Rows() {
		Initial(1, i, o.Factors, y.Row(i))
	}
	for range 10 {
		rate(t, o, mean, train, x, y)
		rate(t, o, mean, items, y, x)
	}
	none := factors.New(max(test.Rows(), items.Rows()), o.Factors+1)
	learnt, model, constant := errorsOf(train, x, y, mean, o.Factors), errorsOf(test, x, y, mean, o.Factors), errorsOf(test, none, none, mean, o.Factors)
	t.Logf("RMSE %.4f, MAE %.4f of %v ratings; of those learnt from %.4f; of the mean %.4f, %.4f",
		model.RMSE(), model.MAE(), model.N, learnt.RMSE(), constant.RMSE(), constant.MAE())
	if model.RMSE() > .885 || model.MAE() > .68 || model.RMSE() < learnt.RMSE() {
		t.Error("it predicts worse than it did when this was written")
	}
}

func errorsOf(m *datasets.Matrix, x, y *factors.Matrix, mean float64, k int) (e RatingErrors) {
	for u := range m.Rows() {
		columns, values := m.Row(u)
		for n, i := range columns {
			e.Add(float64(values[n]), Predict(mean, x.Row(u), y.Row(int(i)), k))
		}
	}
	return e
}

// rate is a half-step for ratings.
func rate(t *testing.T, o RatingOptions, mean float64, m *datasets.Matrix, x, y *factors.Matrix) {
	ranges(m.Rows(), func() func(r, lo, hi int) {
		s, err := NewRatingSolver(o, mean, y)
		if err != nil {
			t.Error(err)
			return func(int, int, int) {}
		}
		return func(_, lo, hi int) {
			for i := lo; i < hi; i++ {
				columns, values := m.Row(i)
				if err := s.Row(columns, values, x.Row(i)); err != nil {
					t.Errorf("row %d: %v", i, err)
				}
			}
		}
	})
}
