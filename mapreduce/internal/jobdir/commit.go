package jobdir

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

// copyBytes is the size of a buffer for reading an output back.
const copyBytes = 256 << 10

// Check reads the result of an attempt that ended well, compares the size of each output, and fsyncs it. The
// contents are compared by whoever uses them first (see the package comment). An error is a *task.Error: Retryable
// for damage and I/O, Permanent for a result that is not this attempt's or not well-formed.
func (d *Dir) Check(a task.Attempt) (task.Result, error) {
	r, err := d.check(a)
	if err != nil {
		return task.Result{}, &task.Error{Op: "check", Attempt: a, Record: -1, Class: classOf(err), Err: err}
	}
	return r, nil
}

func classOf(err error) task.Class {
	var damaged *DamagedError
	passing := errors.As(err, &damaged) || errors.Is(err, fs.ErrNotExist) ||
		errors.Is(err, syscall.EIO) || errors.Is(err, syscall.ESTALE)
	if passing {
		return task.Retryable
	}
	return task.Permanent
}

func (d *Dir) check(a task.Attempt) (task.Result, error) {
	var r task.Result
	if err := readSealed(d.fs, filepath.Join(d.folder(a), "result.json"), task.Version, &r); err != nil {
		return r, err
	}
	if r.Attempt != a {
		return r, fmt.Errorf("the result is of %s", r.Attempt)
	}
	if err := checkPaths(r); err != nil {
		return r, err
	}
	for _, o := range r.Outputs {
		file := filepath.Join(d.folder(a), o.File)
		if err := d.verifySize(file, o); err != nil {
			return r, err
		}
		if err := d.fs.Sync(file); err != nil {
			return r, err
		}
	}
	return r, nil
}

// checkPaths refuses outputs that would leave their folders or share a name.
func checkPaths(r task.Result) error {
	seen := map[string]bool{}
	for _, o := range r.Outputs {
		final := o.Path(r.Attempt)
		switch {
		case o.File != path.Base(o.File) || !fs.ValidPath(o.File) || o.File == ".":
			return fmt.Errorf("output %q: not the name of a file in the attempt's folder", o.File)
		case slices.Contains([]string{"task.json", "result.json", "record.json"}, o.File):
			return fmt.Errorf("output %q: a name that the engine uses", o.File)
		case !slices.Contains([]task.OutputKind{task.RunFile, task.DataFile, task.RejectFile}, o.Kind):
			return fmt.Errorf("output %s: unknown kind %q", o.File, o.Kind)
		case o.Kind == task.DataFile && o.Dataset == "":
			return fmt.Errorf("output %s: no dataset", o.File)
		case !goodFolder(o.Dataset) || !goodFolder(o.Sub) || !fs.ValidPath("x."+o.Ext):
			return fmt.Errorf("output %s: cannot be named %q", o.File, final)
		case seen[final] || seen[o.File]:
			return fmt.Errorf("output %s: a second one named %s", o.File, final)
		}
		seen[final], seen[o.File] = true, true
	}
	return nil
}

func goodFolder(name string) bool { return name == "" || (fs.ValidPath(name) && name != ".") }

func (d *Dir) verifySize(file string, o task.Output) error {
	info, err := d.fs.Stat(file)
	if err != nil {
		return err
	}
	if info.Size() != o.Bytes {
		return wrongSize(file, info.Size(), o)
	}
	return nil
}

func wrongSize(file string, n int64, o task.Output) error {
	return &DamagedError{File: file, Reason: fmt.Sprintf("%d bytes instead of %d", n, o.Bytes)}
}

// verify compares a file with what its maker said of it.
func (d *Dir) verify(file string, o task.Output) error {
	f, err := d.fs.Open(file)
	if err != nil {
		return err
	}
	sum := crc32.New(castagnoli())
	buf, _ := d.buffers.Get().(*[copyBytes]byte)
	if buf == nil {
		buf = new([copyBytes]byte)
	}
	n, err := io.CopyBuffer(sum, struct{ io.Reader }{f}, buf[:]) // the struct hides WriterTo, which would ignore buf
	d.buffers.Put(buf)
	_ = f.Close() // only read
	switch {
	case err != nil:
		return err
	case n != o.Bytes:
		return wrongSize(file, n, o)
	case sum.Sum32() != o.CRC32C:
		return &DamagedError{File: file, Reason: fmt.Sprintf("CRC-32C %08x instead of %08x", sum.Sum32(), o.CRC32C)}
	}
	return nil
}

// OutputPath is where an output of a committed attempt lies.
func (d *Dir) OutputPath(a task.Attempt, o task.Output) string {
	return d.Path("stages", a.Task.Stage, filepath.FromSlash(o.Path(a)))
}

// VerifyOutput reads an output of a committed attempt and compares size and CRC-32C:
// fs.ErrNotExist if it is missing, *DamagedError if it is something else.
func (d *Dir) VerifyOutput(a task.Attempt, o task.Output) error {
	return d.verify(d.OutputPath(a, o), o)
}
