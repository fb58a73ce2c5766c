package recommend

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/shardmill/shardmill/jobs/internal/als"
	"github.com/shardmill/shardmill/jobs/internal/ease"
)

// FactorOptions are the parameters of als and of ease. Nil and empty ones are their defaults.
type FactorOptions struct {
	Factors        *int     `json:"factors,omitempty"`        // numbers of a vector
	Iterations     *int     `json:"iterations,omitempty"`     // each makes all users, then all items
	Regularization *float64 `json:"regularization,omitempty"` // lambda of als
	// RegularizeBy is plain, or count: lambda times the number of the row's entries.
	RegularizeBy string   `json:"regularize-by,omitempty"`
	Confidence   string   `json:"confidence,omitempty"` // alpha-r or one-plus-alpha-r
	Solver       string   `json:"solver,omitempty"`     // cg or cholesky
	Seed         uint64   `json:"seed,omitempty"`       // of what the vectors begin with
	Explicit     bool     `json:"explicit,omitempty"`   // values are ratings to be predicted
	Lambda       *float64 `json:"lambda,omitempty"`     // of ease
}

// Kinds of regularization.
const (
	plain   = "plain"
	byCount = "count"
)

// Defaults of als and ease.
const (
	defaultFactors    = 64
	defaultIterations = 15
	maxIterations     = 400 // each is two stages
	defaultAlpha      = 10  // with lambda 50 the best of the Last.fm split's references
	defaultLambda     = 100 // of ease
)

// checkMethod finds wrong parameters of the algorithm, which is one.
func (p Params) checkMethod() error {
	switch p.Algorithm {
	case Popularity:
		return nil
	case ALS:
		return p.checkALS()
	case EASE:
		if err := (ease.Options{Lambda: p.lambda()}).Check(); err != nil {
			return fmt.Errorf("--lambda %v: %w", p.lambda(), err)
		}
		return nil
	}
	return p.method().Check()
}

func (p Params) checkALS() error {
	k, m := p.factors(), p.model()
	switch {
	case k < 1 || k > als.MaxFactors:
		return fmt.Errorf("--factors %d: from 1 to %d", k, als.MaxFactors)
	case p.iterations() < 1 || p.iterations() > maxIterations:
		return fmt.Errorf("--iterations %d: from 1 to %d", p.iterations(), maxIterations)
	case !slices.Contains([]string{"", plain, byCount}, p.RegularizeBy):
		return fmt.Errorf("--regularize-by %q: %s or %s", p.RegularizeBy, plain, byCount)
	case !slices.Contains([]string{"", string(als.AlphaR), string(als.OnePlusAlphaR)}, p.Confidence):
		return fmt.Errorf("--confidence %q: %s or %s", p.Confidence, als.AlphaR, als.OnePlusAlphaR)
	case !slices.Contains([]string{"", string(als.CG), string(als.Cholesky)}, p.Solver):
		return fmt.Errorf("--solver %q: %s or %s", p.Solver, als.CG, als.Cholesky)
	case !(m.implicit.Regularization >= 0) || math.IsInf(m.implicit.Regularization, 0):
		return fmt.Errorf("--regularization %v: 0 or above", m.implicit.Regularization)
	case !(m.implicit.Alpha > 0) || math.IsInf(m.implicit.Alpha, 0):
		return fmt.Errorf("--alpha %v: above 0", m.implicit.Alpha)
	}
	return p.checkExplicit()
}

func (p Params) checkExplicit() error {
	switch {
	case !p.Explicit:
		return nil
	case p.ValueCol == "":
		return errors.New("--explicit needs the ratings: give --value-col")
	case p.Alpha != nil || p.Confidence != "":
		return errors.New("--alpha and --confidence are for implicit feedback, not for --explicit ratings")
	case p.Solver != "" && p.Solver != string(als.Cholesky):
		return errors.New("--explicit ratings are solved by cholesky: leave out --solver")
	}
	return nil
}

func (p Params) factors() int { return or(p.Factors, defaultFactors) }

func (p Params) iterations() int { return or(p.Iterations, defaultIterations) }

func (p Params) lambda() float64 { return or(p.Lambda, defaultLambda) }

// model is how vectors are made.
func (p Params) model() model {
	o := als.Defaults()
	o.Factors, o.Alpha = p.factors(), or(p.Alpha, defaultAlpha)
	o.Regularization, o.Scaled = p.regularization()
	if p.Confidence != "" {
		o.Confidence = als.Confidence(p.Confidence)
	}
	if p.Solver != "" {
		o.Method = als.Method(p.Solver)
	}
	return model{
		implicit: o, ratings: p.Explicit, seed: p.Seed,
		explicit: als.RatingOptions{Factors: o.Factors, Regularization: o.Regularization, Scaled: o.Scaled},
	}
}

// regularization is lambda, and whether it is multiplied by the number of entries.
func (p Params) regularization() (lambda float64, scaled bool) {
	if p.Explicit {
		return or(p.Regularization, .1), p.RegularizeBy != plain
	}
	return or(p.Regularization, 50), p.RegularizeBy == byCount
}

// or is what is given, or a default.
func or[T any](given *T, otherwise T) T {
	if given != nil {
		return *given
	}
	return otherwise
}
