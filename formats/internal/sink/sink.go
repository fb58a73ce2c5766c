// Package sink stands between the Arrow library and an io.Writer.
//
// The library writes in small pieces, asks for the position in what need not be
// a file, drops some write errors (closing a Parquet row group), and panics on
// others (the first four bytes of a Parquet file). A Sink buffers, counts, and
// keeps the first error to itself: the library sees success, and the caller asks
// for Err after each call of the library.
package sink

import (
	"bufio"
	"errors"
	"io"
)

// buffer is the size in bytes from which a write is large: it goes straight to the underlying writer.
const buffer = 16 << 10

// Sink is a buffered writer that keeps its first error for Err.
type Sink struct {
	w   *bufio.Writer
	pos int64
	err error
}

// New returns a Sink on w.
func New(w io.Writer) *Sink {
	return &Sink{w: bufio.NewWriterSize(w, buffer)}
}

// Write always accepts all of p.
func (s *Sink) Write(p []byte) (int, error) {
	s.pos += int64(len(p))
	if len(p) >= buffer {
		_ = s.Flush() // the buffer is empty, so that p passes it by; an error stays for Err
	}
	if s.err == nil {
		_, s.err = s.w.Write(p)
	}
	return len(p), nil
}

// Seek returns the number of bytes written so far, which is all that it can do.
func (s *Sink) Seek(offset int64, whence int) (int64, error) {
	if offset != 0 || whence != io.SeekCurrent {
		return 0, errors.New("sink: cannot seek")
	}
	return s.pos, nil
}

// Flush hands all buffered bytes to the underlying writer and returns the first error so far.
func (s *Sink) Flush() error {
	if s.err == nil {
		s.err = s.w.Flush()
	}
	return s.err
}

// Err returns the first error so far.
func (s *Sink) Err() error { return s.err }

// Pos returns the number of bytes written so far.
func (s *Sink) Pos() int64 { return s.pos }
