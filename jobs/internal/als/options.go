package als

import (
	"fmt"
	"math"
)

// MaxFactors is the most factors of a vector.
const MaxFactors = 1024

// Method is how the normal equations of a row are solved.
type Method string

// The methods.
const (
	CG       Method = "cg"       // a few steps of conjugate gradients from the vector before
	Cholesky Method = "cholesky" // exactly
)

// Confidence is how the weight of an entry comes from its value.
type Confidence string

// The formulas.
const (
	AlphaR        Confidence = "alpha-r"          // c = alpha r
	OnePlusAlphaR Confidence = "one-plus-alpha-r" // c = 1 + alpha r
)

// Options are what a model is made with.
type Options struct {
	Factors        int     // k, 1 to MaxFactors
	Regularization float64 // lambda, not negative
	Scaled         bool    // a row of n entries has lambda n in place of lambda
	Alpha          float64 // of the confidence, positive
	Confidence     Confidence
	Method         Method
	Steps          int // of CG, at least 1
}

// Defaults are 64 factors, lambda .01, alpha 1, and three steps of CG.
func Defaults() Options {
	return Options{Factors: 64, Regularization: .01, Alpha: 1, Confidence: AlphaR, Method: CG, Steps: 3}
}

// Check says what is wrong with options.
func (o Options) Check() error {
	switch {
	case o.Factors < 1 || o.Factors > MaxFactors:
		return fmt.Errorf("%d factors: there can be 1 to %d", o.Factors, MaxFactors)
	case !(o.Regularization >= 0) || math.IsInf(o.Regularization, 0):
		return fmt.Errorf("a regularization of %v: it must be a number that is not negative", o.Regularization)
	case !(o.Alpha > 0) || math.IsInf(o.Alpha, 0):
		return fmt.Errorf("an alpha of %v: it must be a positive number", o.Alpha)
	case o.Confidence != AlphaR && o.Confidence != OnePlusAlphaR:
		return fmt.Errorf("no confidence is called %q; there are %s and %s", o.Confidence, AlphaR, OnePlusAlphaR)
	case o.Method != CG && o.Method != Cholesky:
		return fmt.Errorf("no method is called %q; there are %s and %s", o.Method, CG, Cholesky)
	case o.Method == CG && o.Steps < 1:
		return fmt.Errorf("%d steps of conjugate gradients: there must be at least 1", o.Steps)
	}
	return nil
}

// lambda is the regularization of a row of n entries.
func (o *Options) lambda(n int) float64 {
	if o.Scaled {
		return o.Regularization * float64(n)
	}
	return o.Regularization
}
