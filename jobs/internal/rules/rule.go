package rules

import (
	"strconv"
	"strings"
)

// Op is what a rule does with the values of a column.
type Op string

// The operators of comparisons, and Max, the limit of how many items of one value a list may have.
const (
	Less         Op = "<"
	LessEqual    Op = "<="
	Greater      Op = ">"
	GreaterEqual Op = ">="
	Equal        Op = "="
	NotEqual     Op = "!="
	In           Op = "in"
	NotIn        Op = "not in"
	Max          Op = "max"
)

// Rule is a rule. It is made by Parse, and can be used by several goroutines.
type Rule struct {
	Column string
	Op     Op
	Most   int // items of one value in a list, of Max

	values []Value
}

// String is the rule as Parse reads it.
func (r Rule) String() string {
	if r.Op == Max {
		return "max " + strconv.Itoa(r.Most) + " per " + quoteColumn(r.Column)
	}
	texts := make([]string, len(r.values))
	for i, v := range r.values {
		texts[i] = quote(v.Text)
	}
	return quoteColumn(r.Column) + " " + string(r.Op) + " " + strings.Join(texts, ", ")
}

// ordered tells whether an operator is of numbers only.
func (o Op) ordered() bool { return o == Less || o == LessEqual || o == Greater || o == GreaterEqual }

// list tells whether an operator takes several values.
func (o Op) list() bool { return o == In || o == NotIn }

func quote(s string) string {
	if strings.ContainsAny(s, `,"`) || strings.TrimSpace(s) != s || strings.HasPrefix(s, string(Equal)) {
		return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
	}
	return s
}

func quoteColumn(s string) string {
	if strings.ContainsFunc(s, endsColumn) {
		return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
	}
	return s
}
