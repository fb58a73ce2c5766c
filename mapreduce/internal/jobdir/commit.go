package jobdir

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"maps"
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

// Promote commits an attempt that Check passed, or tells that another attempt of the task was
// first; then its outputs are removed. It may be called again after an error, or for a result that is
// committed already. A damaged record in the way is an error (Invalidate first).
func (d *Dir) Promote(r task.Result) (won bool, err error) {
	won, err = d.promote(r)
	if err != nil {
		return false, fmt.Errorf("commit %s: %w", r.Attempt, err)
	}
	if !won {
		for _, o := range r.Outputs {
			_ = d.fs.Remove(d.OutputPath(r.Attempt, o)) // if it stays it is garbage, which Garbage removes
		}
	}
	_ = d.Discard(r.Attempt) // the same: Recover empties tmp/
	return won, nil
}

func (d *Dir) promote(r task.Result) (bool, error) {
	tasks := d.Path("stages", r.Task.Stage, "tasks")
	if err := d.mkdirs(tasks); err != nil {
		return false, err
	}
	rec, ok, err := d.ReadRecord(r.Task)
	if err != nil {
		return false, err
	}
	if ok {
		return rec.Attempt == r.Attempt, d.fs.Sync(tasks)
	}
	if err := d.fs.Sync(d.Path("logs", r.Task.Stage)); err != nil {
		return false, err
	}
	if err := d.moveOutputs(r); err != nil {
		return false, err
	}
	return d.commit(r, tasks)
}

// moveOutputs renames the outputs to their final names and fsyncs the folders.
func (d *Dir) moveOutputs(r task.Result) error {
	folders := map[string]bool{}
	for _, o := range r.Outputs {
		from, to := filepath.Join(d.folder(r.Attempt), o.File), d.OutputPath(r.Attempt, o)
		if err := d.mkdirs(filepath.Dir(to)); err != nil {
			return err
		}
		if err := d.move(from, to); err != nil {
			return err
		}
		folders[filepath.Dir(to)] = true
	}
	for _, folder := range slices.Sorted(maps.Keys(folders)) {
		if err := d.fs.Sync(folder); err != nil {
			return err
		}
	}
	return nil
}

// move renames a file, or finds that an earlier call has done so.
func (d *Dir) move(from, to string) error {
	err := d.fs.Rename(from, to)
	if errors.Is(err, fs.ErrNotExist) {
		if _, serr := d.fs.Stat(to); serr == nil {
			return nil
		}
	}
	return err
}

// commit links the record. Why linking failed does not matter: the record that is there decides.
func (d *Dir) commit(r task.Result, tasks string) (bool, error) {
	b, err := seal(r.Commit())
	if err != nil {
		return false, err
	}
	tmp := filepath.Join(d.folder(r.Attempt), "record.json")
	if err := draft(d.fs, tmp, bytesTo(b)); err != nil {
		return false, err
	}
	won := true
	if linkErr := d.fs.Link(tmp, d.recordPath(r.Task)); linkErr != nil {
		rec, ok, err := d.ReadRecord(r.Task)
		if err != nil || !ok {
			return false, errors.Join(linkErr, err)
		}
		won = rec.Attempt == r.Attempt
	}
	return won, d.fs.Sync(tasks)
}
