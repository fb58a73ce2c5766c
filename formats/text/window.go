package text

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"unicode/utf8"

	"github.com/shardmill/shardmill/formats"
)

const (
	windowSize = 256 << 10
	checkBlock = 8 << 10
	maxEmpty   = 100 // reads in a row that give nothing, before io.ErrNoProgress
	mark       = "\xef\xbb\xbf"
)

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
	w.read()
	return nil
}

func (w *window) read() {
	for empty := 0; w.end < len(w.buf); {
		n, err := w.src.Read(w.buf[w.end:])
		w.end += n
		switch {
		case errors.Is(err, io.EOF):
			w.eof = true
			return
		case err != nil:
			w.late = err
			return
		case n > 0:
			empty = 0
		default:
			if empty++; empty == maxEmpty {
				w.late = io.ErrNoProgress
				return
			}
		}
	}
}

// bad says what no line may hold.
func bad(text []byte) error {
	switch {
	case bytes.IndexByte(text, 0) >= 0:
		return formats.ErrNUL
	case !isASCII(text) && !utf8.Valid(text):
		return formats.ErrNotUTF8
	}
	return nil
}

// isASCII is faster than utf8.Valid, as it looks at all of the text in any case.
func isASCII(text []byte) bool {
	const chunk, high = 64, 0x8080808080808080
	var all uint64
	for ; len(text) >= chunk; text = text[chunk:] {
		c := (*[chunk]byte)(text)
		all |= load(c[0:]) | load(c[8:]) | load(c[16:]) | load(c[24:]) | load(c[32:]) | load(c[40:]) | load(c[48:]) | load(c[56:])
	}
	for _, c := range text {
		all |= uint64(c)
	}
	return all&high == 0
}

func load(b []byte) uint64 { return binary.LittleEndian.Uint64(b) }
