package rowgroup

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/apache/arrow/go/v15/arrow/float16"
	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/schema"

	"github.com/shardmill/shardmill/formats"
)

// supported is what a column must be.
const supported = "numbers, text, truth values, dates or times, without nesting"

const (
	maxDecimal = 32 // bytes of a decimal, of 76 digits
	maxScale   = 76
	julianDay  = 2440588 // of the first day of 1970, for INT96
	daySeconds = 24 * 60 * 60
)

// conversion makes Values of physical values: of numbers or of byte strings.
type conversion struct {
	kind    Kind
	numbers setter[int64]
	bytes   setter[[]byte]
}

// A setter sets a Value. Its error says why there is none: it is about this value only, and v.Text is then what is known
// of it. It keeps memory for the text of the last Value.
type setter[T any] func(v *Value, physical T) error

// conversion returns the zero one for what is unsupported.
func (f field) conversion() conversion {
	switch f.physical {
	case parquet.Types.Boolean:
		return conversion{kind: Bool, numbers: func(v *Value, n int64) error {
			v.Kind, v.Int = Bool, n
			return nil
		}}
	case parquet.Types.Float, parquet.Types.Double:
		return conversion{kind: Float, numbers: func(v *Value, n int64) error {
			v.Kind, v.Float = Float, math.Float64frombits(uint64(n))
			return nil
		}}
	case parquet.Types.Int32, parquet.Types.Int64:
		return f.integers()
	case parquet.Types.Int96:
		return conversion{kind: Text, bytes: int96s()}
	}
	return f.byteStrings()
}

func (f field) integers() conversion {
	switch l := f.logical.(type) {
	case *schema.IntLogicalType:
		if !l.IsSigned() {
			return conversion{kind: Int, numbers: unsigned(uint(l.BitWidth()))}
		}
	case *schema.DecimalLogicalType:
		if l.Scale() < 0 || l.Scale() > maxScale {
			return conversion{}
		}
		return conversion{kind: Text, numbers: decimals(int(l.Scale()))}
	case schema.DateLogicalType:
		return conversion{kind: Text, numbers: dates()}
	case *schema.TimeLogicalType:
		return timesOfDay(l.TimeUnit())
	case *schema.TimestampLogicalType:
		return timestamps(l.TimeUnit(), l.IsAdjustedToUTC())
	}
	return conversion{kind: Int, numbers: func(v *Value, n int64) error {
		v.Kind, v.Int = Int, n
		return nil
	}}
}

// byteStrings is for byte strings of all types but INT96.
func (f field) byteStrings() conversion {
	switch l := f.logical.(type) {
	case *schema.DecimalLogicalType:
		if l.Scale() < 0 || l.Scale() > maxScale {
			return conversion{}
		}
		return conversion{kind: Text, bytes: longDecimals(int(l.Scale()))}
	case schema.UUIDLogicalType:
		return conversion{kind: Text, bytes: uuids()}
	case schema.Float16LogicalType:
		return conversion{kind: Float, bytes: func(v *Value, b []byte) error {
			v.Kind, v.Float = Float, float64(float16.FromLEBytes(b).Float32())
			return nil
		}}
	case schema.BSONLogicalType, schema.IntervalLogicalType:
		return conversion{}
	}
	return conversion{kind: Text, bytes: text}
}

func text(v *Value, b []byte) error {
	v.Kind, v.Text = Text, b
	if !utf8.Valid(b) {
		return formats.ErrNotUTF8
	}
	return nil
}

func anyBytes(v *Value, b []byte) error {
	v.Kind, v.Text = Text, b
	return nil
}

func unsigned(bits uint) setter[int64] {
	mask := uint64(1)<<bits - 1
	var buf []byte
	return func(v *Value, n int64) error {
		if u := uint64(n) & mask; u > math.MaxInt64 {
			buf = strconv.AppendUint(buf[:0], u, 10)
			v.Kind, v.Text = Text, buf
		} else {
			v.Kind, v.Int = Int, int64(u)
		}
		return nil
	}
}

func decimals(scale int) setter[int64] {
	var buf, digits []byte
	return func(v *Value, n int64) error {
		digits = strconv.AppendInt(digits[:0], n, 10)
		buf = appendDecimal(buf[:0], digits, scale)
		v.Kind, v.Text = Text, buf
		return nil
	}
}

