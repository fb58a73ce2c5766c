package jobdir

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

// DoneVersion is the version of DONE.json.
const DoneVersion = 1

// Done says that every task of a stage is committed: DONE.json.
type Done struct {
	Version int              `json:"version"` // set by WriteDone
	Stage   string           `json:"stage"`   // set by WriteDone
	Tasks   int              `json:"tasks"`
	Counts  task.Counts      `json:"counts"`         // sum over the tasks
	Data    map[string]Total `json:"data,omitempty"` // by dataset
	Rejects Total            `json:"rejects"`
}

// Total sums files.
type Total struct {
	Files int64 `json:"files"`
	Rows  int64 `json:"rows"`
	Bytes int64 `json:"bytes"`
}

// Add counts one output.
func (t *Total) Add(o task.Output) {
	t.Files++
	t.Rows += o.Rows
	t.Bytes += o.Bytes
}

// Stages lists the stages that have a folder, in order.
func (d *Dir) Stages() ([]string, error) {
	entries, err := d.readDir("stages")
	var names []string
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names, err
}

// readDir lists a folder that may be missing.
func (d *Dir) readDir(elem ...string) ([]fs.DirEntry, error) {
	entries, err := d.fs.ReadDir(d.Path(elem...))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return entries, err
}

// WritePlan writes a stage's plan, once (else fs.ErrExist). Its first member must be "version".
func (d *Dir) WritePlan(stage string, plan any) error {
	return wrap("write plan", stage, d.writeOnce(plan, "stages", stage, "plan.json"))
}

// ReadPlan reads a stage's plan. It reports false and no error if there is none.
func (d *Dir) ReadPlan(stage string, version int, plan any) (bool, error) {
	return found(readSealed(d.fs, d.Path("stages", stage, "plan.json"), version, plan))
}

// found turns the error of a read into the answer whether the file is there.
func found(err error) (bool, error) {
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

func wrap(op, stage string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s of %s: %w", op, stage, err)
}

// WriteListing writes the listing of a stage, which the plan vouches for by its digest: while there
// is no plan it may be written again, and then no more (fs.ErrExist).
func (d *Dir) WriteListing(stage string, write func(io.Writer) error) error {
	return wrap("write listing", stage, d.writeListing(stage, write))
}

func (d *Dir) writeListing(stage string, write func(io.Writer) error) error {
	plan := d.Path("stages", stage, "plan.json")
	if _, err := d.fs.Stat(plan); err == nil {
		return &fs.PathError{Op: "create", Path: plan, Err: fs.ErrExist}
	}
	if err := d.mkdirs(d.Path("stages", stage)); err != nil {
		return err
	}
	tmp := d.tmpName("stages", stage, "listing")
	if err := draft(d.fs, tmp, write); err != nil {
		return err
	}
	return replace(d.fs, tmp, d.Path("stages", stage, "listing"))
}

// OpenListing opens the listing of a stage for reading: fs.ErrNotExist if there is none.
func (d *Dir) OpenListing(stage string) (io.ReadCloser, error) {
	return d.fs.Open(d.Path("stages", stage, "listing"))
}

// WriteDone says that every task of a stage is committed (fs.ErrExist if that is said already).
func (d *Dir) WriteDone(stage string, done Done) error {
	done.Version, done.Stage = DoneVersion, stage
	return wrap("write DONE.json", stage, d.writeOnce(done, "stages", stage, "DONE.json"))
}

// ReadDone reads what WriteDone wrote. It reports false and no error if a stage is not done. A
// damaged file is an error; Invalidate removes it.
func (d *Dir) ReadDone(stage string) (Done, bool, error) {
	var done Done
	file := d.Path("stages", stage, "DONE.json")
	ok, err := found(readSealed(d.fs, file, DoneVersion, &done))
	if ok && done.Stage != stage {
		return Done{}, false, &DamagedError{File: file, Reason: "it is of stage " + done.Stage}
	}
	if !ok {
		return Done{}, false, err
	}
	return done, true, nil
}

// RemoveRuns removes the run files of a stage that is done.
func (d *Dir) RemoveRuns(stage string) error {
	return wrap("remove run files", stage, d.removeAll(d.Path("stages", stage, "runs")))
}

// RemoveData removes a dataset of a stage that no later stage needs.
func (d *Dir) RemoveData(stage, dataset string) error {
	return wrap("remove dataset "+dataset, stage, d.removeAll(d.Path("stages", stage, "data", dataset)))
}

// Garbage removes the outputs of a stage that no record names. committed gives the attempt that
// a task's record holds, or 0. Files that are not named as outputs stay: they are not ours.
func (d *Dir) Garbage(stage string, committed func(task.ID) int) error {
	for _, kind := range []string{"runs", "data", "rejects"} {
		if err := d.garbage(stage, committed, "stages", stage, kind); err != nil {
			return wrap("remove garbage", stage, err)
		}
	}
	return nil
}

func (d *Dir) garbage(stage string, committed func(task.ID) int, elem ...string) error {
	entries, err := d.readDir(elem...)
	for _, e := range entries {
		name := append(elem[:len(elem):len(elem)], e.Name())
		if e.IsDir() {
			err = d.garbage(stage, committed, name...)
		} else if a, ok := parseAttempt(stage, e.Name()); ok && committed(a.Task) != a.Number {
			err = d.removeFile(d.Path(name...))
		}
		if err != nil {
			return err
		}
	}
	return err
}

// Size is the number of bytes in the files below a folder of a stage, such as "runs", or "data" and
// a dataset; 0 if there is none.
func (d *Dir) Size(stage string, elem ...string) (int64, error) {
	n, err := d.size(d.Path(append([]string{"stages", stage}, elem...)...))
	return n, wrap("size "+strings.Join(elem, "/"), stage, err)
}

func (d *Dir) size(folder string) (int64, error) {
	entries, err := d.fs.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil // also: removed by a driver while we look
	}
	var sum int64
	for _, e := range entries {
		var n int64
		if e.IsDir() {
			n, err = d.size(filepath.Join(folder, e.Name()))
		} else if info, ierr := e.Info(); ierr == nil {
			n = info.Size()
		} else if !errors.Is(ierr, fs.ErrNotExist) {
			err = ierr
		}
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, err
}
