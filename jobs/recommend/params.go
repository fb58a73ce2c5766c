package recommend

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/shardmill/shardmill/jobs/internal/ids"
	"github.com/shardmill/shardmill/jobs/internal/interactions"
	"github.com/shardmill/shardmill/jobs/internal/neighbours"
)

// Params are the parameters of a recommendation. The JSON names are those of the flags.
type Params struct {
	interactions.Options

	Model      string   `json:"model,omitempty"`     // job whose model users are scored by; "" to train one
	Algorithm  string   `json:"algorithm"`           // or several, with their own parameters: see parts
	Blend      string   `json:"blend,omitempty"`     // of several algorithms: rrf, its default, or weighted
	Weights    string   `json:"weights,omitempty"`   // of several algorithms, "2,1,1"; "" for equal ones
	Top        int      `json:"top"`                 // items of a user
	Similar    int      `json:"similar"`             // items of an item in similar_items
	Because    int      `json:"because"`             // items that are named as reasons of a recommendation
	MinValue   *float64 `json:"min-value,omitempty"` // least value that counts; nil for all above 0
	Duplicates string   `json:"duplicates"`          // what a pair that came several times is worth
	HalfLife   string   `json:"half-life,omitempty"` // after which an interaction is worth half, such as "30d"; "" for no decay
	MinUser    int64    `json:"min-user,omitempty"`  // interactions that a user must have
	MinItem    int64    `json:"min-item,omitempty"`  // interactions that an item must have
	IDType     string   `json:"id-type"`             // auto, string or int64
	ShardRows  int64    `json:"shard-rows"`

	// Of the algorithms. Nil and 0 are their defaults.
	K      int      `json:"k,omitempty"`      // neighbours that are kept of an item
	Shrink float64  `json:"shrink,omitempty"` // added to the denominator of a similarity
	Alpha  *float64 `json:"alpha,omitempty"`  // rp3beta: power of the transition probabilities; als: of the confidence
	Beta   *float64 `json:"beta,omitempty"`   // rp3beta: power of popularity that is divided by
	K1     *float64 `json:"k1,omitempty"`     // bm25
	B      *float64 `json:"b,omitempty"`      // bm25

	FactorOptions
	ServingOptions
}

// Algorithms that are not of neighbours.
const (
	Popularity = "popularity" // what most users have
	ALS        = "als"        // vectors of users and items by alternating least squares
	EASE       = "ease"       // one inverse matrix
)

// What a pair that came several times is worth.
const (
	sumOf   = "sum"
	maxOf   = "max"
	lastOf  = "last"
	countOf = "count"
)

// Defaults are the parameters that a command line need not give.
func Defaults() Params {
	return Params{
		Options: interactions.Defaults(), Algorithm: string(neighbours.RP3beta), Top: 10, Similar: 20, Because: 3,
		Duplicates: sumOf, IDType: string(ids.Auto), ShardRows: 1e6,
	}
}

// Algorithms lists what can be asked for.
func Algorithms() []string {
	names := []string{Popularity}
	for _, a := range neighbours.Algorithms() {
		names = append(names, string(a))
	}
	return append(names, ALS, EASE)
}

// most bounds the length of a list: more is a mistake, and would take memory for each user.
const most = 10_000

// check finds parameters that no run can use, without opening a file.
func (p Params) check() error {
	if err := p.checkInput(); err != nil {
		return err
	}
	switch {
	case p.Top < 1 || p.Top > most:
		return fmt.Errorf("--top %d: from 1 to %d", p.Top, most)
	case p.Similar < 1 || p.Similar > most:
		return fmt.Errorf("--similar %d: from 1 to %d", p.Similar, most)
	case p.Because < 0 || p.Because > 100:
		return fmt.Errorf("--because %d: from 0 to 100", p.Because)
	case p.K < 0:
		return fmt.Errorf("--k %d: at least 1", p.K)
	}
	if err := p.checkServing(); err != nil {
		return err
	}
	return p.checkParts()
}

// checkInput finds wrong parameters of the way from inputs to matrices.
func (p Params) checkInput() error {
	if err := p.Check(); err != nil { // of what Options say
		return err
	}
	switch {
	case p.MinUser < 0 || p.MinItem < 0:
		return errors.New("--min-user and --min-item: not below 0")
	case p.ShardRows < 1:
		return fmt.Errorf("--shard-rows %d: at least 1", p.ShardRows)
	}
	if err := p.checkValues(); err != nil {
		return err
	}
	if err := ids.Type(p.IDType).Check(); err != nil {
		return fmt.Errorf("--id-type %w", err)
	}
	return nil
}

func (p Params) checkValues() error {
	halfLife, err := p.halfLife()
	switch {
	case err != nil:
		return err
	case !slices.Contains([]string{sumOf, maxOf, lastOf, countOf}, p.Duplicates):
		return fmt.Errorf("--duplicates %q: sum, max, last or count", p.Duplicates)
	case halfLife > 0 && p.TimeCol == "":
		return errors.New("--half-life needs the times: give --time-col")
	case p.MinValue != nil && math.IsNaN(*p.MinValue):
		return errors.New("--min-value: not a number")
	case p.MinValue != nil && p.ValueCol == "":
		return errors.New("--min-value needs the values: give --value-col")
	}
	return nil
}

// method is the algorithm with its parameters, or its defaults.
func (p Params) method() neighbours.Method {
	m := neighbours.Defaults(neighbours.Algorithm(p.Algorithm))
	if p.K != 0 {
		m.K = p.K
	}
	m.Shrink = p.Shrink
	for _, o := range []struct {
		given *float64
		of    *float64
	}{{p.Alpha, &m.Alpha}, {p.Beta, &m.Beta}, {p.K1, &m.K1}, {p.B, &m.B}} {
		if o.given != nil {
			*o.of = *o.given
		}
	}
	return m
}

// halfLife is the half-life in seconds, or 0 for none.
func (p Params) halfLife() (float64, error) {
	if p.HalfLife == "" {
		return 0, nil
	}
	n, unit := p.HalfLife[:len(p.HalfLife)-1], p.HalfLife[len(p.HalfLife)-1:]
	seconds, known := map[string]float64{"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}[unit]
	f, err := strconv.ParseFloat(n, 64)
	if !known || err != nil || !(f > 0) || math.IsInf(f, 0) {
		return 0, fmt.Errorf("--half-life %q: a number above 0 and s, m, h, d or w, such as 30d", p.HalfLife)
	}
	return f * seconds, nil
}
