package delimited

import (
	"errors"
	"io"

	"github.com/shardmill/shardmill/formats/internal/input"
)

const (
	windowSize = 256 << 10
	slack      = 1 + chunkSize // after the input: a '\n' as a sentinel, and room to look at a whole chunk
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
}

func newWindow(src io.Reader, offset int64, room int) window {
	return window{src: src, offset: offset, buf: make([]byte, room+slack)}
}

// fill drops what is parsed and reads until the window is full or src ends: a long record is not parsed once a read. A
// window that holds nothing else than one record is made larger, up to limit bytes.
func (w *window) fill(limit int) error {
	if w.err != nil {
		return w.err
	}
	if w.pos > 0 {
		copy(w.buf, w.buf[w.pos:w.end])
		w.offset += int64(w.pos)
		w.end -= w.pos
		w.pos = 0
	} else if room := len(w.buf) - slack; w.end == room {
		buf := make([]byte, min(2*room, max(limit, room))+slack)
		copy(buf, w.buf[:w.end])
		w.buf = buf
	}
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
