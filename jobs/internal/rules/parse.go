package rules

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// maxMost bounds the number of a limit.
const maxMost = 1 << 30

// errForm says what a rule looks like.
var errForm = errors.New(`not a rule: such are "price <= 20", "category in rock, pop", "category not in news" and "max 3 per brand"`)

// Parse reads a rule. Errors say what is wrong with the text, but not the text.
func Parse(s string) (Rule, error) {
	if r, is, err := parseMax(s); is {
		return r, err
	}
	column, rest, err := cutColumn(strings.TrimSpace(s))
	if err != nil {
		return Rule{}, err
	}
	r := Rule{Column: column}
	if r.Op, rest = cutOp(rest); r.Op == "" || column == "" || rest != "" && strings.Contains("=<>", rest[:1]) { // == and =<, say
		return Rule{}, errForm
	}
	values, err := splitValues(rest)
	switch {
	case err != nil:
		return Rule{}, err
	case len(values) > 1 && !r.Op.list():
		return Rule{}, fmt.Errorf(`%s takes one value: several need "in", and one with a comma quotes`, r.Op)
	}
	for _, t := range values {
		v := Of(t)
		if r.Op.ordered() && !v.isNumber() {
			return Rule{}, fmt.Errorf("%s needs a number, not %q", r.Op, t)
		}
		r.values = append(r.values, v)
	}
	return r, nil
}

// parseMax reads a limit. It is one if it begins with "max" and a number.
func parseMax(s string) (r Rule, is bool, err error) {
	word, rest := cutWord(s)
	n, rest := cutWord(rest)
	if word != string(Max) || n == "" || strings.Trim(n, "0123456789") != "" {
		return r, false, nil
	}
	r.Op = Max
	if r.Most, err = strconv.Atoi(n); err != nil || r.Most < 1 || r.Most > maxMost {
		return Rule{}, true, fmt.Errorf("max %s: from 1 to %d", n, maxMost)
	}
	per, rest := cutWord(rest)
	if per != "per" {
		return Rule{}, true, errForm
	}
	if r.Column, rest, err = cutColumn(strings.TrimSpace(rest)); err == nil && (rest != "" || r.Column == "") {
		err = errForm
	}
	if err != nil {
		r = Rule{}
	}
	return r, true, err
}

// cutWord cuts off what is before the first space.
func cutWord(s string) (word, rest string) {
	s = strings.TrimSpace(s)
	if i := strings.IndexFunc(s, unicode.IsSpace); i >= 0 {
		return s[:i], s[i:]
	}
	return s, ""
}

// endsColumn tells whether a letter cannot be in a column without quotes.
func endsColumn(c rune) bool { return unicode.IsSpace(c) || strings.ContainsRune(`<>=!,"`, c) }

// cutColumn cuts off a column, and the space behind it.
func cutColumn(s string) (column, rest string, err error) {
	if strings.HasPrefix(s, `"`) {
		column, rest, err = cutQuoted(s)
	} else {
		end := strings.IndexFunc(s, endsColumn)
		if end < 0 {
			end = len(s)
		}
		column, rest = s[:end], s[end:]
	}
	return column, strings.TrimSpace(rest), err
}

// cutQuoted cuts off what is in quotes, with which s begins.
func cutQuoted(s string) (inside, rest string, err error) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] != '"':
			b.WriteByte(s[i])
		case i+1 < len(s) && s[i+1] == '"':
			b.WriteByte('"')
			i++
		default:
			return b.String(), s[i+1:], nil
		}
	}
	return "", "", errors.New("a quote is not closed")
}

// cutOp cuts off an operator.
func cutOp(s string) (op Op, rest string) {
	for _, op := range []Op{LessEqual, GreaterEqual, NotEqual, Less, Greater, Equal} {
		if rest, ok := strings.CutPrefix(s, string(op)); ok {
			return op, rest
		}
	}
	word, rest := cutWord(s)
	if word == "not" {
		if word, rest = cutWord(rest); word == "in" {
			return NotIn, rest
		}
		return "", ""
	}
	if word == "in" {
		return In, rest
	}
	return "", ""
}

// splitValues cuts a list of values, of which none is empty.
func splitValues(s string) (values []string, err error) {
	for {
		s = strings.TrimSpace(s)
		var v, rest string
		if strings.HasPrefix(s, `"`) {
			if v, rest, err = cutQuoted(s); err != nil {
				return nil, err
			}
			if rest = strings.TrimSpace(rest); rest != "" && rest[0] != ',' {
				return nil, errors.New("something stands behind a quote")
			}
		} else {
			end := strings.IndexByte(s, ',')
			if end < 0 {
				end = len(s)
			}
			v, rest = strings.TrimSpace(s[:end]), s[end:]
		}
		switch {
		case v == "":
			return nil, errors.New("a value is missing")
		case strings.ContainsRune(v, '"') && s[0] != '"':
			return nil, errors.New("a quote stands inside a value")
		}
		if values = append(values, v); rest == "" {
			return values, nil
		}
		s = rest[1:]
	}
}