// longDecimals is for two's complement, high byte first.
func longDecimals(scale int) setter[[]byte] {
	var buf, digits []byte
	var n, modulus big.Int // for the rare ones
	return func(v *Value, b []byte) error {
		if len(b) == 0 || len(b) > maxDecimal {
			v.Text = nil
			return fmt.Errorf("%w: a decimal of %d bytes", ErrRange, len(b))
		}
		if small, ok := shortComplement(b); ok {
			digits = strconv.AppendInt(digits[:0], small, 10)
		} else {
			if n.SetBytes(b); b[0] >= 0x80 {
				modulus.Lsh(modulus.SetInt64(1), uint(8*len(b)))
				n.Sub(&n, &modulus)
			}
			digits = n.Append(digits[:0], 10)
		}
		buf = appendDecimal(buf[:0], digits, scale)
		v.Kind, v.Text = Text, buf
		return nil
	}
}

// shortComplement returns a number in two's complement, if it has 64 bits beside copies of its sign.
func shortComplement(b []byte) (n int64, ok bool) {
	n = int64(int8(b[0])) >> 7 // all bits are the sign
	for _, c := range b {
		if n>>55 != n>>63 {
			return 0, false
		}
		n = n<<8 | int64(c)
	}
	return n, true
}

// appendDecimal appends digits, which may begin with a minus, with a point before the last scale of them.
func appendDecimal(dst, digits []byte, scale int) []byte {
	if digits[0] == '-' {
		dst, digits = append(dst, '-'), digits[1:]
	}
	if scale == 0 {
		return append(dst, digits...)
	}
	point := len(digits) - scale
	if point <= 0 {
		dst = append(dst, "0."...)
		for range -point {
			dst = append(dst, '0')
		}
		return append(dst, digits...)
	}
	dst = append(dst, digits[:point]...)
	dst = append(dst, '.')
	return append(dst, digits[point:]...)
}

func uuids() setter[[]byte] {
	var buf [36]byte
	return func(v *Value, b []byte) error {
		at := 0
		for i, part := range [...][]byte{b[:4], b[4:6], b[6:8], b[8:10], b[10:16]} {
			if i > 0 {
				buf[at] = '-'
				at++
			}
			at += hex.Encode(buf[at:], part)
		}
		v.Kind, v.Text = Text, buf[:]
		return nil
	}
}

// unit returns how many of a unit a second has, and the layout of its fraction.
func unit(u schema.TimeUnitType) (perSecond int64, fraction string) {
	switch u {
	case schema.TimeUnitMillis:
		return 1e3, ".000"
	case schema.TimeUnitMicros:
		return 1e6, ".000000"
	default:
		return 1e9, ".000000000"
	}
}

func timestamps(u schema.TimeUnitType, utc bool) conversion {
	perSecond, fraction := unit(u)
	layout := "2006-01-02T15:04:05" + fraction
	if utc {
		layout += "Z"
	}
	return conversion{kind: Text, numbers: times(layout, perSecond)}
}

func timesOfDay(u schema.TimeUnitType) conversion {
	perSecond, fraction := unit(u)
	format := times("15:04:05"+fraction, perSecond)
	return conversion{kind: Text, numbers: func(v *Value, n int64) error {
		if n < 0 || n >= daySeconds*perSecond {
			v.Text = nil
			return fmt.Errorf("%w: %d is no time of day", ErrRange, n)
		}
		return format(v, n)
	}}
}

// times is for times since 1970, of which a second has perSecond.
func times(layout string, perSecond int64) setter[int64] {
	var buf []byte
	return func(v *Value, n int64) (err error) {
		second, part := n/perSecond, n%perSecond // part may be negative: time.Unix allows for it
		buf, err = appendTime(buf[:0], time.Unix(second, part*(1e9/perSecond)), layout)
		v.Kind, v.Text = Text, buf
		return err
	}
}

func dates() setter[int64] {
	var buf []byte
	return func(v *Value, days int64) (err error) {
		buf, err = appendTime(buf[:0], time.Unix(days*daySeconds, 0), "2006-01-02")
		v.Kind, v.Text = Text, buf
		return err
	}
}

// int96s is for the nanoseconds of the day and the day's Julian number.
func int96s() setter[[]byte] {
	var buf []byte
	return func(v *Value, b []byte) (err error) {
		nanoseconds, day := int64(binary.LittleEndian.Uint64(b)), int64(binary.LittleEndian.Uint32(b[8:]))
		t := time.Unix((day-julianDay)*daySeconds, nanoseconds)
		buf, err = appendTime(buf[:0], t, "2006-01-02T15:04:05.000000000")
		v.Kind, v.Text = Text, buf
		return err
	}
}

func appendTime(dst []byte, t time.Time, layout string) ([]byte, error) {
	t = t.UTC()
	if year := t.Year(); year < 0 || year > 9999 {
		return dst, fmt.Errorf("%w: a time in the year %d", ErrRange, year)
	}
	return t.AppendFormat(dst, layout), nil
}
