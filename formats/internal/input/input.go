// Package input has what the readers of text files share: how input begins, and how a buffer is filled from it.
package input

import (
	"bytes"
	"errors"
	"io"

	"github.com/shardmill/shardmill/formats"
)

// Mark is the byte order mark of UTF-8.
const Mark = "\xef\xbb\xbf"

// MarkLen returns the length of the byte order mark that input begins with, 0 without one. head is the first bytes of
// the input, len(Mark) of them if it has as many. The error is formats.ErrUTF16.
func MarkLen(head []byte) (int, error) {
	switch {
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}), bytes.HasPrefix(head, []byte{0xfe, 0xff}):
		return 0, formats.ErrUTF16
	case bytes.HasPrefix(head, []byte(Mark)):
		return len(Mark), nil
	default:
		return 0, nil
	}
}

// maxEmpty is how many reads in a row may give nothing.
const maxEmpty = 100

// Fill reads until b is full. With an error, n bytes came before it: io.EOF is the end of r, however many they are, and a
// reader that keeps giving nothing is io.ErrNoProgress.
func Fill(r io.Reader, b []byte) (n int, err error) {
	for empty := 0; n < len(b); {
		m, err := r.Read(b[n:])
		n += m
		switch {
		case errors.Is(err, io.EOF):
			return n, io.EOF
		case err != nil:
			return n, err
		case m > 0:
			empty = 0
		default:
			if empty++; empty == maxEmpty {
				return n, io.ErrNoProgress
			}
		}
	}
	return n, nil
}
