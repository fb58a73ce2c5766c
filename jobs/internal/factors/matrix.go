package factors

import (
	"fmt"
	"iter"
	"unsafe"

	"github.com/shardmill/shardmill/jobs/internal/mapped"
	"github.com/shardmill/shardmill/jobs/internal/vector"
)

// Matrix is rows of k factors, in memory or in files. It can be used by several goroutines.
type Matrix struct {
	rows, k, stride int
	parts           mapped.Parts[part]
	blocks          []*float32 // where the first row of each block of 1<<shift rows begins; nil of one that is not all in one file
	shift           uint
	zeros           []float32 // a row that is in no file
}

// New makes a matrix of zeros in memory. What Row returns can be written to.
func New(rows, k int) *Matrix {
	stride := vector.Stride(k)
	return newMatrix(rows, k, mapped.OnePart(rows, part{k: k, stride: stride, data: make([]float32, rows*stride)}))
}

func newMatrix(rows, k int, parts *mapped.Parts[part]) *Matrix {
	stride := vector.Stride(k)
	m := &Matrix{rows: rows, k: k, stride: stride, parts: *parts, shift: parts.Shift(), zeros: make([]float32, stride)}
	for i := 0; i < rows; i += 1 << m.shift {
		var begin *float32
		if p := m.parts.Of(i); p.Data.data != nil && i+1<<m.shift <= p.Hi {
			begin = &p.Data.row(i - p.Lo)[0]
		}
		m.blocks = append(m.blocks, begin)
	}
	return m
}

// Open opens a matrix of that many rows of k factors. Each file holds rows of a range, and the ranges do not overlap; rows in
// no file are zeros. All files are checked: one that is not of a Writer is formats.ErrForeign or a formats.VersionError, and
// one whose bytes are not what was written is formats.ErrDamaged.
func Open(paths []string, rows, k int) (*Matrix, error) {
	return open(paths, rows, k, false)
}

// Reopen is Open for files whose bytes this process has compared with a checksum before: it does not read rows, and trusts them.
func Reopen(paths []string, rows, k int) (*Matrix, error) {
	return open(paths, rows, k, true)
}

func open(paths []string, rows, k int, trusted bool) (*Matrix, error) {
	if rows < 0 || k < 1 {
		return nil, fmt.Errorf("a matrix of %d rows of %d factors", rows, k)
	}
	parts, err := mapped.OpenParts(paths, rows, opener(trusted), func(p *mapped.Part[part]) error {
		if p.Hi > p.Lo && p.Data.k != k {
			return fmt.Errorf("has rows of %d factors, of a matrix of %d", p.Data.k, k)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return newMatrix(rows, k, parts), nil
}

// Rows is the number of rows.
func (m *Matrix) Rows() int { return m.rows }

// K is the number of factors of a row.
func (m *Matrix) K() int { return m.k }

// Stride is the length of a row with the zeros behind it.
func (m *Matrix) Stride() int { return m.stride }

// Row returns row i with the zeros behind it. It is memory of the file if the matrix is one of files: it must not be
// written to, nor used after Close. An i that is not in [0, Rows()) is a panic, as with a slice.
func (m *Matrix) Row(i int) []float32 {
	p := m.parts.Of(i)
	if p.Data.data == nil {
		return m.zeros
	}
	return p.Data.row(i - p.Lo)
}

// Point sets dst to where the rows with the numbers of index begin. A number that is not in [0, Rows()) is a panic.
func (m *Matrix) Point(dst []*float32, index []uint32) {
	dst = dst[:len(index)]
	blocks, shift, size := m.blocks, m.shift&31, uintptr(m.stride)*unsafe.Sizeof(float32(0))
	rest := uint32(1)<<shift - 1
	for i, row := range index {
		if begin := blocks[row>>shift]; begin != nil {
			dst[i] = (*float32)(unsafe.Add(unsafe.Pointer(begin), uintptr(row&rest)*size))
		} else {
			dst[i] = &m.Row(int(row))[0]
		}
	}
}

// Runs gives all rows in their order, each with the zeros behind it, as many at a time as lie one behind the other.
func (m *Matrix) Runs() iter.Seq[[]float32] {
	return func(yield func([]float32) bool) {
		for _, p := range m.parts.All() {
			times, rows := 1, p.Data.data
			if rows == nil {
				times, rows = p.Hi-p.Lo, m.zeros
			}
			for range times {
				if !yield(rows) {
					return
				}
			}
		}
	}
}

// Close lets go of the files.
func (m *Matrix) Close() error { return m.parts.Close() }
