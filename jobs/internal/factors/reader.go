package factors

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
func OpenReader(path string) (*Reader, error) {
	p, err := opener(false)(path)
	if err != nil {
		return nil, err
	}
	return &Reader{part: p, next: p.Lo}, nil
}

// Read sets r to the next row. Its values are memory of the file: they must not be written to, nor used after Close. At the
// end Read returns io.EOF.
func (r *Reader) Read(row *Row) error {
	p := &r.part
	if r.next >= p.Hi {
		return io.EOF
	}
	*row = Row{Index: uint32(r.next), Values: p.Data.row(r.next - p.Lo)[:p.Data.k:p.Data.k], lent: true}
	r.next++
	return nil
}

// Close lets go of the file.
func (r *Reader) Close() error {
	r.next = r.part.Hi
	return r.part.Close()
}

// About is what there is to tell of a file.
type About struct {
	Version int
	Lo, Hi  int // rows [Lo, Hi); 0 and 0 without any
	Factors int // of a row, 0 without any
}

// About looks at no row.
func (r *Reader) About() About {
	return About{Version: int(kind().Version), Lo: r.part.Lo, Hi: r.part.Hi, Factors: r.part.Data.k}
}
