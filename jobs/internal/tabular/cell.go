package tabular

import (
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/shardmill/shardmill/formats/delimited"
)

// Kind says what a cell holds.
type Kind uint8

// The kinds of cells. A bool is a text.
const (
	Absent Kind = iota // the file, or this line of JSON, has no such column
	Null
	Text
	Int
	Float
)

// Cell is the value of one column in one row.
type Cell struct {
	Kind  Kind
	Text  []byte // UTF-8, valid until the next row
	Int   int64
	Float float64
}

// Record is one row of an input: the cells of the columns that were asked for, in their order.
type Record struct {
	Line  int64  // physical line on which the row starts, or the row of a Parquet file, 1-based
	Cells []Cell // valid until the next row
}

// Why a cell is no value of the type that is wanted.
var (
	ErrMissing = errors.New("no value")
	ErrInt     = errors.New("not an int64 in plain decimals")
	ErrFloat   = errors.New("not a number")
	ErrNaN     = errors.New("not a number that has an order")
)

// OK tells whether the cell has a value.
func (c *Cell) OK() bool { return c.Kind > Null }

// AppendText appends the value as text; without a value it appends nothing.
func (c *Cell) AppendText(b []byte) []byte {
	switch c.Kind {
	case Text:
		return append(b, c.Text...)
	case Int:
		return strconv.AppendInt(b, c.Int, 10)
	case Float:
		return appendFloat(b, c.Float)
	default:
		return b
	}
}

// appendFloat writes a float as encoding/json does, and infinities and NaN by name.
func appendFloat(b []byte, f float64) []byte {
	const least, most = 1e-6, 1e21
	if a := math.Abs(f); a == 0 || least <= a && a < most || math.IsInf(f, 0) {
		return strconv.AppendFloat(b, f, 'f', -1, 64)
	}
	b = strconv.AppendFloat(b, f, 'e', -1, 64)
	if n := len(b); n >= 4 && string(b[n-4:n-1]) == "e-0" {
		b = append(b[:n-2], b[n-1])
	}
	return b
}

// Integer returns the value as an int. As text it must be canonical, as strconv.FormatInt writes it. Errors are
// ErrMissing and ErrInt.
func (c *Cell) Integer() (int64, error) {
	if c.Kind == Text {
		if n, ok := delimited.CanonicalInt(c.Text); ok {
			return n, nil
		}
		return 0, c.not(ErrInt)
	}
	return c.typedInteger()
}

func (c *Cell) typedInteger() (int64, error) {
	switch c.Kind {
	case Int:
		return c.Int, nil
	case Float:
		const exact = 1 << 53
		if n := int64(c.Float); float64(n) == c.Float && -exact <= n && n <= exact {
			return n, nil
		}
		return 0, c.not(ErrInt)
	default:
		return 0, ErrMissing
	}
}

// Number returns the value as a float64: of a text what strconv.ParseFloat gives. Errors are ErrMissing, ErrFloat and ErrNaN.
func (c *Cell) Number() (float64, error) {
	f := c.Float
	switch {
	case c.Kind == Text:
		var ok bool
		if f, ok = delimited.Float(c.Text); !ok {
			return 0, c.not(ErrFloat)
		}
	case c.Kind == Int:
		return float64(c.Int), nil
	case c.Kind != Float:
		return 0, ErrMissing
	}
	if math.IsNaN(f) {
		return 0, c.not(ErrNaN)
	}
	return f, nil
}

// not puts the beginning of the value before what is wrong with it.
func (c *Cell) not(err error) error {
	const most = 100
	return fmt.Errorf("%.*q is %w", most, c.AppendText(nil), err)
}
