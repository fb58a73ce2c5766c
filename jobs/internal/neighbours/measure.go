package neighbours

import "math"

// measure turns a sum over the users that two items share into their similarity.
type measure struct {
	algorithm   Algorithm
	exact       bool      // sums are counts and the similarity is their plain cosine
	users       float64   // number of users
	count       []float64 // users of each item
	left, right []float64 // what a sum is divided by, for the item of the row and for the other
	shrink      float64
	rest        []float64 // 1 / (n (users - n)) for items with n users
	xlogx       xlogx
}

// similarity is the similarity of items i and j, whose shared users sum up to x.
func (m *measure) similarity(i, j int, x float64) float64 {
	switch {
	case m.exact:
		return m.cosine(i, j, x)
	case m.algorithm == Jaccard:
		return x / (m.count[i] + m.count[j] - x + m.shrink)
	case m.algorithm == LLR:
		return m.logLikelihood(i, j, x)
	}
	return x / (float64(m.left[i]*m.right[j]) + m.shrink)
}

// cosine of counts is the root of a quotient of integers: so those that are equal come out equal.
func (m *measure) cosine(i, j int, x float64) float64 {
	return math.Sqrt(x * x / (m.count[i] * m.count[j]))
}

// logLikelihood is 1 - 1/(1+G), where x of all users have i and j; 0 where chance alone would give as many.
func (m *measure) logLikelihood(i, j int, x float64) float64 {
	n, a, b := m.users, m.count[i], m.count[j]
	if x*n <= a*b {
		return 0
	}
	l := &m.xlogx
	table := l.of(x) + l.of(a-x) + l.of(b-x) + l.of(n-a-b+x)
	margins := (l.of(a) + l.of(n-a)) + (l.of(b) + l.of(n-b))
	g := max(2*(table-margins+l.of(n)), 0)
	return 1 - 1/(1+g)
}

// xlogx has x ln x for small whole x.
type xlogx []float64

// maxLogs bounds the table: 2 MiB.
const maxLogs = 1 << 18

func newXlogx(n int) xlogx {
	table := make(xlogx, min(n+1, maxLogs))
	for i := range table[1:] {
		table[i+1] = float64(i+1) * math.Log(float64(i+1))
	}
	return table
}

// of is x ln x, and 0 for 0.
func (l xlogx) of(x float64) float64 {
	if x < float64(len(l)) {
		return l[int(x)]
	}
	return float64(x * math.Log(x)) // rounded: it is added, and not to be fused
}
