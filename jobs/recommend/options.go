package recommend

import (
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/shardmill/shardmill/jobs/internal/neighbours"
)

// option is a parameter that not all algorithms have.
type option struct {
	flag  string
	given bool
	of    []string // the algorithms
	kind  string   // what its text has to be
	set   func(text string) error
	text  func() string // that set takes
	clear func()
}

// options lists the parameters that not all algorithms have.
func (p *Params) options() []option {
	const cosine, tfidf, jaccard = string(neighbours.Cosine), string(neighbours.TFIDF), string(neighbours.Jaccard)
	const bm25, llr, rp3beta = string(neighbours.BM25), string(neighbours.LLR), string(neighbours.RP3beta)
	const number, whole, word = "a number", "a whole number", "a word"
	return []option{
		optionOf("k", &p.K, positive, whole+" above 0", cosine, tfidf, jaccard, bm25, llr, rp3beta),
		optionOf("shrink", &p.Shrink, finiteNumber, number, cosine, tfidf, jaccard),
		optionOf("alpha", &p.Alpha, pointed(finiteNumber), number, rp3beta, ALS),
		optionOf("beta", &p.Beta, pointed(finiteNumber), number, rp3beta),
		optionOf("k1", &p.K1, pointed(finiteNumber), number, bm25),
		optionOf("b", &p.B, pointed(finiteNumber), number, bm25),
		optionOf("factors", &p.Factors, pointed(strconv.Atoi), whole, ALS),
		optionOf("iterations", &p.Iterations, pointed(strconv.Atoi), whole, ALS),
		optionOf("regularization", &p.Regularization, pointed(finiteNumber), number, ALS),
		optionOf("regularize-by", &p.RegularizeBy, some, word, ALS),
		optionOf("confidence", &p.Confidence, some, word, ALS),
		optionOf("solver", &p.Solver, some, word, ALS),
		optionOf("seed", &p.Seed, unsigned, whole+", 0 or above", ALS),
		optionOf("explicit", &p.Explicit, strconv.ParseBool, "true or false", ALS),
		optionOf("lambda", &p.Lambda, pointed(finiteNumber), number, EASE),
	}
}

// optionOf is the option whose value is at a place. It is given if that is not the zero value.
func optionOf[T comparable](flag string, at *T, parse func(string) (T, error), kind string, of ...string) option {
	var none T
	return option{
		flag: flag, given: *at != none, of: of, kind: kind,
		set: func(text string) error {
			v, err := parse(text)
			if err == nil {
				*at = v
			}
			return err
		},
		text:  func() string { return textOf(*at) },
		clear: func() { *at = none },
	}
}

// textOf is a value, or what is at its place, as text.
func textOf(value any) string {
	switch v := value.(type) {
	case *float64:
		return fmt.Sprint(*v)
	case *int:
		return fmt.Sprint(*v)
	}
	return fmt.Sprint(value)
}

var errKind = errors.New("not what is asked for")

func pointed[T any](parse func(string) (T, error)) func(string) (*T, error) {
	return func(text string) (*T, error) {
		v, err := parse(text)
		return &v, err
	}
}

func finiteNumber(text string) (float64, error) {
	v, err := strconv.ParseFloat(text, 64)
	if err == nil && (math.IsNaN(v) || math.IsInf(v, 0)) {
		err = errKind
	}
	return v, err
}

func positive(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err == nil && n < 1 {
		err = errKind
	}
	return n, err
}

func unsigned(text string) (uint64, error) { return strconv.ParseUint(text, 10, 64) }

func some(text string) (string, error) {
	if text == "" {
		return "", errKind
	}
	return text, nil
}
