package factors

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"math/bits"
	"slices"
	"unsafe"

	"github.com/shardmill/shardmill/jobs/internal/vector"
)

// maxBlocks is the most blocks of rows for which a Matrix notes the part.
const maxBlocks = 4096

// Matrix is rows of k factors, in memory or in files. It can be used by several goroutines.
type Matrix struct {
	rows, k, stride int
	parts           []part     // of all rows, ascending
	first           []uint32   // for each block of 1<<shift rows the part that has its first row
	blocks          []*float32 // where its first row begins; nil of one that is not all in one file
	shift           uint
	zeros           []float32 // a row that is in no file
}

// New makes a matrix of zeros in memory. What Row returns can be written to.
func New(rows, k int) *Matrix {
	m := empty(rows, k)
	m.parts = []part{{hi: rows, k: k, stride: m.stride, data: make([]float32, rows*m.stride)}}
	m.index()
	return m
}

func empty(rows, k int) *Matrix {
	stride := vector.Stride(k)
	return &Matrix{rows: rows, k: k, stride: stride, zeros: make([]float32, stride)}
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

func open(paths []string, rows, k int, trusted bool) (_ *Matrix, err error) {
	if rows < 0 || k < 1 {
		return nil, fmt.Errorf("a matrix of %d rows of %d factors", rows, k)
	}
	m := empty(rows, k)
	defer func() {
		if err != nil {
			err = errors.Join(err, m.Close())
		}
	}()
	for _, path := range paths {
		p, err := openPart(path, trusted)
		if err != nil {
			return nil, err
		}
		m.parts = append(m.parts, p)
		if p.hi > rows {
			return nil, fmt.Errorf("%s: has row %d, of a matrix of %d rows", path, p.hi-1, rows)
		}
		if p.hi > p.lo && p.k != k {
			return nil, fmt.Errorf("%s: has rows of %d factors, of a matrix of %d", path, p.k, k)
		}
	}
	if err := m.line(); err != nil {
		return nil, err
	}
	m.index()
	return m, nil
}

// line puts the parts in order, with parts of no file between them.
func (m *Matrix) line() error {
	slices.SortFunc(m.parts, func(a, b part) int { return cmp.Or(cmp.Compare(a.lo, b.lo), cmp.Compare(a.hi, b.hi)) })
	line := make([]part, 0, 2*len(m.parts)+1)
	next, last := 0, ""
	for _, p := range m.parts {
		if p.lo < next {
			return fmt.Errorf("%s: has row %d, which %s has too", p.file.Path(), p.lo, last)
		}
		if p.lo > next {
			line = append(line, part{lo: next, hi: p.lo})
		}
		line = append(line, p)
		next, last = p.hi, p.file.Path()
	}
	if next < m.rows {
		line = append(line, part{lo: next, hi: m.rows})
	}
	m.parts = line
	return nil
}

// index notes the parts of blocks of rows.
func (m *Matrix) index() {
	m.shift = uint(max(0, bits.Len(uint(m.rows))-bits.Len(uint(maxBlocks-1))))
	k := uint32(0)
	for i := 0; i < m.rows; i += 1 << m.shift {
		for m.parts[k].hi <= i {
			k++
		}
		var begin *float32
		if p := &m.parts[k]; p.data != nil && i+1<<m.shift <= p.hi {
			begin = &p.row(i)[0]
		}
		m.first, m.blocks = append(m.first, k), append(m.blocks, begin)
	}
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
	p := m.part(i)
	if p.data == nil {
		return m.zeros
	}
	return p.row(i)
}

// part returns the part that has row i.
func (m *Matrix) part(i int) *part {
	k := m.first[i>>(m.shift&63)]
	for i >= m.parts[k].hi {
		k++
	}
	return &m.parts[k]
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
		for i := range m.parts {
			p := &m.parts[i]
			times, rows := 1, p.data
			if p.data == nil {
				times, rows = p.hi-p.lo, m.zeros
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
func (m *Matrix) Close() error {
	var errs []error
	for i := range m.parts {
		errs = append(errs, m.parts[i].close())
	}
	return errors.Join(errs...)
}
