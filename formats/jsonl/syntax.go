package jsonl

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
)

// maxDepth is how deep encoding/json follows objects and arrays.
const maxDepth = 10000

// ErrSyntax reports a line that is not valid JSON.
var ErrSyntax = errors.New("not valid JSON")

func syntaxError(b []byte, i int) error {
	if i >= len(b) {
		return fmt.Errorf("%w: it ends too early", ErrSyntax)
	}
	return fmt.Errorf("%w: byte %d is %q", ErrSyntax, i+1, b[i])
}

// at returns b[i], or NUL at the end, which is valid nowhere in JSON.
func at(b []byte, i int) byte {
	if i < len(b) {
		return b[i]
	}
	return 0
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && b[i] <= ' ' && (b[i] == ' ' || b[i] == '\t' || b[i] == '\r' || b[i] == '\n') {
		i++
	}
	return i
}

// value reads the value at i or after white space, inside depth objects and arrays. It is written in
// b[from:end]. With an error, here and
// below, end is where it is. The results are not one struct, since that goes through memory, which took twice the time.
func value(b []byte, i, depth int) (kind Kind, from, end int, err error) {
	from = skipSpace(b, i)
	switch at(b, from) {
	case '"':
		kind, end, err = quoted(b, from)
	case '{', '[':
		kind = nested
		end, err = composite(b, from, depth+1)
	case 't':
		kind = Bool
		end, err = literal(b, from, "true")
	case 'f':
		kind = Bool
		end, err = literal(b, from, "false")
	case 'n':
		kind = Null
		end, err = literal(b, from, "null")
	default:
		kind = Number
		end, err = number(b, from)
	}
	return kind, from, end, err
}

// composite reads an object or array from its first byte on.
func composite(b []byte, i, depth int) (end int, err error) {
	if depth > maxDepth {
		return i, fmt.Errorf("%w: more than %d levels", ErrSyntax, maxDepth)
	}
	open := b[i]
	last := open + 2 // '}' and ']' in ASCII
	i, more := enter(b, i)
	for more {
		if open == '{' {
			if _, _, _, i, err = member(b, i); err != nil {
				return i, err
			}
		}
		if _, _, i, err = value(b, i, depth); err != nil {
			return i, err
		}
		if i, more, err = after(b, i, last); err != nil {
			return i, err
		}
	}
	return i, nil
}

// enter goes into an object or array, and behind it if it is empty.
func enter(b []byte, i int) (next int, more bool) {
	last := b[i] + 2
	if i = skipSpace(b, i+1); at(b, i) == last {
		return i + 1, false
	}
	return i, true
}

// after reads what comes after a value: a comma, or last.
func after(b []byte, i int, last byte) (next int, more bool, err error) {
	i = skipSpace(b, i)
	switch at(b, i) {
	case ',':
		return i + 1, true, nil
	case last:
		return i + 1, false, nil
	default:
		return i, false, syntaxError(b, i)
	}
}

// member reads the name of a member, which is written in b[from:end], and the colon behind it; next is after that.
func member(b []byte, i int) (kind Kind, from, end, next int, err error) {
	from = skipSpace(b, i)
	if at(b, from) != '"' {
		return kind, from, from, from, syntaxError(b, from)
	}
	if kind, end, err = quoted(b, from); err != nil {
		return kind, from, end, end, err
	}
	if next = skipSpace(b, end); at(b, next) != ':' {
		return kind, from, end, next, syntaxError(b, next)
	}
	return kind, from, end, next + 1, nil
}

func literal(b []byte, i int, word string) (end int, err error) {
	for n := range len(word) {
		if at(b, i+n) != word[n] {
			return i, syntaxError(b, i+n)
		}
	}
	return i + len(word), nil
}

// quoted reads a string from its quote on. Its kind is String, or escaped.
func quoted(b []byte, i int) (kind Kind, end int, err error) {
	kind = String
	for {
		i = special(b, i+1)
		switch at(b, i) {
		case '"':
			return kind, i + 1, nil
		case '\\':
			kind = escaped
			n := escapeLen(b, i)
			if n == 0 {
				return kind, i, syntaxError(b, i+1)
			}
			i += n - 1
		default:
			return kind, i, syntaxError(b, i)
		}
	}
}

// escapeLen returns the length of the escape at i, or 0.
func escapeLen(b []byte, i int) int {
	switch at(b, i+1) {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return len(`\n`)
	case 'u':
		if _, ok := hex4(b, i+2); ok {
			return len(`\u0000`)
		}
	}
	return 0
}

// special returns the index of the first quote, backslash or control character from i on, or
// len(b). It looks at eight bytes as one word, of which the lowest lane that is set in a mask
// is right: a borrow comes from a lane that is set. See Warren, Hacker's Delight, section 6-1.
func special(b []byte, i int) int {
	const lanes, high = 0x0101010101010101, 0x8080808080808080
	for ; i+8 <= len(b); i += 8 {
		w := binary.LittleEndian.Uint64(b[i:])
		quote, slash := w^'"'*lanes, w^'\\'*lanes
		m := (quote-lanes)&^quote | (slash-lanes)&^slash | (w-' '*lanes)&^w
		if m &= high; m != 0 {
			return i + bits.TrailingZeros64(m)/8
		}
	}
	for ; i < len(b); i++ {
		if c := b[i]; c == '"' || c == '\\' || c < ' ' {
			return i
		}
	}
	return len(b)
}

// number reads a number: an optional '-', digits without a leading zero, an optional fraction and exponent.
func number(b []byte, i int) (end int, err error) {
	end = i
	if at(b, end) == '-' {
		end++
	}
	var ok bool
	if at(b, end) == '0' {
		end++
	} else if end, ok = digits(b, end); !ok {
		return end, syntaxError(b, end)
	}
	if at(b, end) == '.' {
		if end, ok = digits(b, end+1); !ok {
			return end, syntaxError(b, end)
		}
	}
	if c := at(b, end); c == 'e' || c == 'E' {
		if c := at(b, end+1); c == '+' || c == '-' {
			end++
		}
		if end, ok = digits(b, end+1); !ok {
			return end, syntaxError(b, end)
		}
	}
	return end, nil
}

// digits reads one digit or more.
func digits(b []byte, i int) (end int, ok bool) {
	for end = i; end < len(b) && b[end]-'0' <= 9; {
		end++
	}
	return end, end > i
}
