package fsx

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
)

// Mem is a file system in memory for tests. It keeps, beside what is visible, what would survive a
// power failure: the content of a file as of its last Sync, and the names in a folder as of that
// folder's last Sync. That is all that POSIX promises; real file systems keep more. One exception:
// a folder never has two parents, so a moved folder that survives at its new place is gone from
// the old one. It is safe for concurrent use.
type Mem struct {
	mu     sync.Mutex
	root   *node
	locked map[*node]bool
}

type node struct {
	dir         bool
	data, safe  []byte           // content of a file: visible, and synced
	names, kept map[string]*node // entries of a folder: visible, and synced
}

func newDir() *node {
	return &node{dir: true, names: map[string]*node{}, kept: map[string]*node{}}
}

// NewMem makes an empty file system, with the root folder only.
func NewMem() *Mem { return &Mem{root: newDir(), locked: map[*node]bool{}} }

// find is the node at a path, or a nil node and ENOENT or ENOTDIR.
func (m *Mem) find(name string) (*node, error) {
	n := m.root
	for part := range strings.SplitSeq(strings.Trim(filepath.ToSlash(filepath.Clean(name)), "/"), "/") {
		if part == "" || part == "." {
			continue
		}
		if !n.dir {
			return nil, syscall.ENOTDIR
		}
		if n = n.names[part]; n == nil {
			return nil, syscall.ENOENT
		}
	}
	return n, nil
}

// parent is the folder of a path and the last name in it.
func (m *Mem) parent(name string) (*node, string, error) {
	dir, base := filepath.Split(filepath.Clean(name))
	n, err := m.find(dir)
	if err == nil && !n.dir {
		err = syscall.ENOTDIR
	}
	return n, base, err
}

func pathErr(op, name string, err error) error {
	if err == nil {
		return nil
	}
	return &fs.PathError{Op: op, Path: name, Err: err}
}

func linkErr(op, a, b string, err error) error {
	if err == nil {
		return nil
	}
	return &os.LinkError{Op: op, Old: a, New: b, Err: err}
}

// Create implements FS.
func (m *Mem) Create(name string) (File, error) { return m.write(name, true) }

// Append implements FS.
func (m *Mem) Append(name string) (File, error) { return m.write(name, false) }

func (m *Mem) write(name string, exclusive bool) (File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	dir, base, err := m.parent(name)
	if err != nil {
		return nil, pathErr("open", name, err)
	}
	n := dir.names[base]
	switch {
	case n != nil && exclusive:
		return nil, pathErr("open", name, syscall.EEXIST)
	case n != nil && n.dir:
		return nil, pathErr("open", name, syscall.EISDIR)
	case n == nil:
		n = &node{}
		dir.names[base] = n
	}
	return &memFile{mem: m, node: n, name: name, writes: true}, nil
}

// Open implements FS.
func (m *Mem) Open(name string) (File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n, err := m.find(name)
	if err != nil {
		return nil, pathErr("open", name, err)
	}
	return &memFile{mem: m, node: n, name: name}, nil
}

// ReadDir implements FS.
func (m *Mem) ReadDir(name string) ([]fs.DirEntry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n, err := m.find(name)
	if err == nil && !n.dir {
		err = syscall.ENOTDIR
	}
	if err != nil {
		return nil, pathErr("open", name, err)
	}
	var list []fs.DirEntry
	for _, base := range slices.Sorted(maps.Keys(n.names)) {
		list = append(list, fs.FileInfoToDirEntry(describe(base, n.names[base])))
	}
	return list, nil
}

// Stat implements FS.
func (m *Mem) Stat(name string) (fs.FileInfo, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n, err := m.find(name)
	if err != nil {
		return nil, pathErr("stat", name, err)
	}
	return describe(filepath.Base(name), n), nil
}

// Mkdir implements FS.
func (m *Mem) Mkdir(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	dir, base, err := m.parent(name)
	if err == nil && (base == "" || dir.names[base] != nil) {
		err = syscall.EEXIST
	}
	if err == nil {
		dir.names[base] = newDir()
	}
	return pathErr("mkdir", name, err)
}

