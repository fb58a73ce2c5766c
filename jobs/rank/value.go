package rank

import (
	"fmt"
	"math"
	"strconv"
	"sync"

	"github.com/shardmill/shardmill/formats/table"
	"github.com/shardmill/shardmill/jobs/internal/tabular"
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
	bits uint64 // of a number
	text []byte // of a string; its memory is used again for the next row
}

const signBit = 1 << 63

func intBits(n int64) uint64 { return uint64(n) ^ signBit }

// floatBits takes any number but a NaN.
func floatBits(f float64) uint64 {
	u := math.Float64bits(f + 0) // -0 becomes 0
	if u&signBit != 0 {
		return ^u
	}
	return u | signBit
}

func intOfBits(u uint64) int64 { return int64(u ^ signBit) }

func floatOfBits(u uint64) float64 {
	if u&signBit != 0 {
		return math.Float64frombits(u &^ signBit)
	}
	return math.Float64frombits(^u)
}

// String is what messages call the value.
func (v value) String() string {
	switch v.kind {
	case integer:
		return strconv.FormatInt(intOfBits(v.bits), 10)
	case float:
		return strconv.FormatFloat(floatOfBits(v.bits), 'g', -1, 64)
	default:
		return string(v.text)
	}
}

// setText makes v a string.
func (v *value) setText(b []byte) { v.kind, v.bits, v.text = text, 0, append(v.text[:0], b...) }

// reset makes v an empty string.
func (v *value) reset() {
	v.kind, v.bits = text, 0
	empty(&v.text)
}

// keptBytes bounds the memory that a text of a row keeps for the next row: a batch has 512 rows.
const keptBytes = 16 << 10

// empty leaves a text its memory, unless it is far more than texts need. One that stays where it is costs no write barrier.
func empty(b *[]byte) {
	if *b = (*b)[:0]; cap(*b) > keptBytes {
		*b = nil
	}
}

// setBits makes v a number of a kind.
func (v *value) setBits(k kind, bits uint64) { v.kind, v.bits = k, bits }

// numbers are those of one block. They are used again and again: to clear so many takes longer than to read one row.
type numbers struct {
	keys, values [tabular.BlockRows]uint64 // as bits
	ints         [tabular.BlockRows]int64
	floats       [tabular.BlockRows]float64
}

// numbersPool keeps the numbers of blocks that have been read.
type numbersPool struct{ pool sync.Pool }

func (p *numbersPool) get() *numbers {
	if n, ok := p.pool.Get().(*numbers); ok {
		return n
	}
	return &numbers{}
}

func (p *numbersPool) put(n *numbers) { p.pool.Put(n) }

// read sets bits to those of the numbers of a column in the first rows of a block. Strings have none: it just looks that there
// are some. An error is of row n, and names the column.
func (s *numbers) read(k kind, bits []uint64, b *tabular.Block, column int, name string) (n int, err error) {
	switch k {
	case integer:
		n, err = b.Integers(column, s.ints[:len(bits)])
		for i, v := range s.ints[:n] {
			bits[i] = intBits(v)
		}
	case float:
		n, err = b.Numbers(column, s.floats[:len(bits)])
		for i, v := range s.floats[:n] {
			bits[i] = floatBits(v)
		}
	default:
		n, err = b.Present(column, len(bits))
	}
	if err != nil {
		err = fmt.Errorf("column %q: %w", name, err)
	}
	return n, err
}

// column is the column of a value in results.
func column[R any](k kind, name string, of func(*R) *value) table.Column[R] {
	switch k {
	case integer:
		return table.Int64(name, func(r *R) int64 { return intOfBits(of(r).bits) }, func(r *R, n int64) { of(r).setBits(k, intBits(n)) })
	case float:
		return table.Float64(name, func(r *R) float64 { return floatOfBits(of(r).bits) },
			func(r *R, f float64) { of(r).setBits(k, floatBits(f)) })
	default:
		return table.Text(name, func(r *R) []byte { return of(r).text }, func(r *R, s []byte) { of(r).setText(s) })
	}
}

// shardColumn is the column of a value in shards, where numbers are kept as their bits.
func shardColumn[R any](k kind, name string, of func(*R) *value) table.Column[R] {
	if k == text {
		return column(k, name, of)
	}
	return table.Int64(name, func(r *R) int64 { return int64(of(r).bits) },
		func(r *R, n int64) { of(r).setBits(k, uint64(n)) })
}
