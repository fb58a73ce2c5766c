package recommend

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/shardmill/shardmill/mapreduce"
)

// weight is what an interaction is worth.
type weight struct {
	value float64
	time  int64 // 0 unless it decides
}

// isOne tells whether it is that of an interaction of which nothing is known.
func (w weight) isOne() bool { return w == weight{value: 1} }

// piece is some entries of a row of a matrix, in the order in which they came. Encoded, it is a byte that tells which of the
// following there are and whether they are of the test file, the columns with 4 bytes each, their values and their times with 8 bytes each, little-endian.
type piece struct {
	columns []uint32
	weights []weight // of the columns; nothing: all are 1
	test    bool     // of the test file of an evaluation; not set by decode
}

// What an encoded piece has besides columns.
const (
	pieceValues = 1 << 0
	pieceTimes  = 1 << 1
	pieceTest   = 1 << 2
)

// keptEntries bounds the memory that a piece keeps for the next one.
const keptEntries = 1 << 20

func (p *piece) reset() {
	if cap(p.columns) > keptEntries {
		*p = piece{}
	}
	p.columns, p.weights, p.test = p.columns[:0], p.weights[:0], false
}

// weight is that of entry i.
func (p *piece) weight(i int) weight {
	if len(p.weights) == 0 {
		return weight{value: 1}
	}
	return p.weights[i]
}

// add adds an entry.
func (p *piece) add(column uint32, w weight) {
	if !w.isOne() || len(p.weights) > 0 {
		p.weigh()
		p.weights = append(p.weights, w)
	}
	p.columns = append(p.columns, column)
}

// weigh gives weights to the entries that have none.
func (p *piece) weigh() {
	for len(p.weights) < len(p.columns) {
		p.weights = append(p.weights, weight{value: 1})
	}
}

// append appends the encoded piece to b.
func (p *piece) append(b []byte) []byte {
	has := p.has()
	if b = append(b, has); p.test {
		b[len(b)-1] |= pieceTest
	}
	for _, c := range p.columns {
		b = binary.LittleEndian.AppendUint32(b, c)
	}
	if has&pieceValues != 0 {
		for _, w := range p.weights {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(w.value))
		}
	}
	if has&pieceTimes != 0 {
		for _, w := range p.weights {
			b = binary.LittleEndian.AppendUint64(b, uint64(w.time))
		}
	}
	return b
}

// has tells what there is besides columns.
func (p *piece) has() (has byte) {
	for _, w := range p.weights {
		if w.value != 1 {
			has |= pieceValues
		}
		if w.time != 0 {
			has |= pieceTimes
		}
	}
	return has
}

// decode adds the entries of an encoded piece.
func (p *piece) decode(b []byte) error {
	has, n, ok := shapeOfPiece(b)
	if !ok {
		return fmt.Errorf("%w: a piece of a row of %d bytes", mapreduce.ErrShort, len(b))
	}
	b = b[1:]
	if has != 0 {
		p.weigh()
	}
	from := len(p.columns)
	for i := range n {
		p.columns = append(p.columns, binary.LittleEndian.Uint32(b[4*i:]))
	}
	if has == 0 && len(p.weights) == 0 {
		return nil
	}
	p.weigh()
	b = b[4*n:]
	if has&pieceValues != 0 {
		for i := range n {
			p.weights[from+i].value = math.Float64frombits(binary.LittleEndian.Uint64(b[8*i:]))
		}
		b = b[8*n:]
	}
	if has&pieceTimes != 0 {
		for i := range n {
			p.weights[from+i].time = int64(binary.LittleEndian.Uint64(b[8*i:]))
		}
	}
	return nil
}

// shapeOfPiece tells what an encoded piece has besides columns, and how many of these.
func shapeOfPiece(b []byte) (has byte, n int, ok bool) {
	if len(b) == 0 || b[0] > pieceValues|pieceTimes|pieceTest {
		return 0, 0, false
	}
	has = b[0] &^ pieceTest
	each := 4 + 8*int(has&pieceValues) + 8*int(has&pieceTimes/pieceTimes)
	n = (len(b) - 1) / each
	return has, n, 1+n*each == len(b)
}

// isTest tells whether an encoded piece is of the test file.
func isTest(b []byte) bool { return len(b) > 0 && b[0]&pieceTest != 0 }
