package rank

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"math/bits"
	"slices"
	"strings"

	"github.com/shardmill/shardmill/mapreduce"
)

// Names of aggregates.
const (
	opCount = "count"
	opSum   = "sum"
	opMin   = "min"
	opMax   = "max"
	opMean  = "mean"
)

// aggregate is one of --agg.
type aggregate struct {
	op     string
	column string // "" for a count
	word   int    // of the state, where its cell is
}

// name is that of its column in results.
func (a aggregate) name() string {
	if a.op == opCount {
		return opCount
	}
	return a.op + "_" + a.column
}

// stateOp is how a cell of state is merged.
type stateOp uint8

const (
	sumFloats stateOp = iota // bits of a float64
	sumInts                  // two words, low and high: 128 bits, two's complement
	least
	greatest
)

// stateCell is a part of a group's state.
type stateCell struct {
	op     stateOp
	column int // index in aggregates.columns
	word   int // index of its first word
}

// aggregates is what --agg asks for. Word 0 of the state is the number of rows.
type aggregates struct {
	kind    kind // of all columns
	list    []aggregate
	columns []string // each once
	cells   []stateCell
	words   int
}

// aggregates reads --agg.
func (p Params) aggregates() (aggregates, error) {
	kind, err := kindOf(p.ByType)
	if err != nil {
		return aggregates{}, fmt.Errorf("--by-type %w", err)
	}
	all := aggregates{kind: kind, words: 1}
	for _, s := range p.Agg {
		a, err := parseAggregate(s)
		switch {
		case err != nil:
			return all, err
		case a.op != opCount && kind == text:
			return all, fmt.Errorf("--agg %s: with --by-type int or float, not string", s)
		case slices.ContainsFunc(all.list, func(b aggregate) bool { return a.name() == b.name() }):
			return all, fmt.Errorf("--agg %s: there are two columns %s", s, a.name())
		}
		all.add(a)
	}
	if all.words > maxWords {
		return all, fmt.Errorf("--agg: %d numbers a group, at most %d: the count, and one for each column's "+
			"sum, min and max, two for an int's sum; a mean needs a sum", all.words, maxWords)
	}
	return all, nil
}

func parseAggregate(s string) (aggregate, error) {
	op, column, found := strings.Cut(s, ":")
	switch {
	case op == opCount && !found:
		return aggregate{op: op}, nil
	case slices.Contains([]string{opSum, opMin, opMax, opMean}, op) && column != "":
		return aggregate{op: op, column: column}, nil
	}
	return aggregate{}, fmt.Errorf("--agg %q: write count, sum:COL, min:COL, max:COL or mean:COL", s)
}

// add appends an aggregate and gives it a cell of state; a sum and a mean share one.
func (all *aggregates) add(a aggregate) {
	if a.op != opCount {
		a.word = all.cell(all.stateOp(a.op), a.column)
	}
	all.list = append(all.list, a)
}

func (all *aggregates) stateOp(op string) stateOp {
	switch {
	case op == opMin:
		return least
	case op == opMax:
		return greatest
	case all.kind == integer:
		return sumInts
	default:
		return sumFloats
	}
}

// cell returns the word of a cell, which it adds if there is none.
func (all *aggregates) cell(op stateOp, name string) int {
	column := slices.Index(all.columns, name)
	if column < 0 {
		column = len(all.columns)
		all.columns = append(all.columns, name)
	}
	for _, c := range all.cells {
		if c.op == op && c.column == column {
			return c.word
		}
	}
	word := all.words
	all.cells = append(all.cells, stateCell{op, column, word})
	if all.words++; op == sumInts {
		all.words++
	}
	return word
}

