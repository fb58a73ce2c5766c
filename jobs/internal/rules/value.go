package rules

import (
	"errors"
	"fmt"
	"math"

	"github.com/shardmill/shardmill/formats/delimited"
)

// Value is an attribute of an item. That of Missing is none.
type Value struct {
	Text   string
	number float64
	kind   kind
}

type kind uint8

const (
	missing kind = iota
	text
	whole  // a number in canonical decimals of an int64
	number // another one
)

// Of is the value that a text stands for: a number, if it is one. The empty text is Missing.
func Of(s string) Value {
	v := Value{Text: s, kind: text}
	switch f, ok := delimited.Float([]byte(s)); {
	case s == "":
		v.kind = missing
	case ok && !math.IsNaN(f):
		v.number, v.kind = f, number
		if _, ok := delimited.CanonicalInt([]byte(s)); ok {
			v.kind = whole
		}
	}
	return v
}

// Missing tells whether there is no value.
func (v Value) Missing() bool { return v.kind == missing }

func (v Value) isNumber() bool { return v.kind >= whole }

// equals compares as numbers where both are, else as texts. Canonical int64s are equal only if their digits are.
func (v Value) equals(o Value) bool {
	if v.isNumber() && o.isNumber() && (v.kind == number || o.kind == number) {
		return v.number == o.number
	}
	return v.Text == o.Text
}

// ErrNumber reports a value that is compared with a number, and is none.
var ErrNumber = errors.New("not a number")

// Passes tells whether an item with a value passes a comparison. A text that is compared by its size is ErrNumber. All
// items pass a rule of Max.
func (r *Rule) Passes(v Value) (bool, error) {
	switch {
	case r.Op == Max:
		return true, nil
	case v.Missing():
		return false, nil
	case r.Op.ordered():
		if !v.isNumber() {
			return false, fmt.Errorf("%s %.100q is %w", r.Column, v.Text, ErrNumber)
		}
		return r.compares(v.number, r.values[0].number), nil
	}
	some := false
	for _, w := range r.values {
		some = some || v.equals(w)
	}
	return some == (r.Op == Equal || r.Op == In), nil
}

func (r *Rule) compares(a, b float64) bool {
	switch r.Op {
	case Less:
		return a < b
	case LessEqual:
		return a <= b
	case Greater:
		return a > b
	default:
		return a >= b
	}
}
