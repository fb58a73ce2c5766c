package delimited

import (
	"bytes"
	"encoding/binary"
	"math"
	"strconv"
)

// Int returns what strconv.ParseInt(string(b), 10, 64) returns, and whether it returns no error.
func Int(b []byte) (int64, bool) {
	digits, negative := sign(b)
	if len(digits) == 0 || len(digits) > 2*word {
		n, err := strconv.ParseInt(string(b), 10, 64)
		return n, err == nil
	}
	u, ok := number(digits)
	if !ok {
		return 0, false
	}
	if negative {
		return -int64(u), true
	}
	return int64(u), true
}

// CanonicalInt is Int for text that is written just as strconv.FormatInt writes the number. So of all texts of one
// number, as of "7", "+7" and "07", only one is taken.
func CanonicalInt(b []byte) (int64, bool) {
	digits := b
	if len(b) > 0 && b[0] == '-' {
		digits = b[1:]
	}
	if len(digits) == 0 || digits[0]-'1' > 8 && string(b) != "0" { // the first is not '1' to '9'
		return 0, false
	}
	return Int(b)
}

// sign cuts a sign off b.
func sign(b []byte) (rest []byte, negative bool) {
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		return b[1:], b[0] == '-'
	}
	return b, false
}

// number returns the number that one to 16 digits are.
func number(digits []byte) (n uint64, ok bool) {
	if len(digits) <= word {
		return sum(align(digits), len(digits))
	}
	const scale = 1e8 // 10 to the power of word
	head := digits[:len(digits)-word]
	n, ok = sum(align(head), len(head))
	tail, tailOK := sum(load(digits[len(head):]), word)
	return n*scale + tail, ok && tailOK
}

// align returns one to eight bytes in the highest lanes of a word, the last one in the highest; the others are 0.
func align(b []byte) uint64 {
	n := len(b)
	unused := uint(word*(word-n)) % bitsOfWord
	if n < word/2 { // the first, the middle and the last byte, of which some are the same
		return uint64(b[0])<<unused | uint64(b[n/2])<<((unused+uint(n/2*word))%bitsOfWord) | uint64(b[n-1])<<(7*word)
	}
	head, tail := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[n-4:]) // they may overlap
	return uint64(head)<<unused&math.MaxUint32 | uint64(tail)<<(4*word)
}

const bitsOfWord = 64 // that a shift is shorter saves an instruction

// sum returns the number that the digits in the n highest lanes of w are. It adds up neighbours: digits to numbers
// of two digits, these to numbers of four, these to one. See Lemire, Quickly parsing eight digits, 2018.
func sum(w uint64, n int) (sum uint64, ok bool) {
	w ^= '0' * lanes << (uint(word*(word-n)) % bitsOfWord) // digits, or more than 9 for any other byte
	ok = (w+(0x7f-9)*lanes|w)&high == 0
	w = w*10 + w>>8
	const twos = 0x000000ff000000ff
	return (w&twos*(100+1e6<<32) + w>>16&twos*(1+1e4<<32)) >> 32, ok
}

// Float returns what strconv.ParseFloat(string(b), 64) returns, to the bit, and whether it returns no
// error. So infinities and NaN, by name, are numbers too.
func Float(b []byte) (float64, bool) {
	digits, negative := sign(b)
	mantissa, scale, ok := decimal(digits)
	if !ok {
		f, err := strconv.ParseFloat(string(b), 64)
		return f, err == nil
	}
	f := float64(mantissa) / powers[scale&15] // both numbers are exact, so the result is rounded once
	if negative {
		f = -f
	}
	return f, true
}

// decimal reads up to 15 digits with a point, or without one: the number is mantissa / 10^scale. So both are
// exact as float64, see Clinger, How to read floating point numbers accurately, 1990.
func decimal(b []byte) (mantissa uint64, scale int, ok bool) {
	if n := len(b); 0 < n && n <= word {
		return shortDecimal(align(b), n)
	}
	return longDecimal(b)
}

// shortDecimal is decimal for text in the n highest lanes of w.
func shortDecimal(w uint64, n int) (mantissa uint64, scale int, ok bool) {
	points := equal(w, '.'*lanes)
	if points == 0 {
		mantissa, ok = sum(w, n)
		return mantissa, 0, ok
	}
	point := lane(points)
	before := uint64(1)<<(uint(word*point)%bitsOfWord) - 1
	mantissa, ok = sum(w&before<<word|w&^(before<<word|0xff), n-1)
	return mantissa, word - 1 - point, ok
}

// longDecimal is decimal for text of any length.
func longDecimal(b []byte) (mantissa uint64, scale int, ok bool) {
	if len(b) > len(powers) {
		return 0, 0, false
	}
	point := bytes.IndexByte(b, '.')
	if point < 0 {
		point = len(b)
	}
	for i, c := range b {
		if i == point {
			continue
		}
		if c -= '0'; c > 9 {
			return 0, 0, false
		}
		mantissa = mantissa*10 + uint64(c)
	}
	scale = max(0, len(b)-1-point)
	digits := min(point, len(b)) + scale
	return mantissa, scale, 0 < digits && digits < 16
}

// powers are the powers of ten that a scale may be. It is never written.
var powers = [16]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15}
