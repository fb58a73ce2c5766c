package delimited

import (
	"errors"
	"io"

	"github.com/shardmill/shardmill/formats/internal/input"
)

const (
	windowSize  = 256 << 10
	windowFirst = 16 << 10      // where a window begins: there may be 100,000 small files
	slack       = 1 + chunkSize // after the input: a '\n' as a sentinel, and room to look at a whole chunk
)

// window is the part of the input that is in memory: buf[pos:end] is still to be parsed,
// buf[end] is '\n', so that no search for a line end needs to look at end.
type window struct {
	src      io.Reader
	buf      []byte
	pos, end int
	offset   int64 // of buf[0] in the input
	eof      bool  // nothing follows buf[end]
	err      error // of src, other than io.EOF; reported when all before it is parsed
	size     int   // to which it grows whenever it was full
}

// newWindow returns a window that grows to room bytes if the input is that long.
func newWindow(src io.Reader, offset int64, room int) window {
	return window{src: src, offset: offset, buf: make([]byte, min(room, windowFirst)+slack), size: room}
}

// fill drops what is parsed and reads until the window is full or src ends: a long record is not parsed once a read. A
// window that holds nothing else than one record is made larger, up to limit bytes.
func (w *window) fill(limit int) error {
	if w.err != nil {
		return w.err
	}
	buf := w.buf
	if room := len(w.buf) - slack; w.end == room && room < w.size {
		buf = make([]byte, min(4*room, w.size)+slack)
	} else if w.end == room && w.pos == 0 {
		buf = make([]byte, min(2*room, max(limit, room))+slack)
	}
	copy(buf, w.buf[w.pos:w.end])
	w.buf, w.offset = buf, w.offset+int64(w.pos)
	w.pos, w.end = 0, w.end-w.pos
	n, err := input.Fill(w.src, w.buf[w.end:len(w.buf)-slack])
	w.end += n
	if w.eof = errors.Is(err, io.EOF); !w.eof {
		w.err = err
	}
	w.buf[w.end] = '\n'
	return nil
}

// skipMark skips a byte order mark at the start of the input.
func (w *window) skipMark() (err error) {
	w.pos, err = input.MarkLen(w.buf[:w.end])
	return err
}
