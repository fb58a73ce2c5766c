package jobdir

import (
	"errors"
	"io"
	"io/fs"
	"path/filepath"

	"github.com/shardmill/shardmill/mapreduce/internal/fsx"
)

// create writes a new file, and fsyncs it if durable.
func create(fsys fsx.FS, file string, durable bool, write func(io.Writer) error) error {
	f, err := fsys.Create(file)
	if err != nil {
		return err
	}
	err = write(f)
	if err == nil && durable {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// draft writes a file under tmp/ and fsyncs it. What an earlier draft of that name left is replaced by a
// new file, never written over: it may already have a second, final name.
func draft(fsys fsx.FS, file string, write func(io.Writer) error) error {
	if err := fsx.RemoveAll(fsys, file); err != nil {
		return err
	}
	err := create(fsys, file, true, write)
	if err != nil {
		_ = fsys.Remove(file) // frees the space; tmp/ is emptied by the next driver anyway
	}
	return err
}

// publish gives a draft its final name, once and for all: fs.ErrExist if the name is taken.
func publish(fsys fsx.FS, drafted, final string) error {
	if err := fsys.Link(drafted, final); err != nil {
		return err
	}
	if err := fsys.Sync(filepath.Dir(final)); err != nil {
		return err
	}
	_ = fsys.Remove(drafted) // a second name in tmp/, which the next driver empties
	return nil
}

// replace gives a draft its final name in place of what is there.
func replace(fsys fsx.FS, drafted, final string) error {
	if err := fsys.Rename(drafted, final); err != nil {
		return err
	}
	return fsys.Sync(filepath.Dir(final))
}

// writeOnce seals a value into a file of the job directory: fs.ErrExist if it is there.
func (d *Dir) writeOnce(v any, elem ...string) error {
	b, err := seal(v)
	if err != nil {
		return err
	}
	final, tmp := d.Path(elem...), d.tmpName(elem...)
	if err := d.mkdirs(filepath.Dir(final)); err != nil {
		return err
	}
	if err := draft(d.fs, tmp, bytesTo(b)); err != nil {
		return err
	}
	return publish(d.fs, tmp, final)
}

// tmpName is where the draft of a file lies: its path with dots, flat, in tmp/.
func (d *Dir) tmpName(elem ...string) string {
	name := ""
	for _, e := range elem {
		name += "." + e
	}
	return d.Path("tmp", "draft"+name)
}

func bytesTo(b []byte) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := w.Write(b)
		return err
	}
}

// mkdirs makes a folder of the job directory that survives a power failure. What this process has
// not itself fsynced in its parent is fsynced, also if the folder is there already.
func (d *Dir) mkdirs(path string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.mkdirsLocked(path)
}

func (d *Dir) mkdirsLocked(path string) error {
	if path == d.path || d.made[path] {
		return nil
	}
	parent := filepath.Dir(path)
	if err := d.mkdirsLocked(parent); err != nil {
		return err
	}
	if err := d.fs.Mkdir(path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := d.fs.Sync(parent); err != nil {
		return err
	}
	d.made[path] = true
	return nil
}

// removeAll removes a folder of a stage. What is missing counts as removed.
func (d *Dir) removeAll(path string) error {
	d.mu.Lock()
	clear(d.made)
	d.mu.Unlock()
	return fsx.RemoveAll(d.fs, path)
}

// syncIfThere fsyncs a folder that may be missing.
func (d *Dir) syncIfThere(elem ...string) error {
	err := d.fs.Sync(d.Path(elem...))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// removeFile removes a file that may be missing.
func (d *Dir) removeFile(path string) error {
	err := d.fs.Remove(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
