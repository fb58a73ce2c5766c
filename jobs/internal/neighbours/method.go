package neighbours

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Algorithm is the name of a formula for the similarity of two items.
type Algorithm string

// The algorithms. Let U be the set of users of both i and j, v_ui the value of user u for item i (1 in a binary
// matrix), n_i the number of users of i, n_u the number of items of u.
const (
	// Cosine is the cosine of two items' columns: sum over U of v_ui v_uj / (|v_i| |v_j| + shrink); Sarwar et al.,
	// Item-based collaborative filtering recommendation algorithms, WWW 2001. In a binary matrix it is
	// |U| / (sqrt(n_i n_j) + shrink).
	Cosine Algorithm = "cosine"
	// TFIDF is the cosine of the values sqrt(v_ui) idf_u, with idf_u = ln(items / (1 + n_u)), as TFIDFRecommender of
	// implicit 0.7 has it: who has many items says less.
	TFIDF Algorithm = "tfidf"
	// BM25 is the sum over U of w_ui w_uj, with w_ui = idf_u v_ui (K1+1) / (K1 (1 - B + B s_i/s) + v_ui), s_i the sum of
	// the values of item i and s the mean of s_i over all items; as BM25Recommender of implicit 0.7 has it, after
	// Robertson and Walker, SIGIR 1994.
	BM25 Algorithm = "bm25"
	// Jaccard is |U| / (n_i + n_j - |U| + shrink). It ignores values.
	Jaccard Algorithm = "jaccard"
	// LLR is 1 - 1/(1+G), with G the log-likelihood ratio of the two-by-two table of users with and without i and j;
	// Dunning, Accurate methods for the statistics of surprise and coincidence, 1993, and LogLikelihoodSimilarity of
	// Apache Mahout. Unlike there, items that occur together less often than by chance have similarity 0. It ignores
	// values.
	LLR Algorithm = "llr"
	// RP3beta is the probability of a walk from i to a user and on to j, each step to the power alpha, divided by
	// n_j^beta: sum over U of (v_ui/s_i)^alpha (v_uj/s_u)^alpha / n_j^beta, with s_i and s_u the sums of the values of i
	// and of u; Christoffel et al., Blockbusters and wallflowers, RecSys 2015. It is not symmetric.
	RP3beta Algorithm = "rp3beta"
)

// Algorithms lists the names of all algorithms.
func Algorithms() []Algorithm {
	return []Algorithm{Cosine, TFIDF, BM25, Jaccard, LLR, RP3beta}
}

// Method says how items are compared. Defaults makes one.
type Method struct {
	Algorithm Algorithm `json:"algorithm"`
	K         int       `json:"k"`                // neighbours kept of each item, without itself
	Shrink    float64   `json:"shrink,omitempty"` // cosine, tfidf, jaccard: added to the denominator
	Alpha     float64   `json:"alpha,omitempty"`  // rp3beta: power of the probabilities
	Beta      float64   `json:"beta,omitempty"`   // rp3beta: power of the popularity that divides
	K1        float64   `json:"k1,omitempty"`     // bm25: how slowly values saturate
	B         float64   `json:"b,omitempty"`      // bm25: 0 ignores the items' sums, 1 divides by them
}

// Defaults is a Method with an algorithm's usual numbers.
func Defaults(a Algorithm) Method {
	m := Method{Algorithm: a, K: 100}
	switch a {
	case RP3beta:
		m.K, m.Alpha, m.Beta = 200, 1, 0.2
	case BM25:
		m.K1, m.B = 1.2, 0.75
	}
	return m
}

// maxK bounds K, so that a slip does not take all memory.
const maxK = 1 << 20

// Check says what is wrong with a Method.
func (m Method) Check() error {
	if !slices.Contains(Algorithms(), m.Algorithm) {
		return fmt.Errorf("unknown algorithm %q: it is one of %s", m.Algorithm, names())
	}
	if m.K < 1 || m.K > maxK {
		return fmt.Errorf("%s: %d neighbours: at least 1 and at most %d", m.Algorithm, m.K, maxK)
	}
	for _, n := range m.numbers() {
		if err := n.check(m.Algorithm); err != nil {
			return err
		}
	}
	return nil
}

// number is one of the numbers of a Method, with what it may be.
type number struct {
	name     string
	value    float64
	min, max float64
	of       []Algorithm // which have it
}

func (m Method) numbers() []number {
	return []number{
		{"shrink", m.Shrink, 0, math.MaxFloat64, []Algorithm{Cosine, TFIDF, Jaccard}},
		{"alpha", m.Alpha, 0.01, 10, []Algorithm{RP3beta}},
		{"beta", m.Beta, 0, 10, []Algorithm{RP3beta}},
		{"k1", m.K1, 0, math.MaxFloat64, []Algorithm{BM25}},
		{"b", m.B, 0, 1, []Algorithm{BM25}},
	}
}

func (n number) check(a Algorithm) error {
	switch {
	case !slices.Contains(n.of, a) && n.value != 0:
		return fmt.Errorf("%s has no %s", a, n.name)
	case !slices.Contains(n.of, a):
		return nil
	case n.max == math.MaxFloat64 && (!(n.value >= n.min) || math.IsInf(n.value, 0)):
		return fmt.Errorf("%s: %s is %v: at least %v", a, n.name, n.value, n.min)
	case !(n.value >= n.min && n.value <= n.max):
		return fmt.Errorf("%s: %s is %v: at least %v and at most %v", a, n.name, n.value, n.min, n.max)
	}
	return nil
}

func names() string {
	var list []string
	for _, a := range Algorithms() {
		list = append(list, string(a))
	}
	return strings.Join(list, ", ")
}

// Transposed tells which way the neighbours point (see the package comment): whether an entry (row i, neighbour j) of
// the Kernel is at row j of the Scorer's matrix, for candidate i, or at row i, for candidate j. Cosine and Jaccard keep
// the K best of each candidate; the others, as implicit and Mahout do, those of each item that a user has.
func (m Method) Transposed() bool {
	return m.Algorithm == Cosine || m.Algorithm == Jaccard
}

// usesValues tells whether values count, or only who has what.
func (m Method) usesValues() bool {
	return m.Algorithm != Jaccard && m.Algorithm != LLR
}
