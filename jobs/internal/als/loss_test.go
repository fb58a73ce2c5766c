package als

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/shardmill/shardmill/jobs/internal/datasets"
	"github.com/shardmill/shardmill/jobs/internal/factors"
	"github.com/shardmill/shardmill/jobs/internal/vector"
)

// TestLoss compares with sums over all columns.
func TestLoss(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, o := range []Options{
		{Factors: 5, Regularization: .5, Alpha: 3, Confidence: AlphaR, Method: CG, Steps: 3},
		{Factors: 20, Regularization: .5, Scaled: true, Alpha: .2, Confidence: OnePlusAlphaR, Method: CG, Steps: 3},
	} {
		y, x := random(r, 300, o.Factors), random(r, 1, o.Factors).Row(0)
		s, err := NewSolver(o, gram(vector.Best(), y), y)
		if err != nil {
			t.Fatal(err)
		}
		for _, density := range []float64{0, .1, 1} {
			columns, values := entriesOf(r, 300, density)
			for _, values := range [][]float32{values, nil} {
				want, weights := 0., 0.
				for i := range y.Rows() {
					c, p := 1., 0.
					if at, there := slices.BinarySearch(columns, uint32(i)); there {
						c, p = confidence(o, float64(rating(values, at)))
					}
					d := p
					for j, v := range x {
						d -= float64(v) * float64(y.Row(i)[j])
					}
					want += c * d * d
					weights += c
				}
				for _, v := range x {
					want += o.lambda(len(columns)) * float64(v) * float64(v)
				}
				loss, weight := s.Loss(columns, values, x)
				if math.Abs(loss-want) > 1e-5*want || math.Abs(weight-weights) > 1e-5*weights {
					t.Errorf("%+v: %v of %v, want %v of %v", o, loss, weight, want, weights)
				}
			}
		}
	}
}

// TestLossDescends: each half-step makes the loss of all rows less, with the regularization of both sides.
func TestLossDescends(t *testing.T) {
	users := generated(400, 300, 30)
	items := users.Transpose()
	norm := func(m *factors.Matrix) (sum float64) {
		for i := range m.Rows() {
			for _, v := range m.Row(i) {
				sum += float64(v) * float64(v)
			}
		}
		return sum
	}
	for _, method := range []Method{CG, Cholesky} {
		o := Options{Factors: 12, Regularization: .1, Alpha: 10, Confidence: OnePlusAlphaR, Method: method, Steps: 3}
		x, y := factors.New(400, o.Factors), initial(2, 300, o.Factors)
		total := func(m *datasets.Matrix, x, y *factors.Matrix) (sum float64) {
			s, err := NewSolver(o, gram(vector.Best(), y), y)
			if err != nil {
				t.Fatal(err)
			}
			for i := range m.Rows() {
				columns, values := m.Row(i)
				loss, _ := s.Loss(columns, values, x.Row(i))
				sum += loss
			}
			return sum + o.Regularization*norm(y)
		}
		before := total(users, x, y)
		for step := range 6 {
			half(t, vector.Best(), o, users, x, y)
			after := total(users, x, y)
			half(t, vector.Best(), o, items, y, x)
			last := total(items, y, x)
			if after >= before || last >= after {
				t.Errorf("%s, step %d: the loss goes from %v to %v to %v", method, step, before, after, last)
			}
			if again := total(users, x, y); math.Abs(again-last) > 1e-4*last {
				t.Errorf("%s, step %d: the loss is %v by users, %v by items", method, step, again, last)
			}
			before = last
		}
	}
}