// Rename implements FS.
func (m *Mem) Rename(oldname, newname string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return linkErr("rename", oldname, newname, m.rename(oldname, newname))
}

func (m *Mem) rename(oldname, newname string) error {
	from, old, err := m.parent(oldname)
	if err != nil {
		return err
	}
	to, base, err := m.parent(newname)
	if err != nil {
		return err
	}
	n, there := from.names[old], to.names[base]
	switch {
	case n == nil:
		return syscall.ENOENT
	case there != nil && there.dir:
		return syscall.EEXIST // as os.Rename says
	case n == there:
		return nil
	case there != nil && n.dir:
		return syscall.ENOTDIR
	case n.contains(to):
		return syscall.EINVAL
	}
	delete(from.names, old)
	to.names[base] = n
	return nil
}

// contains tells whether o is n or lies below it.
func (n *node) contains(o *node) bool {
	if n == o {
		return true
	}
	for _, child := range n.names {
		if child.contains(o) {
			return true
		}
	}
	return false
}

// Link implements FS.
func (m *Mem) Link(oldname, newname string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	n, err := m.find(oldname)
	if err != nil {
		return linkErr("link", oldname, newname, err)
	}
	to, base, err := m.parent(newname)
	switch {
	case err != nil:
	case to.names[base] != nil:
		err = syscall.EEXIST
	case n.dir:
		err = syscall.EPERM
	default:
		to.names[base] = n
	}
	return linkErr("link", oldname, newname, err)
}

// Exchange implements FS.
func (m *Mem) Exchange(a, b string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	from, old, err := m.parent(a)
	if err != nil {
		return linkErr("exchange", a, b, err)
	}
	to, base, err := m.parent(b)
	if err != nil {
		return linkErr("exchange", a, b, err)
	}
	n, there := from.names[old], to.names[base]
	switch {
	case n == nil || there == nil:
		err = syscall.ENOENT
	case n.contains(to) || there.contains(from):
		err = errors.ErrUnsupported // the system's EINVAL does not tell them apart
	default:
		from.names[old], to.names[base] = there, n
	}
	return linkErr("exchange", a, b, err)
}

// Remove implements FS.
func (m *Mem) Remove(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	dir, base, err := m.parent(name)
	if err != nil {
		return pathErr("remove", name, err)
	}
	n := dir.names[base]
	switch {
	case n == nil:
		err = syscall.ENOENT
	case len(n.names) > 0:
		err = syscall.ENOTEMPTY
	default:
		delete(dir.names, base)
	}
	return pathErr("remove", name, err)
}

// Sync implements FS.
func (m *Mem) Sync(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	n, err := m.find(name)
	if err == nil {
		m.sync(n)
	}
	return pathErr("sync", name, err)
}

func (m *Mem) sync(n *node) {
	if !n.dir {
		n.safe = bytes.Clone(n.data)
		return
	}
	for name, child := range n.names {
		if child.dir && n.kept[name] != child {
			m.root.forget(child, map[*node]bool{})
		}
	}
	n.kept = maps.Clone(n.names)
}

// forget removes a folder from where it was before it was moved.
func (n *node) forget(moved *node, seen map[*node]bool) {
	if seen[n] {
		return
	}
	seen[n] = true
	maps.DeleteFunc(n.kept, func(_ string, c *node) bool { return c == moved })
	for _, children := range []map[string]*node{n.kept, n.names} {
		for _, child := range children {
			child.forget(moved, seen)
		}
	}
}

// Lock implements FS.
func (m *Mem) Lock(name string, holder []byte) (io.Closer, error) {
	f, err := m.write(name, false)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	n, err := m.find(name)
	if err == nil && m.locked[n] {
		err = ErrLocked
	}
	if err != nil {
		_ = f.Close() // nothing was written
		return nil, pathErr("lock", name, err)
	}
	m.locked[n] = true
	n.data = bytes.Clone(holder)
	return memLock{m, n}, nil
}

type memLock struct {
	mem  *Mem
	node *node
}

func (l memLock) Close() error {
	l.mem.mu.Lock()
	defer l.mem.mu.Unlock()
	delete(l.mem.locked, l.node)
	return nil
}
