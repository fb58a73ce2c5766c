// Package fsx is the few filesystem calls that the engine makes, as an
// interface, so that tests can put a failing or a forgetful disk behind them.
//
//   - OS is the real file system.
//   - Faulty makes one call of another FS fail, or ends the "process" there.
//   - Mem holds files in memory, with apart what a power failure would leave.
//
// Everything above these calls (MkdirAll, RemoveAll, ReadFile) is a function
// over the interface. So a removal that stops half-way is a point where Faulty
// can stop it.
//
// Names are paths of the operating system. Errors are *fs.PathError,
// *os.LinkError or wrap one, and answer errors.Is for fs.ErrNotExist,
// fs.ErrExist and errors.ErrUnsupported.
package fsx

import (
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"slices"

	"golang.org/x/sync/errgroup"
)

// ErrLocked says that another process, or another open file of this one, holds the lock.
var ErrLocked = errors.New("locked")

// FS is the filesystem calls in use.
type FS interface {
	// Create makes a file for writing. It never opens an existing one (fs.ErrExist).
	Create(name string) (File, error)
	// Append opens a file for writing at its end and makes it if it is missing.
	Append(name string) (File, error)
	// Open opens a file for reading.
	Open(name string) (File, error)
	// ReadDir lists a folder, sorted by name.
	ReadDir(name string) ([]fs.DirEntry, error)
	// Stat describes a file or folder. It does not follow a symbolic link.
	Stat(name string) (fs.FileInfo, error)
	// Mkdir makes one folder.
	Mkdir(name string) error
	// Rename moves a file or folder. It replaces an existing file, but no folder (fs.ErrExist).
	Rename(oldname, newname string) error
	// Link gives a file a second name. It never replaces (fs.ErrExist).
	Link(oldname, newname string) error
	// Exchange swaps two names in one step (errors.ErrUnsupported where the system cannot).
	Exchange(a, b string) error
	// Remove removes a file or an empty folder.
	Remove(name string) error
	// Sync makes the content of a file, or the names in a folder, survive a power failure.
	Sync(name string) error
	// Lock makes the file if it is missing, takes its exclusive lock without waiting
	// (ErrLocked) and replaces its content by holder. Close, or the end of the process, unlocks.
	Lock(name string, holder []byte) (io.Closer, error)
}

// File is an open file. What was written survives a power failure only after Sync.
type File interface {
	io.Reader
	io.ReaderAt
	io.Writer
	io.Closer
	Sync() error
}

// ReadFile reads a whole file.
func ReadFile(fsys FS, name string) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(f)
	_ = f.Close() // only read
	return b, err
}

// MkdirAll makes a folder and those above it that are missing. It syncs nothing.
func MkdirAll(fsys FS, name string) error {
	err := fsys.Mkdir(name)
	if errors.Is(err, fs.ErrNotExist) && filepath.Dir(name) != name {
		if err = MkdirAll(fsys, filepath.Dir(name)); err == nil {
			err = fsys.Mkdir(name)
		}
	}
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

// RemoveAll removes a file, or a folder with all that is in it. What is missing counts as removed,
// so a removal that stopped half-way is finished by asking again.
func RemoveAll(fsys FS, name string) error {
	err := fsys.Remove(name)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	info, serr := fsys.Stat(name)
	if serr != nil || !info.IsDir() {
		return err
	}
	if err := RemoveContent(fsys, name); err != nil {
		return err
	}
	if err := fsys.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

const (
	// removeTogether is how many entries of a folder are removed one after another.
	removeTogether = 256
	// removesAtOnce is how many such lots are removed at a time: a file system that frees blocks while one waits
	// takes a sixth of the time for 8 as for one by one.
	removesAtOnce = 8
)

// RemoveContent removes everything in a folder and leaves the folder.
func RemoveContent(fsys FS, name string) error {
	entries, err := fsys.ReadDir(name)
	if err != nil {
		return err
	}
	var g errgroup.Group
	g.SetLimit(removesAtOnce)
	for lot := range slices.Chunk(entries, removeTogether) {
		g.Go(func() error {
			for _, e := range lot {
				if err := RemoveAll(fsys, filepath.Join(name, e.Name())); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return g.Wait()
}
