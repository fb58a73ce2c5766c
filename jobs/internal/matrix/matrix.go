package matrix

import (
	"fmt"

	"github.com/shardmill/shardmill/jobs/internal/mapped"
)

// Matrix is a matrix in files. It can be used by several goroutines.
type Matrix struct {
	rows, columns int
	parts         mapped.Parts[part]
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

func open(paths []string, rows, columns int, trusted bool) (*Matrix, error) {
	if rows < 0 || columns < 0 {
		return nil, fmt.Errorf("a matrix of %d rows and %d columns", rows, columns)
	}
	m := &Matrix{rows: rows, columns: columns}
	parts, err := mapped.OpenParts(paths, rows, opener(trusted), func(p *mapped.Part[part]) error {
		if p.Data.columns > uint64(columns) {
			return fmt.Errorf("has column %d, of a matrix of %d columns", p.Data.columns-1, columns)
		}
		m.entries += p.Data.entries
		m.valued += p.Data.valued
		return nil
	})
	if err != nil {
		return nil, err
	}
	m.parts = *parts
	return m, nil
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
func (m *Matrix) Row(i int) (columns []uint32, values []float32) {
	p := m.parts.Of(i)
	return p.Data.row(i - p.Lo)
}

// Count is the number of entries of row i.
func (m *Matrix) Count(i int) int {
	columns, _ := m.Row(i)
	return len(columns)
}

// Written tells whether row i was written, with entries or without, and not left out.
func (m *Matrix) Written(i int) bool {
	p := m.parts.Of(i)
	return p.Data.written(i - p.Lo)
}

// Close lets go of the files.
func (m *Matrix) Close() error { return m.parts.Close() }
