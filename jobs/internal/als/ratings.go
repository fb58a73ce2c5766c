package als

import (
	"fmt"
	"math"

	"github.com/shardmill/shardmill/jobs/internal/factors"
	"github.com/shardmill/shardmill/jobs/internal/vector"
)

// RatingOptions are what a model of explicit ratings is made with.
type RatingOptions struct {
	Factors        int     // k, 1 to MaxFactors; rows have one number more
	Regularization float64 // lambda, not negative
	Scaled         bool    // a row of n entries has lambda n in place of lambda
}

// Check says what is wrong with options.
func (o RatingOptions) Check() error {
	all := Defaults()
	all.Factors, all.Regularization, all.Scaled = o.Factors, o.Regularization, o.Scaled
	return all.Check()
}

// RatingSolver makes new rows of one side, of k factors and a bias, from those of the other. Each goroutine needs its own.
type RatingSolver struct {
	opts      RatingOptions
	mean      float64
	other     *factors.Matrix
	equations *equations
	rows      []*float32
	targets   []float32
}

// NewRatingSolver makes a RatingSolver for the rows of the side that lists the rows of other, with the mean of all ratings.
func NewRatingSolver(opts RatingOptions, mean float64, other *factors.Matrix) (*RatingSolver, error) {
	return newRatingSolver(vector.Best(), opts, mean, other)
}

func newRatingSolver(kernel vector.Kernel, opts RatingOptions, mean float64, other *factors.Matrix) (*RatingSolver, error) {
	if err := opts.Check(); err != nil {
		return nil, err
	}
	if other.K() != opts.Factors+1 {
		return nil, fmt.Errorf("a model of %d factors and a bias: the rows have %d numbers", opts.Factors, other.K())
	}
	return &RatingSolver{
		opts: opts, mean: mean, other: other, equations: newEquations(kernel, opts.Factors+1),
		rows: make([]*float32, gramBlock), targets: make([]float32, gramBlock),
	}, nil
}

// Row sets dst to the factors and the bias of a row: its columns are the rows of other that it lists, ascending, and values are their ratings,
// nil if all are 1. Dst has the length of a row of other. A row that lists nothing gets zeros. It can fail with ErrSingular.
func (s *RatingSolver) Row(columns []uint32, values, dst []float32) error {
	if len(columns) == 0 {
		clear(dst)
		return nil
	}
	k := s.opts.Factors
	s.equations.reset()
	for from := 0; from < len(columns); from += gramBlock {
		block := columns[from:min(from+gramBlock, len(columns))]
		s.other.Point(s.rows, block)
		for i, c := range block {
			s.targets[i] = float32(float64(rating(values, from+i)) - s.mean - float64(s.other.Row(int(c))[k]))
		}
		s.equations.entries(s.rows[:len(block)], nil, s.targets, k)
	}
	lambda := s.opts.Regularization
	if s.opts.Scaled {
		lambda *= float64(len(columns))
	}
	return s.equations.solve(nil, lambda, dst)
}

// rating is the value of an entry.
func rating(values []float32, i int) float32 {
	if values == nil {
		return 1
	}
	return values[i]
}

// Predict is the rating that rows x and y, of k factors and a bias, make likely.
func Predict(mean float64, x, y []float32, k int) float64 {
	r := mean + float64(x[k]) + float64(y[k])
	for j, v := range x[:k] {
		r += float64(v) * float64(y[j])
	}
	return r
}

// RatingErrors sums how far predictions are from ratings. It sums in the order of Add.
type RatingErrors struct{ N, Squares, Absolutes float64 }

// Add counts a rating and its prediction.
func (e *RatingErrors) Add(rating, predicted float64) {
	d := rating - predicted
	e.N++
	e.Squares += d * d
	e.Absolutes += math.Abs(d)
}

// Merge counts those that another has counted.
func (e *RatingErrors) Merge(other RatingErrors) {
	e.N += other.N
	e.Squares += other.Squares
	e.Absolutes += other.Absolutes
}

// RMSE is the root of the mean square of the errors, NaN without any.
func (e *RatingErrors) RMSE() float64 { return math.Sqrt(e.Squares / e.N) }

// MAE is the mean of the absolute errors, NaN without any.
func (e *RatingErrors) MAE() float64 { return e.Absolutes / e.N }
