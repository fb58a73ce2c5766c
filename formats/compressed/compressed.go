// Package compressed opens files that may be compressed.
//
// # Format
//
// What a file is, its first bytes say, whatever its name is:
//
//	1f 8b                    gzip (RFC 1952), any number of members
//	28 b5 2f fd              zstd (RFC 8878), any number of frames
//	50..5f 2a 4d 18          a skippable frame, with which a zstd file may begin
//	anything else, nothing   plain
//
// Members and frames follow each other without anything between or behind them; zeros behind the last
// member of a gzip file are damage too. Only a name that ends with .gz, .zst or .zstd is looked
// at in one case: a file shorter than the bytes above is then one that was cut short, not a plain one.
//
// # Memory
//
// Files are decompressed in the goroutine that reads. gzip needs less than 1 MiB. zstd needs about its window,
// which a file chooses: up to 8 MiB at levels up to 19 of the zstd tool, up to 128 MiB
// above and with --long. A window of more than 64 MiB is refused.
package compressed

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

const (
	maxWindow  = 64 << 20
	bufferSize = 64 << 10
	magicSize  = 4
)

// Kind says how a file is compressed.
type Kind uint8

// The kinds of files.
const (
	Plain Kind = iota
	Gzip
	Zstd
)

// String returns "plain", "gzip" or "zstd".
func (k Kind) String() string {
	switch k {
	case Gzip:
		return "gzip"
	case Zstd:
		return "zstd"
	default:
		return "plain"
	}
}

// DataError reports compressed data that cannot be decompressed: damaged, cut short, or with a
// window above the limit. To read it again does not help.
type DataError struct {
	File string // path, or name given to NewReader
	Kind Kind
	Err  error // io.ErrUnexpectedEOF for data cut short, or an error of the decompressor
}

// Error names the file, the kind and the cause.
func (e *DataError) Error() string { return fmt.Sprintf("%s: %v data: %v", e.File, e.Kind, e.Err) }

// Unwrap returns the cause.
func (e *DataError) Unwrap() error { return e.Err }

// Open opens the file at path and returns its decompressed bytes. Errors of the reader are those
// of the file, which name it, and *DataError; both stay. To close the reader closes the file.
func Open(path string) (io.ReadCloser, Kind, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, Plain, err
	}
	r, kind, err := NewReader(f, path)
	if err != nil {
		_ = f.Close() // the first error is the one to report
		return nil, kind, err
	}
	return r, kind, nil
}

// NewReader is Open for a file that is already open, at its start. name stands in a *DataError; its extension is that of the
// file. To close the reader closes f; without a reader, f stays open.
func NewReader(f io.ReadCloser, name string) (io.ReadCloser, Kind, error) {
	head := make([]byte, magicSize)
	n, err := io.ReadFull(f, head)
	head = head[:n]
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, Plain, err
	}
	r := &reader{file: name, kind: detect(head), free: func() {}}
	if named := kindOf(name); r.kind == Plain && n < magicSize && named != Plain {
		return nil, named, &DataError{File: name, Kind: named, Err: io.ErrUnexpectedEOF}
	}
	r.src = &source{r: io.MultiReader(bytes.NewReader(head), f), Closer: f}
	if err := r.decompress(); err != nil {
		return nil, r.kind, r.wrap(err)
	}
	return r, r.kind, nil
}

// reader decompresses a file.
type reader struct {
	file string
	kind Kind
	src  *source
	data io.Reader
	free func() // of the decompressor
	err  error  // sticky
}

// decompress sets data and free.
func (r *reader) decompress() error {
	switch r.kind {
	case Gzip:
		z, err := gzip.NewReader(bufio.NewReaderSize(r.src, bufferSize))
		r.data = z
		return noEOF(err)
	case Zstd:
		z, err := zstd.NewReader(r.src, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return err
		}
		r.data, r.free = z, z.Close
	default:
		r.data = r.src
	}
	return nil
}

// detect returns the kind of a file that begins with head.
func detect(head []byte) Kind {
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		return Gzip
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		return Zstd
	case len(head) == magicSize && head[0]>>4 == 5 && bytes.Equal(head[1:], []byte{0x2a, 0x4d, 0x18}):
		return Zstd
	default:
		return Plain
	}
}

// kindOf returns the kind that a name promises.
func kindOf(path string) Kind {
	switch filepath.Ext(path) {
	case ".gz":
		return Gzip
	case ".zst", ".zstd":
		return Zstd
	default:
		return Plain
	}
}

// Read reads decompressed bytes.
func (r *reader) Read(p []byte) (int, error) {
	if r.err != nil {
		return 0, r.err
	}
	n, err := r.data.Read(p)
	if err != nil {
		r.err = r.wrap(err)
	}
	return n, r.err
}

// wrap tells errors of the data from those of the file.
func (r *reader) wrap(err error) error {
	switch {
	case errors.Is(err, io.EOF):
		return io.EOF
	case r.src.err != nil:
		return r.src.err
	default:
		return &DataError{File: r.file, Kind: r.kind, Err: err}
	}
}

// Close closes the file.
func (r *reader) Close() error {
	r.free()
	if r.err == nil {
		r.err = os.ErrClosed
	}
	return r.src.Close()
}

// source is a file that remembers its error, which a decompressor may replace by one of its own.
type source struct {
	r io.Reader
	io.Closer
	err error // other than io.EOF
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}

// noEOF is for data that ends inside its header.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
