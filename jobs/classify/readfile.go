package classify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"syscall"
	"time"

	"github.com/shardmill/shardmill/mapreduce"
)

// readTries is how often a file is read when the storage fails in a way that may pass.
const readTries = 3

// maxFile is the largest file that is read as an image, in bytes: far above what the pixel cap lets through.
const maxFile = 1 << 30

// read reads an image from where it is, into buf where it is large enough. The bytes are the caller's, to read into again.
func (im *image) read(ctx context.Context, buf []byte) ([]byte, error) {
	switch {
	case im.file == "":
		data := im.inline
		im.inline = nil
		return data, nil
	case im.offset > 0:
		return again(ctx, func() ([]byte, error) { return im.readMember(buf) })
	}
	return readFile(ctx, im.file, buf)
}

// readFile reads an image, into buf where it is large enough. Its errors are reasons for a reject, so they
// say nothing that differs between runs. What a failing disk or network mount may recover from is
// tried again, and is a reject after that.
func readFile(ctx context.Context, path string, buf []byte) ([]byte, error) {
	return again(ctx, func() ([]byte, error) { return readOnce(path, buf) })
}

// again reads, and some times more where that may help.
func again(ctx context.Context, read func() ([]byte, error)) ([]byte, error) {
	for try := 1; ; try++ {
		data, err := read()
		var pathErr *fs.PathError
		if errors.As(err, &pathErr) {
			err = pathErr.Err
		}
		passing := errors.Is(err, syscall.EIO) || errors.Is(err, syscall.ESTALE)
		if !passing || try == readTries {
			return data, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(time.Duration(try) * 200 * time.Millisecond):
		}
	}
}

// readOnce reads a regular file. A pipe or device that a manifest names must neither block nor fill the memory.
func readOnce(path string, buf []byte) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errors.New("not a regular file")
	case info.Size() > maxFile:
		return nil, fmt.Errorf("a file of %d bytes, more than %d", info.Size(), maxFile)
	}
	buf = slices.Grow(buf[:0], int(info.Size()))[:info.Size()]
	n, err := io.ReadFull(f, buf)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) { // it shrank meanwhile: the decoder will say so
		err = nil
	}
	return buf[:n], err
}

// readMember reads an image out of an archive, which must be the one that the split saw: in another one there may be another image.
func (im *image) readMember(buf []byte) ([]byte, error) {
	if im.bytes > maxFile {
		return nil, fmt.Errorf("an image of %d bytes, more than %d", im.bytes, maxFile)
	}
	f, err := os.Open(im.file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !im.sameArchive(info) {
		return nil, mapreduce.BadInput(fmt.Errorf("%s changed since this job read it: put the old file back, or give another --out", im.input))
	}
	buf = slices.Grow(buf[:0], int(im.bytes))[:im.bytes]
	_, err = f.ReadAt(buf, im.offset)
	return buf, err
}

// sameArchive compares an archive with the one that the split saw.
func (im *image) sameArchive(info os.FileInfo) bool {
	return info.Size() == im.archive && info.ModTime().UnixNano() == im.mtime
}
