package mapped

import (
	"bufio"
	"fmt"
	"hash/crc32"
	"io"
)

// writeSize is how much is written at a time, in bytes.
const writeSize = 64 << 10

// Writer writes a file, one section after the other. After an error it is of no more use.
type Writer struct {
	kind    Kind
	b       *bufio.Writer // of sum; its first error stays
	sum     sumWriter
	length  uint64 // of the section
	trailer []byte
}

// sumWriter passes bytes on and takes their checksum.
type sumWriter struct {
	w   io.Writer
	crc uint32
}

func (s *sumWriter) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	s.crc = crc32.Update(s.crc, castagnoli, p[:n])
	return n, err
}

// NewWriter begins a file of kind k. The Writer buffers.
func NewWriter(w io.Writer, k Kind) *Writer {
	s := &Writer{kind: k, sum: sumWriter{w: w}}
	s.b = bufio.NewWriterSize(&s.sum, writeSize)
	_, _ = s.b.Write(k.header()) // an error stays, and is that of the next Write
	_ = s.b.Flush()
	s.sum.crc = 0
	return s
}

// Write adds bytes to the section.
func (w *Writer) Write(p []byte) (int, error) {
	n, err := w.b.Write(p)
	w.length += uint64(n)
	return n, err
}

// Uint64s adds numbers to the section.
func (w *Writer) Uint64s(v ...uint64) error {
	b := w.b.AvailableBuffer()
	for _, v := range v {
		b = le.AppendUint64(b, v)
	}
	_, err := w.Write(b)
	return err
}

// Uint32 adds a number to the section.
func (w *Writer) Uint32(v uint32) error {
	_, err := w.Write(le.AppendUint32(w.b.AvailableBuffer(), v))
	return err
}

// End ends a section; the next one begins.
func (w *Writer) End() error {
	n := w.length
	if _, err := w.Write(make([]byte, padding(n))); err != nil {
		return err
	}
	if err := w.b.Flush(); err != nil {
		return err
	}
	w.trailer = le.AppendUint64(w.trailer, n)
	w.trailer = le.AppendUint32(w.trailer, w.sum.crc)
	w.trailer = le.AppendUint32(w.trailer, 0)
	w.length, w.sum.crc = 0, 0
	return nil
}

// Close ends the file, all sections of which have ended. It does not close what the file is written to.
func (w *Writer) Close() error {
	if w.length > 0 || len(w.trailer) != w.kind.Sections*entrySize {
		return fmt.Errorf("%s file: %d sections have ended, %d are due", w.kind.Name, len(w.trailer)/entrySize, w.kind.Sections)
	}
	sum := crc32.Update(crc32.Checksum(w.kind.header(), castagnoli), castagnoli, w.trailer)
	if _, err := w.b.Write(le.AppendUint32(w.trailer, sum)); err != nil {
		return err
	}
	return w.b.Flush()
}
