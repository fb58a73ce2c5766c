package rank

import (
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/shardmill/shardmill/formats/delimited"
	"github.com/shardmill/shardmill/formats/table"
)

// kind is the type of a column that is compared.
type kind uint8

const (
	text kind = iota
	integer
	float
)

func (k kind) String() string {
	switch k {
	case integer:
		return "int"
	case float:
		return "float"
	default:
		return "string"
	}
}

func kindOf(name string) (kind, error) {
	for _, k := range []kind{text, integer, float} {
		if k.String() == name {
			return k, nil
		}
	}
	return 0, fmt.Errorf("%q: string, int or float", name)
}

// value is a value of a column that is compared. Numbers are kept as bits of the same order.
type value struct {
	kind kind
	text string // of a string
	bits uint64 // of a number
}

const signBit = 1 << 63

func intValue(n int64) value { return value{kind: integer, bits: uint64(n) ^ signBit} }

// floatValue takes any number but a NaN.
func floatValue(f float64) value {
	u := math.Float64bits(f + 0) // -0 becomes 0
	if u&signBit != 0 {
		return value{kind: float, bits: ^u}
	}
	return value{kind: float, bits: u | signBit}
}

// int is the number of an int.
func (v value) int() int64 { return int64(v.bits ^ signBit) }

// float is the number of a float.
func (v value) float() float64 {
	if v.bits&signBit != 0 {
		return math.Float64frombits(v.bits &^ signBit)
	}
	return math.Float64frombits(^v.bits)
}

func (v value) String() string {
	switch v.kind {
	case integer:
		return strconv.FormatInt(v.int(), 10)
	case float:
		return strconv.FormatFloat(v.float(), 'g', -1, 64)
	default:
		return v.text
	}
}

var (
	errMissing = errors.New("no value")
	errInt     = errors.New("not an int64 in plain decimals")
	errFloat   = errors.New("not a number")
	errNaN     = errors.New("not a number that has an order")
)

// parse reads a value of kind k.
func (k kind) parse(b []byte) (value, error) {
	switch k {
	case integer:
		n, ok := delimited.Int(b)
		if !ok || !canonical(b) {
			return value{}, quoted(errInt, b)
		}
		return intValue(n), nil
	case float:
		f, ok := delimited.Float(b)
		if !ok {
			return value{}, quoted(errFloat, b)
		}
		if math.IsNaN(f) {
			return value{}, quoted(errNaN, b)
		}
		return floatValue(f), nil
	default:
		return value{text: string(b)}, nil
	}
}

// canonical tells whether an integer is written as strconv.FormatInt writes it.
func canonical(b []byte) bool {
	negative := b[0] == '-'
	if negative {
		b = b[1:]
	}
	return b[0] != '+' && (b[0] != '0' || len(b) == 1 && !negative)
}

// quoted puts the beginning of a text before what is wrong with it.
func quoted(err error, b []byte) error {
	const most = 100
	return fmt.Errorf("%.*q is %w", most, b, err)
}

// parseCell reads the value of a column. An error names the column.
func (k kind) parseCell(column string, c cell) (value, error) {
	if !c.ok {
		return value{}, fmt.Errorf("column %q: %w", column, errMissing)
	}
	v, err := k.parse(c.text)
	if err != nil {
		return value{}, fmt.Errorf("column %q: %w", column, err)
	}
	return v, nil
}

// column is the column of a value in results.
func column[R any](k kind, name string, of func(*R) *value) table.Column[R] {
	switch k {
	case integer:
		return table.Int64(name, func(r *R) int64 { return of(r).int() }, func(r *R, n int64) { *of(r) = intValue(n) })
	case float:
		return table.Float64(name, func(r *R) float64 { return of(r).float() }, func(r *R, f float64) { *of(r) = floatValue(f) })
	default:
		return table.String(name, func(r *R) string { return of(r).text }, func(r *R, s string) { *of(r) = value{text: s} })
	}
}

// shardColumn is the column of a value in shards, where numbers are kept as their bits.
func shardColumn[R any](k kind, name string, of func(*R) *value) table.Column[R] {
	if k == text {
		return column(k, name, of)
	}
	return table.Int64(name, func(r *R) int64 { return int64(of(r).bits) },
		func(r *R, n int64) { *of(r) = value{kind: k, bits: uint64(n)} })
}
