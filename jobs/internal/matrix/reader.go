package matrix

import (
	"io"

	"github.com/shardmill/shardmill/jobs/internal/mapped"
)

// Reader reads the rows of a file in order. It is a mapreduce.Reader[Row].
type Reader struct {
	part mapped.Part[part]
	next int // row
}

// OpenReader opens a file and checks it. A file that is not one of a Writer is formats.ErrForeign or a
// formats.VersionError, one whose bytes are not what was written is formats.ErrDamaged.
func OpenReader(path string) (*Reader, error) { return openReader(path, false) }

// ReopenReader is OpenReader for a file whose bytes this process has compared with a checksum before: it trusts them.
func ReopenReader(path string) (*Reader, error) { return openReader(path, true) }

func openReader(path string, trusted bool) (*Reader, error) {
	p, err := opener(trusted)(path)
	if err != nil {
		return nil, err
	}
	return &Reader{part: p, next: p.Lo}, nil
}

// Read sets r to the next row that was written: gaps are passed over. Its columns and values are memory of the file: they must not be written
// to, nor used after Close. At the end Read returns io.EOF.
func (r *Reader) Read(row *Row) error {
	p := &r.part
	for r.next < p.Hi && !p.Data.written(r.next-p.Lo) {
		r.next++
	}
	if r.next >= p.Hi {
		return io.EOF
	}
	columns, values := p.Data.row(r.next - p.Lo)
	*row = Row{Index: uint32(r.next), Columns: columns, Values: values, lent: true}
	r.next++
	return nil
}

// Close lets go of the file.
func (r *Reader) Close() error {
	r.next = r.part.Hi
	return r.part.Close()
}
