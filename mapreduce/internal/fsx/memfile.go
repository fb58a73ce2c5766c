package fsx

import (
	"bytes"
	"io/fs"
	"syscall"
	"time"
)

type memFile struct {
	mem    *Mem
	node   *node
	name   string
	off    int64
	writes bool
}

func (f *memFile) Read(b []byte) (int, error) {
	n, err := f.ReadAt(b, f.off)
	f.off += int64(n)
	if n > 0 {
		err = nil
	}
	return n, err
}

func (f *memFile) ReadAt(b []byte, off int64) (int, error) {
	f.mem.mu.Lock()
	defer f.mem.mu.Unlock()
	if f.node.dir {
		return 0, pathErr("read", f.name, syscall.EISDIR)
	}
	return bytes.NewReader(f.node.data).ReadAt(b, off)
}

func (f *memFile) Write(b []byte) (int, error) {
	f.mem.mu.Lock()
	defer f.mem.mu.Unlock()
	if !f.writes {
		return 0, pathErr("write", f.name, syscall.EBADF)
	}
	f.node.data = append(f.node.data, b...)
	return len(b), nil
}

func (f *memFile) Sync() error {
	f.mem.mu.Lock()
	defer f.mem.mu.Unlock()
	f.mem.sync(f.node)
	return nil
}

func (f *memFile) Close() error { return nil }

type memInfo struct {
	name string
	size int64
	mode fs.FileMode
}

func describe(name string, n *node) memInfo {
	if n.dir {
		return memInfo{name: name, mode: fs.ModeDir | 0o777}
	}
	return memInfo{name: name, size: int64(len(n.data)), mode: 0o666}
}

func (i memInfo) Name() string       { return i.name }
func (i memInfo) Size() int64        { return i.size }
func (i memInfo) Mode() fs.FileMode  { return i.mode }
func (i memInfo) ModTime() time.Time { return time.Time{} }
func (i memInfo) IsDir() bool        { return i.mode.IsDir() }
func (i memInfo) Sys() any           { return nil }
