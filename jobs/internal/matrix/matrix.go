package matrix

import (
	"cmp"
	"errors"
	"fmt"
	"math/bits"
	"slices"
)

// maxBlocks is the most blocks of rows for which a Matrix notes the part.
const maxBlocks = 4096

// Matrix is a matrix in files. It can be used by several goroutines.
type Matrix struct {
	rows, columns int
	parts         []part   // of all rows, ascending
	first         []uint32 // for each block of 1<<shift rows the part that has its first row
	shift         uint
	entries       int64
	valued        int64 // rows with values
}

// Open opens a matrix of that many rows and columns. Each file holds rows of a range, and the ranges do not overlap; rows in
// no file are empty. All files are checked: one that is not of a Writer is formats.ErrForeign or a formats.VersionError, and
// one whose bytes are not what was written is formats.ErrDamaged. No column that Row returns is too large.
func Open(paths []string, rows, columns int) (*Matrix, error) {
	return open(paths, rows, columns, false)
}

// Reopen is Open for files whose bytes this process has compared with a checksum before: it reads neither rows nor pointers, and trusts them.
func Reopen(paths []string, rows, columns int) (*Matrix, error) {
	return open(paths, rows, columns, true)
}

func open(paths []string, rows, columns int, trusted bool) (_ *Matrix, err error) {
	if rows < 0 || columns < 0 {
		return nil, fmt.Errorf("a matrix of %d rows and %d columns", rows, columns)
	}
	m := &Matrix{rows: rows, columns: columns}
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
		if p.columns > uint64(columns) {
			return nil, fmt.Errorf("%s: has column %d, of a matrix of %d columns", path, p.columns-1, columns)
		}
		m.entries += p.entries
		m.valued += p.valued
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
		m.first = append(m.first, k)
	}
}

// Rows is the number of rows.
func (m *Matrix) Rows() int { return m.rows }

// Columns is the number of columns.
func (m *Matrix) Columns() int { return m.columns }

// Entries is the number of entries of all rows.
func (m *Matrix) Entries() int64 { return m.entries }

// Binary tells whether no row has values: all entries are 1.
func (m *Matrix) Binary() bool { return m.valued == 0 }

// Row returns row i: its columns, ascending, and their values, nil if all are 1. They are memory of the file: they must not be
// written to, nor used after Close. An i that is not in [0, Rows()) is a panic, as with a slice.
func (m *Matrix) Row(i int) (columns []uint32, values []float32) { return m.part(i).row(i) }

// Count is the number of entries of row i.
func (m *Matrix) Count(i int) int {
	columns, _ := m.part(i).row(i)
	return len(columns)
}

// Written tells whether row i was written, with entries or without, and not left out.
func (m *Matrix) Written(i int) bool { return m.part(i).written(i) }

// part returns the part that has row i.
func (m *Matrix) part(i int) *part {
	k := m.first[i>>(m.shift&63)]
	for i >= m.parts[k].hi {
		k++
	}
	return &m.parts[k]
}

// Close lets go of the files.
func (m *Matrix) Close() error {
	var errs []error
	for i := range m.parts {
		errs = append(errs, m.parts[i].close())
	}
	return errors.Join(errs...)
}
