package text

import (
	"errors"
	"io"

	"github.com/shardmill/shardmill/formats/internal/input"
)

const windowSize = 256 << 10

// window is the part of the input that is in memory: buf[pos:end] is still to be read.
type window struct {
	src      io.Reader
	buf      []byte
	pos, end int
	offset   int64 // of buf[0] in the input
	eof      bool  // nothing follows buf[end]
	late     error // of src, other than io.EOF; reported when all before it is read
}

// newWindow returns a window that begins with room for so many bytes.
func newWindow(src io.Reader, offset int64, room int) window {
	return window{src: src, offset: offset, buf: make([]byte, room)}
}

// fill drops what was read, and reads until the window is full or src ends. A window that is full is made larger.
func (w *window) fill() error {
	if w.late != nil {
		return w.late
	}
	if w.pos > 0 {
		w.end = copy(w.buf, w.buf[w.pos:w.end])
		w.offset += int64(w.pos)
		w.pos = 0
	}
	if w.end == len(w.buf) {
		buf := make([]byte, 2*len(w.buf))
		copy(buf, w.buf)
		w.buf = buf
	}
	n, err := input.Fill(w.src, w.buf[w.end:])
	w.end += n
	if w.eof = errors.Is(err, io.EOF); !w.eof {
		w.late = err
	}
	return nil
}
