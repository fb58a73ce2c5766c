// Package lines reads text in physical lines, in pieces of bounded size, so that a
// reader built on it can refuse a long line without ever holding it.
//
// A line ends with "\n" or "\r\n", or at the end of the input, where a final "\r"
// is dropped too. These are the rules of encoding/csv and of bufio.ScanLines. A
// UTF-8 byte order mark at the start is skipped, one of UTF-16 is an error.
package lines

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	"github.com/shardmill/shardmill/formats/internal/input"
)

const bufferSize = 64 << 10

// Reader reads pieces of lines.
type Reader struct {
	r       *bufio.Reader
	started bool
	inside  bool // a piece of a line was returned, its end was not
}

// NewReader returns a Reader on r.
func NewReader(r io.Reader) *Reader {
	return &Reader{r: bufio.NewReaderSize(r, bufferSize)}
}

// Next returns the next piece of the current line, without its line end, valid
// until the next call; end is true for the last piece of a line, which may be
// empty. At the end of the input the error is io.EOF.
func (l *Reader) Next() (piece []byte, end bool, err error) {
	if !l.started {
		if err := l.skipMark(); err != nil {
			return nil, false, err
		}
		l.started = true
	}
	piece, err = l.r.ReadSlice('\n')
	switch {
	case err == nil:
		l.inside = false
		return bytes.TrimSuffix(piece[:len(piece)-1], []byte{'\r'}), true, nil
	case errors.Is(err, bufio.ErrBufferFull):
		l.inside = true
		return l.holdReturn(piece)
	case errors.Is(err, io.EOF) && (len(piece) > 0 || l.inside):
		l.inside = false
		return bytes.TrimSuffix(piece, []byte{'\r'}), true, nil
	default:
		return nil, false, err
	}
}

// holdReturn gives back a final '\r', which may belong to a line end that is not in the buffer yet.
func (l *Reader) holdReturn(piece []byte) ([]byte, bool, error) {
	if piece[len(piece)-1] != '\r' {
		return piece, false, nil
	}
	if err := l.r.UnreadByte(); err != nil {
		return nil, false, err
	}
	return piece[:len(piece)-1], false, nil
}

func (l *Reader) skipMark() error {
	head, err := l.r.Peek(len(input.Mark))
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	n, err := input.MarkLen(head)
	if err != nil {
		return err
	}
	_, err = l.r.Discard(n)
	return err
}
