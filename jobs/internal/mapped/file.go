package mapped

import (
	"fmt"
	"math"
	"os"
)

// File is a file in memory. It can be used by several goroutines.
type File struct {
	path   string
	data   []byte
	mapped bool // data is a mapping
}

// Open maps a file, read-only. Where the system cannot map it, it is read.
func Open(path string) (*File, error) { return open(path, os.O_RDONLY) }

// OpenScratch maps a file whose Bytes can be written to, by one process; whether the file has what is written is not certain. All of it must have
// been written before: where the disk is full, a hole kills the process (SIGBUS).
func OpenScratch(path string) (*File, error) { return open(path, os.O_RDWR) }

func open(path string, flag int) (*File, error) {
	f, err := os.OpenFile(path, flag, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // the mapping stays
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	size := info.Size()
	switch {
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s: not a regular file", path)
	case size > math.MaxInt:
		return nil, fmt.Errorf("%s: %d bytes are more than a process can map", path, size)
	case size == 0: // which no system maps
		return &File{path: path}, nil
	}
	data, mapped, err := load(f, int(size), flag == os.O_RDWR)
	if err != nil {
		return nil, fmt.Errorf("%s: map into memory: %w", path, err)
	}
	return &File{path: path, data: data, mapped: mapped}, nil
}

// Path is the path that was given to Open.
func (f *File) Path() string { return f.path }

// Bytes are the bytes of the file, which begin at a multiple of 8. They must not be written to but for OpenScratch, nor used after Close.
func (f *File) Bytes() []byte { return f.data }

// Close gives the memory back. A second Close does nothing.
func (f *File) Close() error {
	data := f.data
	f.data = nil
	if !f.mapped || data == nil {
		return nil
	}
	if err := unload(data); err != nil {
		return fmt.Errorf("%s: unmap: %w", f.path, err)
	}
	return nil
}
