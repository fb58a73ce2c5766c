package fsx

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// OS is the file system of the machine.
type OS struct{}

// opened keeps a nil *os.File from becoming a File that is not nil.
func opened(f *os.File, err error) (File, error) {
	if err != nil {
		return nil, err
	}
	return f, nil
}

// Create implements FS.
func (OS) Create(name string) (File, error) {
	return opened(os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666))
}

// Append implements FS.
func (OS) Append(name string) (File, error) {
	return opened(os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o666))
}

// Open implements FS.
func (OS) Open(name string) (File, error) { return opened(os.Open(name)) }

// ReadDir implements FS.
func (OS) ReadDir(name string) ([]fs.DirEntry, error) { return os.ReadDir(name) }

// Stat implements FS.
func (OS) Stat(name string) (fs.FileInfo, error) { return os.Lstat(name) }

// Mkdir implements FS.
func (OS) Mkdir(name string) error { return os.Mkdir(name, 0o777) }

// Rename implements FS.
func (OS) Rename(oldname, newname string) error { return os.Rename(oldname, newname) }

// Link implements FS.
func (OS) Link(oldname, newname string) error { return os.Link(oldname, newname) }

// Exchange implements FS.
func (OS) Exchange(a, b string) error {
	if err := exchange(a, b); err != nil {
		return &os.LinkError{Op: "exchange", Old: a, New: b, Err: err}
	}
	return nil
}

// Remove implements FS.
func (OS) Remove(name string) error { return os.Remove(name) }

// Sync implements FS. A file system that cannot sync folders (EINVAL, as CIFS says) is taken as
// one that does not need it.
func (OS) Sync(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	err = f.Sync()
	if errors.Is(err, syscall.EINVAL) {
		if info, serr := f.Stat(); serr == nil && info.IsDir() {
			err = nil
		}
	}
	_ = f.Close() // only read
	return err
}

// Lock implements FS with flock(2), which is per open file. The descriptor is not inherited by
// programs that this one starts.
func (OS) Lock(name string, holder []byte) (io.Closer, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, err
	}
	if err := lock(f, holder); err != nil {
		_ = f.Close() // nothing was promised
		return nil, err
	}
	return f, nil
}

func lock(f *os.File, holder []byte) error {
	if err := flock(f); err != nil {
		return err
	}
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err := f.WriteAt(holder, 0)
	return err
}

func flock(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = ErrLocked
	}
	if err != nil {
		return &fs.PathError{Op: "lock", Path: f.Name(), Err: err}
	}
	return nil
}
