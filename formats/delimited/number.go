package delimited

import (
	"strconv"
)

// Int returns what strconv.ParseInt(string(b), 10, 64) returns, and whether it returns no error.
func Int(b []byte) (int64, bool) {
	digits, negative := sign(b)
	if len(digits) == 0 || len(digits) > 18 { // 18 digits always fit
		n, err := strconv.ParseInt(string(b), 10, 64)
		return n, err == nil
	}
	var n int64
	for _, c := range digits {
		if c -= '0'; c > 9 {
			return 0, false
		}
		n = n*10 + int64(c)
	}
	if negative {
		n = -n
	}
	return n, true
}

// sign cuts a sign off b.
func sign(b []byte) (rest []byte, negative bool) {
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		return b[1:], b[0] == '-'
	}
	return b, false
}

// Float returns what strconv.ParseFloat(string(b), 64) returns, to the bit, and whether it returns no
// error. So infinities and NaN, by name, are numbers too.
func Float(b []byte) (float64, bool) {
	digits, negative := sign(b)
	mantissa, exponent, ok := decimal(digits)
	if !ok {
		f, err := strconv.ParseFloat(string(b), 64)
		return f, err == nil
	}
	f := float64(mantissa)
	if exponent < 0 { // both numbers are exact, so the result is rounded once
		f /= powers[-exponent]
	} else {
		f *= powers[exponent]
	}
	if negative {
		f = -f
	}
	return f, true
}

// powers are the powers of ten that a float64 holds exactly. It is never written.
var powers = [...]float64{
	1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
}

// decimal reads digits with or without a point and an exponent. It is ok if mantissa and the
// power of ten are exact as float64. See Clinger, How to read floating point numbers
// accurately, 1990.
func decimal(b []byte) (mantissa uint64, exponent int, ok bool) {
	point, i := -1, 0
	for ; i < len(b); i++ {
		if d := b[i] - '0'; d <= 9 {
			mantissa = mantissa*10 + uint64(d)
			continue
		}
		if b[i] != '.' || point >= 0 {
			break
		}
		point = i
	}
	digits := i
	if point >= 0 {
		digits--
		exponent = point + 1 - i
	}
	if i < len(b) {
		e, ok := scale(b[i:])
		if !ok {
			return 0, 0, false
		}
		exponent += e
	}
	const most, exact = 19, 53 // digits that do not overflow, bits of a float64
	ok = 0 < digits && digits <= most && mantissa>>exact == 0 && max(exponent, -exponent) < len(powers)
	return mantissa, exponent, ok
}

// scale reads an exponent of up to three digits.
func scale(b []byte) (exponent int, ok bool) {
	if b[0] != 'e' && b[0] != 'E' {
		return 0, false
	}
	digits, negative := sign(b[1:])
	if len(digits) == 0 || len(digits) > 3 {
		return 0, false
	}
	for _, c := range digits {
		if c -= '0'; c > 9 {
			return 0, false
		}
		exponent = exponent*10 + int(c)
	}
	if negative {
		exponent = -exponent
	}
	return exponent, true
}
