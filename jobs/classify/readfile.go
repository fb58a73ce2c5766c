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
)

// readTries is how often a file is read when the storage fails in a way that may pass.
const readTries = 3

// maxFile is the largest file that is read as an image, in bytes: far above what the pixel cap lets through.
const maxFile = 1 << 30

// readFile reads an image, into buf where it is large enough. Its errors are reasons for a reject, so they
// say nothing that differs between runs. What a failing disk or network mount may recover from is
// tried again, and is a reject after that.
func readFile(ctx context.Context, path string, buf []byte) ([]byte, error) {
	for try := 1; ; try++ {
		data, err := readOnce(path, buf)
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
