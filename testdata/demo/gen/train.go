package main

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/optimize"
)

const (
	trainSeed     = 7
	trainPerClass = 100
	penalty       = 1e-2 // of half the squared weights, on standardized features
)

// sample is the features of a picture and its class.
type sample struct {
	features []float64
	class    int
}

// samples draws pictures that are never written.
func samples(seed uint64, n int) []sample {
	rng := rand.New(rand.NewPCG(seed, 2))
	var out []sample
	for range n {
		for class := range classes() {
			img := newPattern(rng, class).render(rng)
			out = append(out, sample{describe(tensor(crop(img))), class})
		}
	}
	return out
}

// train fits the head: multinomial logistic regression with an L2 penalty, by L-BFGS.
func train() (head, error) {
	data := samples(trainSeed, trainPerClass)
	mean, scale := standardize(data)
	grad := make([]float64, len(classes())*(features+1))
	problem := optimize.Problem{
		Func: func(x []float64) float64 { return loss(data, x, grad) },
		Grad: func(g, x []float64) {
			loss(data, x, grad)
			copy(g, grad)
		},
	}
	settings := &optimize.Settings{GradientThreshold: 1e-7, MajorIterations: 2000}
	res, err := optimize.Minimize(problem, make([]float64, len(grad)), settings, &optimize.LBFGS{})
	if err != nil {
		return head{}, fmt.Errorf("logistic regression: %w", err)
	}
	return newHead(res.X, mean, scale), nil
}

// standardize gives the features mean 0 and deviation 1, and returns what they had.
func standardize(data []sample) (mean, scale []float64) {
	mean, scale = make([]float64, features), make([]float64, features)
	for _, s := range data {
		floats.AddScaled(mean, 1/float64(len(data)), s.features)
	}
	for _, s := range data {
		floats.Sub(s.features, mean)
		for i, v := range s.features {
			scale[i] += v * v / float64(len(data))
		}
	}
	for i := range scale {
		scale[i] = math.Sqrt(scale[i])
	}
	for _, s := range data {
		floats.Div(s.features, scale)
	}
	return mean, scale
}

// loss is the mean negative log-likelihood plus the penalty, and grad its gradient. Row c of x is
// the weights of class c and then its bias.
func loss(data []sample, x, grad []float64) float64 {
	const width = features + 1
	clear(grad)
	logits := make([]float64, len(classes()))
	total, share := 0.0, 1/float64(len(data))
	for _, s := range data {
		for c := range logits {
			logits[c] = floats.Dot(x[c*width:c*width+features], s.features) + x[c*width+features]
		}
		norm := floats.LogSumExp(logits)
		total += (norm - logits[s.class]) * share
		for c := range logits {
			residual := math.Exp(logits[c] - norm)
			if c == s.class {
				residual--
			}
			floats.AddScaled(grad[c*width:c*width+features], residual*share, s.features)
			grad[c*width+features] += residual * share
		}
	}
	for i, v := range x {
		if i%width < features {
			total += penalty / 2 * v * v
			grad[i] += penalty * v
		}
	}
	return total
}

// newHead undoes the standardization: the head works on the features as the network makes them.
func newHead(x, mean, scale []float64) head {
	const width = features + 1
	var h head
	for c := range classes() {
		bias := x[c*width+features]
		for i := range features {
			w := x[c*width+i] / scale[i]
			bias -= w * mean[i]
			h.weights = append(h.weights, float32(round(w)))
		}
		h.bias = append(h.bias, float32(round(bias)))
	}
	return h
}
