package mapreduce

import (
	"context"
	"encoding/hex"
	"errors"
	"io"
	"os"

	"github.com/zeebo/xxh3"

	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

// rangeSum begins the digests of ranges: XXH3-128. Others, of whole files, are SHA-256.
const rangeSum = "xxh3:"

// rangeBuffer is how much of a file is read at a time where nobody else says.
const rangeBuffer = 1 << 20

// rangeFile reads bytes [lo, hi) of a file in order and takes their digest.
type rangeFile struct {
	f      *os.File
	info   os.FileInfo // when it was opened
	at, hi int64
	sum    *xxh3.Hasher
	beat   func()
	// stopped tells whether the reading has been canceled.
	stopped func() error
}

// openRangeFile opens the bytes of a range, which were planned when the file had the size that the range says.
func openRangeFile(ctx context.Context, rg Range, beat func()) (*rangeFile, error) {
	f, err := os.Open(rg.Path)
	if err != nil {
		return nil, BadInput(err)
	}
	r := &rangeFile{f: f, at: rg.Lo, hi: rg.Hi, sum: xxh3.New(), beat: beat, stopped: ctx.Err}
	if r.info, err = f.Stat(); err == nil && r.info.Size() != rg.Size {
		err = changedInput(rg.Name)
	}
	if rg.Hi == 0 {
		r.hi = rg.Size
	}
	if err == nil {
		_, err = f.Seek(rg.Lo, io.SeekStart)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return r, nil
}

func (r *rangeFile) Read(p []byte) (int, error) {
	if r.at >= r.hi {
		return 0, io.EOF
	}
	if err := r.stopped(); err != nil {
		return 0, task.New(task.Canceled, err)
	}
	n, err := r.f.Read(p[:min(int64(len(p)), r.hi-r.at)])
	r.at += int64(n)
	_, _ = r.sum.Write(p[:n]) // never fails
	r.beat()
	return n, err
}

// digest reads what is left and is the digest of all bytes of the range.
func (r *rangeFile) digest() (string, error) {
	if r.at < r.hi {
		if _, err := io.CopyBuffer(io.Discard, struct{ io.Reader }{r}, make([]byte, min(r.hi-r.at, rangeBuffer))); err != nil {
			return "", err
		}
	}
	if r.at < r.hi {
		return "", io.ErrUnexpectedEOF
	}
	sum := r.sum.Sum128().Bytes()
	return rangeSum + hex.EncodeToString(sum[:]), nil
}

// still tells whether the file has the size and time that it had when it was opened.
func (r *rangeFile) still() bool {
	info, err := r.f.Stat()
	return err == nil && info.Size() == r.info.Size() && info.ModTime().Equal(r.info.ModTime())
}

func (r *rangeFile) close() error { return r.f.Close() }

// readRanges lets read read ranges, and compares their files before and after with what was scanned of them, as far
// as the digests of the ranges do not tell.
func (t *taskRun) readRanges(ctx context.Context, ranges []Range, read func() error) error {
	if err := t.unchanged(ctx, ranges); err != nil {
		return err
	}
	if err := read(); err != nil && !errors.Is(err, ErrLimit) {
		return err
	}
	return t.unchanged(ctx, ranges)
}

// unchanged compares files with what was scanned: their size, since whoever reads the last range reads to the end of the file,
// and, where a range has no digest, their time or else their digest.
func (t *taskRun) unchanged(ctx context.Context, ranges []Range) error {
	for _, rg := range ranges {
		if !rg.Scanned() {
			continue
		}
		info, err := os.Stat(rg.Path)
		switch {
		case err != nil:
			return BadInput(err)
		case info.Size() != rg.Size:
			return changedInput(rg.Name)
		case rg.Sum != "" || info.ModTime().UnixNano() == rg.ModTime:
			continue
		}
		sum, err := t.touched.digest(ctx, rg, info, t.cell.Beat)
		if err != nil {
			return err
		}
		if sum != rg.Whole {
			return changedInput(rg.Name)
		}
	}
	return nil
}

// touched are the digests of files that have another time than when they were scanned. A process takes them once.
type touched map[fileState]string

// fileState tells a file from what it is after a change.
type fileState struct {
	path          string
	size, modTime int64
}

// digest is that of the whole file of a range, of which info has just been asked for.
func (d touched) digest(ctx context.Context, rg Range, info os.FileInfo, beat func()) (string, error) {
	at := fileState{rg.Path, info.Size(), info.ModTime().UnixNano()}
	if sum, ok := d[at]; ok {
		return sum, nil
	}
	sum, err := rangeDigest(ctx, Range{Name: rg.Name, Path: rg.Path, Size: rg.Size}, beat)
	if err != nil {
		return "", err
	}
	now, err := os.Stat(rg.Path)
	if err != nil {
		return "", BadInput(err)
	}
	if now.Size() == info.Size() && now.ModTime().Equal(info.ModTime()) { // else nobody knows of what it is
		d[at] = sum
	}
	return sum, nil
}

// rangeDigest is the digest of a range as it is now.
func rangeDigest(ctx context.Context, rg Range, beat func()) (string, error) {
	r, err := openRangeFile(ctx, rg, beat)
	if err != nil {
		return "", err
	}
	sum, err := r.digest()
	return sum, errors.Join(err, r.close())
}
