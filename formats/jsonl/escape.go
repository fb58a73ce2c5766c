package jsonl

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// unescape appends text, a valid string of JSON without its quotes, to dst with escapes resolved.
func unescape(dst, text []byte) []byte {
	for {
		i := bytes.IndexByte(text, '\\')
		if i < 0 {
			return append(dst, text...)
		}
		dst = append(dst, text[:i]...)
		if text[i+1] == 'u' {
			r, n := unicodeEscape(text[i:])
			dst = utf8.AppendRune(dst, r)
			text = text[i+n:]
			continue
		}
		dst = append(dst, shortEscape(text[i+1]))
		text = text[i+2:]
	}
}

func shortEscape(c byte) byte {
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	default: // '"', '\\', '/'
		return c
	}
}

// unicodeEscape returns the character that b begins with as \uXXXX or as two of them, and the length of that.
func unicodeEscape(b []byte) (r rune, n int) {
	const one, two = len(`\u0000`), 2 * len(`\u0000`)
	r, _ = hex4(b, 2)
	if !utf16.IsSurrogate(r) {
		return r, one
	}
	if at(b, one) == '\\' && at(b, one+1) == 'u' {
		low, _ := hex4(b, one+2)
		if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
			return pair, two
		}
	}
	return utf8.RuneError, one
}

// hex4 returns the number that the four hexadecimal digits from i on are.
func hex4(b []byte, i int) (n rune, ok bool) {
	for end := i + 4; i < end; i++ {
		c := at(b, i)
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		n = n<<4 | rune(c)
	}
	return n, true
}
