package text

import (
	"errors"
	"io"

	"github.com/shardmill/shardmill/formats/internal/input"
)

const (
	windowSize  = 256 << 10
	windowFirst = 16 << 10 // where a window begins: there may be 100,000 small files
)

// window is the part of the input that is in memory: buf[pos:end] is still to be read.
type window struct {
	src      io.Reader
	buf      []byte
	pos, end int
	offset   int64 // of buf[0] in the input
	eof      bool  // nothing follows buf[end]
	late     error // of src, other than io.EOF; reported when all before it is read
	size     int   // to which it grows whenever it was full
}

// newWindow returns a window that grows to room bytes if the input is that long.
func newWindow(src io.Reader, offset int64, room int) window {
	return window{src: src, offset: offset, buf: make([]byte, min(room, windowFirst)), size: room}
}

// fill drops what was read, and reads until the window is full or src ends. A window that is full is made larger.
func (w *window) fill() error {
	if w.late != nil {
		return w.late
	}
	buf := w.buf
	if room := len(w.buf); w.end == room && room < w.size {
		buf = make([]byte, min(4*room, w.size))
	} else if w.end == room && w.pos == 0 {
		buf = make([]byte, 2*room)
	}
	w.end = copy(buf, w.buf[w.pos:w.end])
	w.buf, w.offset, w.pos = buf, w.offset+int64(w.pos), 0
	n, err := input.Fill(w.src, w.buf[w.end:])
	w.end += n
	if w.eof = errors.Is(err, io.EOF); !w.eof {
		w.late = err
	}
	return nil
}
