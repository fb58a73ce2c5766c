package fsx

import (
	"errors"
	"io"
	"io/fs"
	"sync/atomic"
)

// ErrCrashed is what every call answers after the process "crashed".
var ErrCrashed = errors.New("crashed here by the test")

// Fault is what happens at the chosen call.
type Fault int

// The faults. A write that fails, or that a crash cuts, leaves half of its bytes.
const (
	FailOnce  Fault = iota // the call does nothing and fails
	FailOn                 // the call and every later change fail, as on a full disk
	LostReply              // the call is carried out and yet fails, as over a network
	Crash                  // the call and every later one, reads too, fail with ErrCrashed
)

// Faulty passes calls on to another FS and makes the change with number At fail. Changes are
// counted from 0: Create, Append, Write, Sync, Close of a written file, Mkdir, Rename, Link,
// Exchange, Remove, Sync and Lock. It is safe for concurrent use.
type Faulty struct {
	fs    FS
	at    int64
	fault Fault
	err   error
	calls atomic.Int64
}

// NewFaulty wraps fsys. The change with number at fails with err, or with ErrCrashed.
func NewFaulty(fsys FS, at int, fault Fault, err error) *Faulty {
	if fault == Crash {
		err = ErrCrashed
	}
	return &Faulty{fs: fsys, at: int64(at), fault: fault, err: err}
}

// Changes is the number of changes asked for so far.
func (f *Faulty) Changes() int { return int(f.calls.Load()) }

// Hit tells whether the fault has happened.
func (f *Faulty) Hit() bool { return f.calls.Load() > f.at }

// verdict counts a change and says whether to carry it out, what to answer then, and whether
// this is the very call at which the fault begins.
func (f *Faulty) verdict() (carryOut bool, answer error, first bool) {
	n := f.calls.Add(1) - 1
	switch {
	case n == f.at:
		return f.fault == LostReply, f.err, true
	case n > f.at && (f.fault == FailOn || f.fault == Crash):
		return false, f.err, false
	}
	return true, nil, false
}

func (f *Faulty) change(do func() error) error {
	carryOut, answer, _ := f.verdict()
	if !carryOut {
		return answer
	}
	if err := do(); err != nil {
		return err
	}
	return answer
}

func (f *Faulty) read() error {
	if f.fault == Crash && f.Hit() {
		return ErrCrashed
	}
	return nil
}

func (f *Faulty) write(name string, open func(string) (File, error)) (File, error) {
	var file File
	err := f.change(func() (err error) {
		file, err = open(name)
		return err
	})
	if err != nil {
		if file != nil {
			_ = file.Close() // made, but its maker was told that it was not
		}
		return nil, err
	}
	return &faultyFile{File: file, fs: f, written: true}, nil
}

// Create implements FS.
func (f *Faulty) Create(name string) (File, error) { return f.write(name, f.fs.Create) }

// Append implements FS.
func (f *Faulty) Append(name string) (File, error) { return f.write(name, f.fs.Append) }

// Open implements FS.
func (f *Faulty) Open(name string) (File, error) {
	if err := f.read(); err != nil {
		return nil, err
	}
	file, err := f.fs.Open(name)
	if err != nil {
		return nil, err
	}
	return &faultyFile{File: file, fs: f}, nil
}

// ReadDir implements FS.
func (f *Faulty) ReadDir(name string) ([]fs.DirEntry, error) {
	if err := f.read(); err != nil {
		return nil, err
	}
	return f.fs.ReadDir(name)
}

// Stat implements FS.
func (f *Faulty) Stat(name string) (fs.FileInfo, error) {
	if err := f.read(); err != nil {
		return nil, err
	}
	return f.fs.Stat(name)
}

// Mkdir implements FS.
func (f *Faulty) Mkdir(name string) error {
	return f.change(func() error { return f.fs.Mkdir(name) })
}

// Rename implements FS.
func (f *Faulty) Rename(oldname, newname string) error {
	return f.change(func() error { return f.fs.Rename(oldname, newname) })
}

// Link implements FS.
func (f *Faulty) Link(oldname, newname string) error {
	return f.change(func() error { return f.fs.Link(oldname, newname) })
}

// Exchange implements FS.
func (f *Faulty) Exchange(a, b string) error {
	return f.change(func() error { return f.fs.Exchange(a, b) })
}

// Remove implements FS.
func (f *Faulty) Remove(name string) error {
	return f.change(func() error { return f.fs.Remove(name) })
}

// Sync implements FS.
func (f *Faulty) Sync(name string) error {
	return f.change(func() error { return f.fs.Sync(name) })
}

// Lock implements FS. Closing unlocks even after a crash, as the end of a process does.
func (f *Faulty) Lock(name string, holder []byte) (io.Closer, error) {
	var lock io.Closer
	err := f.change(func() (err error) {
		lock, err = f.fs.Lock(name, holder)
		return err
	})
	if err != nil && lock != nil {
		_ = lock.Close() // taken, but its taker was told that it was not
	}
	if err != nil {
		return nil, err
	}
	return lock, nil
}

type faultyFile struct {
	File
	fs      *Faulty
	written bool
}

func (f *faultyFile) Read(b []byte) (int, error) {
	if err := f.fs.read(); err != nil {
		return 0, err
	}
	return f.File.Read(b)
}

func (f *faultyFile) ReadAt(b []byte, off int64) (int, error) {
	if err := f.fs.read(); err != nil {
		return 0, err
	}
	return f.File.ReadAt(b, off)
}

func (f *faultyFile) Write(b []byte) (int, error) {
	carryOut, answer, first := f.fs.verdict()
	switch {
	case carryOut && answer == nil:
		return f.File.Write(b)
	case first && !carryOut:
		b = b[:len(b)/2]
	case !carryOut:
		return 0, answer
	}
	n, err := f.File.Write(b)
	if err != nil {
		return n, err
	}
	return n, answer
}

func (f *faultyFile) Sync() error { return f.fs.change(f.File.Sync) }

// Close always closes the file behind, so that a test leaks none.
func (f *faultyFile) Close() error {
	err := f.File.Close()
	if !f.written {
		return err
	}
	return f.fs.change(func() error { return err })
}
