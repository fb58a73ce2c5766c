package mapreduce

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"math"
	"os"

	"github.com/zeebo/xxh3"
)

// Open opens an input file for reading. Its SHA-256 is taken on the way and recorded, so
// that a later run can tell whether the file is still the same. Close reads what is left.
func (s *Rows[R]) Open(path string) (io.ReadCloser, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, BadInput(err)
	}
	return &digestReader{f: f, h: sha256.New(), path: path, t: s.t, futile: s.futile, keep: s.keep}, nil
}

type digestReader struct {
	f      *os.File
	h      hash.Hash
	path   string
	t      *taskRun
	futile func() bool
	keep   func(error) error
}

func (d *digestReader) Read(p []byte) (int, error) {
	n, err := d.f.Read(p)
	d.h.Write(p[:n])
	d.t.cell.Beat()
	return n, err
}

func (d *digestReader) Close() error {
	if d.futile() {
		return d.f.Close()
	}
	_, err := io.Copy(io.Discard, d)
	err = errors.Join(err, d.f.Close())
	if err != nil {
		return d.keep(fmt.Errorf("reading to the end: %w", err))
	}
	d.t.digest(d.path, hex.EncodeToString(d.h.Sum(nil)))
	return nil
}

// OpenRange opens the file of a range at rg.Offset. It can be read on beyond rg.Hi, to the end of the last record
// that begins before it. On the way a digest is taken of the bytes [rg.Lo, rg.Hi), or of the whole file where
// rg.Hi is 0; Close reads what of them is left. If rg.Sum is not that digest, Close fails with an error of class
// Input, since the file is not what it was when rg.Sum was taken; without a rg.Sum the digest is recorded.
func (s *Rows[R]) OpenRange(rg Range) (io.ReadCloser, error) {
	f, err := os.Open(rg.Path)
	if err != nil {
		return nil, BadInput(err)
	}
	if s.buf == nil {
		s.buf = make([]byte, openBuffer)
	}
	r := &rangeReader{
		rg: rg, f: f, h: xxh3.New(), at: min(rg.Lo, rg.Offset), t: s.t, futile: s.futile, buf: s.buf,
		keep: func(buf []byte, err error) error {
			s.buf = buf
			return s.keep(err)
		},
	}
	s.buf = nil
	if r.hi = rg.Hi; r.hi == 0 {
		r.hi = math.MaxInt64
	}
	if err := r.start(); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", rg.Name, err), f.Close())
	}
	return r, nil
}

const (
	// openBuffer is how much of a file is read at once, in bytes.
	openBuffer = rangeBuffer
	// directRead is the size of a read that goes into the caller's memory at once.
	directRead = 64 << 10
)

// rangeReader reads a range and takes the digest of its bytes.
type rangeReader struct {
	rg     Range
	hi     int64 // where the digest ends
	f      *os.File
	h      *xxh3.Hasher
	at     int64 // offset in the file of what is read next
	buf    []byte
	ahead  []byte // of buf: read, and not yet given
	t      *taskRun
	futile func() bool
	keep   func(buf []byte, err error) error
}

// start moves to the first record.
func (r *rangeReader) start() error {
	if _, err := r.f.Seek(r.at, io.SeekStart); err != nil {
		return err
	}
	if err := r.skip(min(r.rg.Offset, r.hi)); err != nil || r.at >= r.rg.Offset {
		return err
	}
	r.at = r.rg.Offset
	_, err := r.f.Seek(r.at, io.SeekStart)
	return err
}

// skip reads up to an offset, or to the end of the file.
func (r *rangeReader) skip(offset int64) error {
	for r.at < offset {
		_, err := r.fill(r.buf[:min(int64(len(r.buf)), offset-r.at)])
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// fill reads from the file.
func (r *rangeReader) fill(p []byte) (int, error) {
	n, err := r.f.Read(p)
	lo, hi := max(r.rg.Lo-r.at, 0), min(r.hi-r.at, int64(n))
	if lo < hi {
		_, _ = r.h.Write(p[lo:hi]) // never fails
	}
	r.at += int64(n)
	r.t.cell.Beat()
	return n, err
}

// Read implements io.Reader.
func (r *rangeReader) Read(p []byte) (int, error) {
	if len(r.ahead) == 0 {
		if len(p) >= directRead {
			return r.fill(p)
		}
		n, err := r.fill(r.buf)
		if n == 0 {
			return 0, err
		}
		r.ahead = r.buf[:n]
	}
	n := copy(p, r.ahead)
	r.ahead = r.ahead[n:]
	return n, nil
}

// Close implements io.Closer.
func (r *rangeReader) Close() error {
	if r.futile() {
		return r.keep(r.buf, r.f.Close())
	}
	err := errors.Join(r.skip(r.hi), r.f.Close())
	if err != nil {
		return r.keep(r.buf, fmt.Errorf("%s: reading to the end of the range: %w", r.rg.Name, err))
	}
	sum := r.h.Sum128().Bytes()
	digest := rangeSum + hex.EncodeToString(sum[:])
	if r.rg.Sum == "" {
		name := r.rg.Path
		if r.rg.Hi > 0 {
			name = fmt.Sprintf("%s [%d,%d)", name, r.rg.Lo, r.rg.Hi)
		}
		r.t.digest(name, digest)
		return r.keep(r.buf, nil)
	}
	if digest != r.rg.Sum {
		err = changedInput(r.rg.Name)
	}
	return r.keep(r.buf, err)
}
