package interactions

import (
	"fmt"
	"math"
	"time"

	"github.com/shardmill/shardmill/formats/delimited"
	"github.com/shardmill/shardmill/jobs/internal/tabular"
)

// unixTime returns the second of Unix time that a cell stands for. Errors are tabular.ErrMissing and ErrTime.
func unixTime(c *tabular.Cell) (int64, error) {
	switch c.Kind {
	case tabular.Int:
		return fromUnix(c.Int), nil
	case tabular.Float:
		if n, ok := fromFloat(c.Float); ok {
			return n, nil
		}
	case tabular.Text:
		if n, ok := parseTime(c.Text); ok {
			return n, nil
		}
		if len(c.Text) == 0 {
			return 0, tabular.ErrMissing
		}
	default:
		return 0, tabular.ErrMissing
	}
	const most = 100
	return 0, fmt.Errorf("%.*q is %w", most, c.AppendText(nil), ErrTime)
}

// fromUnix takes a number for seconds, milliseconds, microseconds or nanoseconds, whichever gives a year before 5139.
func fromUnix(n int64) int64 {
	const most = int64(1e11) // seconds
	a := max(n, -max(n, -math.MaxInt64))
	switch {
	case a <= most:
		return n
	case a <= most*1e3:
		return floor(n, 1e3)
	case a <= most*1e6:
		return floor(n, 1e6)
	default:
		return floor(n, 1e9)
	}
}

func floor(n, by int64) int64 {
	if n < 0 && n%by != 0 {
		return n/by - 1
	}
	return n / by
}

// fromFloat drops what is less than a second, or a thousandth of one where the number is in thousandths.
func fromFloat(f float64) (int64, bool) {
	f = math.Floor(f)
	if !(math.Abs(f) < 1<<63) { // a NaN too
		return 0, false
	}
	return fromUnix(int64(f)), true
}

// ParseTime returns the second of Unix time that a text stands for, which has one of the forms that the package comment lists.
func ParseTime(s string) (int64, bool) { return parseTime([]byte(s)) }

// parseTime reads a time of the forms that the package comment lists.
func parseTime(b []byte) (int64, bool) {
	if len(b) >= len(time.DateOnly) && b[4] == '-' && b[7] == '-' {
		return parseCalendar(b)
	}
	if n, ok := delimited.CanonicalInt(b); ok {
		return fromUnix(n), true
	}
	f, ok := delimited.Float(b)
	if !ok {
		return 0, false
	}
	return fromFloat(f)
}

// parseCalendar reads 2006-01-02, alone or with 15:04:05, a fraction and a zone, each of which may be missing with what follows
// it, but for the zone, which may stand without a fraction.
func parseCalendar(b []byte) (int64, bool) {
	year, month, day := digits(b[:4]), digits(b[5:7]), digits(b[8:10])
	var second, zone int
	if b = b[10:]; len(b) > 0 {
		if b[0] != 'T' && b[0] != 't' && b[0] != ' ' {
			return 0, false
		}
		if second, b = clock(b[1:]); second < 0 {
			return 0, false
		}
		var ok bool
		if zone, ok = offset(fraction(b)); !ok {
			return 0, false
		}
	}
	t := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	if year < 0 || t.Year() != year || int(t.Month()) != month || t.Day() != day {
		return 0, false // February 30, say, or no digits
	}
	return t.Unix() + int64(second-zone), true
}

// digits returns the value of decimal digits, or -1.
func digits(b []byte) (n int) {
	for _, c := range b {
		if c < '0' || c > '9' {
			return -1
		}
		n = 10*n + int(c-'0')
	}
	return n
}

// clock reads 15:04:05 at the start of b and returns the second of the day, or -1, and the rest.
func clock(b []byte) (int, []byte) {
	if len(b) < len(time.TimeOnly) || b[2] != ':' || b[5] != ':' {
		return -1, b
	}
	h, m, s := digits(b[:2]), digits(b[3:5]), digits(b[6:8])
	if h < 0 || h > 23 || m < 0 || m > 59 || s < 0 || s > 59 {
		return -1, b
	}
	return h*3600 + m*60 + s, b[8:]
}

// fraction returns what is behind a fraction of a second, if b begins with one.
func fraction(b []byte) []byte {
	n := 1
	for n < len(b) && '0' <= b[n] && b[n] <= '9' {
		n++
	}
	if n == 1 || b[0] != '.' && b[0] != ',' {
		return b
	}
	return b[n:]
}

// offset reads a zone, which may be none, and returns its seconds east of UTC.
func offset(b []byte) (seconds int, ok bool) {
	switch {
	case len(b) == 0 || len(b) == 1 && (b[0] == 'Z' || b[0] == 'z'):
		return 0, true
	case len(b) != len("+00:00") || b[3] != ':' || b[0] != '+' && b[0] != '-':
		return 0, false
	}
	h, m := digits(b[1:3]), digits(b[4:6])
	if h < 0 || h > 23 || m < 0 || m > 59 {
		return 0, false
	}
	seconds = h*3600 + m*60
	if b[0] == '-' {
		seconds = -seconds
	}
	return seconds, true
}
