package jobdir

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/shardmill/shardmill/mapreduce/internal/fsx"
)

// Layout says what Finish lays out.
type Layout struct {
	// Datasets get a folder even if they have no part.
	Datasets []string
	// Results gives the parts one after another; an error ends the finish.
	Results iter.Seq2[Part, error]
	// Rejects are the files of rejects/; none, no folder.
	Rejects []File
	// Held says that a gate was not passed: the results go to held/ and out/ goes.
	Held bool
}

// Part is one committed file among the results.
type Part struct {
	From string // absolute path, see OutputPath
	To   string // below out/, with slashes: "predictions/label=7/part-000003.parquet"
}

// File is one file to be written.
type File struct {
	Name  string // "part-000000.parquet"
	Write func(io.Writer) error
}

// Finish lays out results and rejects under tmp/ and puts them in place (see the package comment
// for the order). It may be called again at any time, also with another layout.
func (d *Dir) Finish(l Layout) error {
	if err := d.finish(l); err != nil {
		return fmt.Errorf("finish %s: %w", d.path, err)
	}
	return nil
}

func (d *Dir) finish(l Layout) error {
	f := finisher{Dir: d, tmp: d.Path("tmp", "finish"), folders: map[string]bool{}}
	if err := fsx.RemoveAll(d.fs, f.tmp); err != nil {
		return err
	}
	if err := d.mkdirs(d.Path("tmp")); err != nil {
		return err
	}
	if err := f.build(l); err != nil {
		return err
	}
	if err := f.install(l); err != nil {
		return err
	}
	return fsx.RemoveAll(d.fs, f.tmp)
}

// finisher builds one layout.
type finisher struct {
	*Dir
	tmp     string
	folders map[string]bool // made in tmp, to be fsynced
}

func target(held bool) (wanted, unwanted string) {
	if held {
		return "held", "out"
	}
	return "out", "held"
}

// build makes everything under tmp/finish and fsyncs it.
func (f *finisher) build(l Layout) error {
	wanted, _ := target(l.Held)
	if err := f.mkdir(filepath.Join(f.tmp, wanted)); err != nil {
		return err
	}
	for _, name := range l.Datasets {
		if err := f.mkdir(filepath.Join(f.tmp, wanted, name)); err != nil {
			return err
		}
	}
	for p, err := range l.Results {
		if err == nil {
			err = f.part(p, wanted)
		}
		if err != nil {
			return err
		}
	}
	for _, file := range l.Rejects {
		if err := f.reject(file); err != nil {
			return err
		}
	}
	return f.seal(wanted, l.Held)
}

// mkdir makes a folder in tmp/finish with those above it.
func (f *finisher) mkdir(path string) error {
	if f.folders[path] {
		return nil
	}
	if path != f.tmp {
		if err := f.mkdir(filepath.Dir(path)); err != nil {
			return err
		}
	}
	f.folders[path] = true
	return f.fs.Mkdir(path)
}

func (f *finisher) part(p Part, wanted string) error {
	if !fs.ValidPath(p.To) || p.To == "_SUCCESS" {
		return fmt.Errorf("%q: not a name for a result", p.To)
	}
	to := filepath.Join(f.tmp, wanted, filepath.FromSlash(p.To))
	if err := f.mkdir(filepath.Dir(to)); err != nil {
		return err
	}
	err := f.fs.Link(p.From, to)
	if linkRefused(err) {
		return f.copy(p.From, to)
	}
	return err
}

// linkRefused tells whether a copy may succeed where a link did not: other file system, not
// supported, not permitted (protected_hardlinks), too many links.
func linkRefused(err error) bool {
	return slices.ContainsFunc(
		[]error{syscall.EXDEV, syscall.EPERM, syscall.EMLINK, errors.ErrUnsupported},
		func(reason error) bool { return errors.Is(err, reason) })
}

func (f *finisher) copy(from, to string) error {
	in, err := f.fs.Open(from)
	if err != nil {
		return err
	}
	err = create(f.fs, to, true, func(w io.Writer) error {
		_, err := io.Copy(w, in)
		return err
	})
	_ = in.Close() // only read
	return err
}

func (f *finisher) reject(file File) error {
	if !goodFolder(file.Name) || file.Name == "" {
		return fmt.Errorf("%q: not a name for a file of rejects", file.Name)
	}
	to := filepath.Join(f.tmp, "rejects", filepath.FromSlash(file.Name))
	if err := f.mkdir(filepath.Dir(to)); err != nil {
		return err
	}
	return create(f.fs, to, true, file.Write)
}

// seal fsyncs every folder, the deepest first, and marks results as complete after that.
func (f *finisher) seal(wanted string, held bool) error {
	var folders []string
	for folder := range f.folders {
		folders = append(folders, folder)
	}
	slices.Sort(folders)
	for _, folder := range slices.Backward(folders) {
		if err := f.fs.Sync(folder); err != nil {
			return err
		}
	}
	if held {
		return nil
	}
	if err := create(f.fs, filepath.Join(f.tmp, wanted, "_SUCCESS"), true, bytesTo(nil)); err != nil {
		return err
	}
	return f.fs.Sync(filepath.Join(f.tmp, wanted))
}

// install puts what was built in place.
func (f *finisher) install(l Layout) error {
	wanted, unwanted := target(l.Held)
	if err := f.away(unwanted); err != nil {
		return err
	}
	rejects := f.away
	if len(l.Rejects) > 0 {
		rejects = f.place
	}
	if err := rejects("rejects"); err != nil {
		return err
	}
	return f.place(wanted)
}

// away moves NAME out of the job directory, if it is there.
func (f *finisher) away(name string) error {
	err := f.fs.Rename(f.Path(name), filepath.Join(f.tmp, "old-"+name))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return f.fs.Sync(f.path) // also if it is not there: an earlier call may have failed here
}

// place moves tmp/finish/NAME to NAME. An older one changes places with it.
func (f *finisher) place(name string) error {
	built, final := filepath.Join(f.tmp, name), f.Path(name)
	_, err := f.fs.Stat(final)
	there := err == nil
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if there {
		err = f.fs.Exchange(built, final)
		if err == nil {
			return f.fs.Sync(f.path)
		}
		if !errors.Is(err, errors.ErrUnsupported) {
			return err
		}
		if err := f.away(name); err != nil {
			return err
		}
	}
	if err := f.fs.Rename(built, final); err != nil {
		return err
	}
	return f.fs.Sync(f.path)
}