// begin sets the states of groups of one row each, cell after cell: which kind of cell it is is asked once for all.
func begin[W words](cells []stateCell, rows []groupRow[W], states []W) {
	states = states[:len(rows)]
	for i := range states {
		states[i][0] = 1
	}
	for _, c := range cells {
		column, w := c.column, c.word
		switch c.op {
		case sumFloats:
			for i := range states {
				states[i][w] = math.Float64bits(floatOfBits(rows[i].numbers[column]))
			}
		case sumInts:
			for i := range states {
				n := intOfBits(rows[i].numbers[column])
				states[i][w], states[i][w+1] = uint64(n), uint64(n>>63)
			}
		default:
			for i := range states {
				states[i][w] = rows[i].numbers[column]
			}
		}
	}
}

// merge puts the state b of a group into that of another.
func merge[W words](cells []stateCell, a, b *W) {
	(*a)[0] += (*b)[0]
	for _, c := range cells {
		w := c.word
		switch c.op {
		case sumFloats:
			(*a)[w] = math.Float64bits(math.Float64frombits((*a)[w]) + math.Float64frombits((*b)[w]))
		case sumInts:
			low, carry := bits.Add64((*a)[w], (*b)[w], 0)
			(*a)[w], (*a)[w+1] = low, (*a)[w+1]+(*b)[w+1]+carry
		case least:
			(*a)[w] = min((*a)[w], (*b)[w])
		case greatest:
			(*a)[w] = max((*a)[w], (*b)[w])
		}
	}
}

// overflow tells whether a sum of ints is no int64.
func overflow[W words](list []aggregate, k kind, state *W) error {
	for _, a := range list {
		if a.op == opSum && k == integer && (*state)[a.word+1] != uint64(int64((*state)[a.word])>>63) {
			return fmt.Errorf("%s: the sum %v is no int64", a.name(), sum128(state, a.word))
		}
	}
	return nil
}

// intOf is an aggregate of ints, or a count.
func intOf[W words](a aggregate, state *W) int64 {
	switch a.op {
	case opCount:
		return int64((*state)[0])
	case opSum:
		return int64((*state)[a.word])
	default:
		return intOfBits((*state)[a.word])
	}
}

// floatOf is an aggregate of floats, or the mean of ints.
func floatOf[W words](a aggregate, k kind, state *W) float64 {
	sum := math.Float64frombits((*state)[a.word])
	switch {
	case a.op == opMean && k == integer:
		return meanOfInts(state, a.word)
	case a.op == opMean:
		return sum / float64((*state)[0])
	case a.op == opSum:
		return sum
	default:
		return floatOfBits((*state)[a.word])
	}
}

// meanOfInts is the float64 nearest to sum/count. Where both are exact as float64, one division rounds once.
func meanOfInts[W words](state *W, word int) float64 {
	const exact = 1 << 53
	count := (*state)[0]
	low, high := int64((*state)[word]), (*state)[word+1]
	if -exact <= low && low <= exact && high == uint64(low>>63) && count <= exact {
		return float64(low) / float64(count)
	}
	mean, _ := new(big.Rat).SetFrac(sum128(state, word), new(big.Int).SetUint64(count)).Float64()
	return mean
}

func sum128[W words](state *W, word int) *big.Int {
	n := big.NewInt(int64((*state)[word+1]))
	return n.Lsh(n, 64).Add(n, new(big.Int).SetUint64((*state)[word]))
}

// stateCodec writes the words of a state, little-endian.
type stateCodec[W words] struct{ words int }

// Width implements mapreduce.FixedWidth.
func (c stateCodec[W]) Width() int { return c.words * numberBytes }

// Append implements mapreduce.Codec.
func (c stateCodec[W]) Append(b []byte, state W) []byte {
	for i := range c.words {
		b = binary.LittleEndian.AppendUint64(b, state[i])
	}
	return b
}

// Decode implements mapreduce.Codec.
func (c stateCodec[W]) Decode(b []byte) (state W, err error) {
	if len(b) != c.Width() {
		return state, fmt.Errorf("%w: %d bytes, want %d", mapreduce.ErrShort, len(b), c.Width())
	}
	for i := range c.words {
		state[i] = binary.LittleEndian.Uint64(b[i*numberBytes:])
	}
	return state, nil
}
