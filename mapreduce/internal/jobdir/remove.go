package jobdir

import (
	"errors"
	"fmt"
	"io/fs"
)

// RemoveStage takes back a whole stage whose inputs will change: its plan names them. The folder
// goes to tmp/ in one step first, so that a removal which is cut off leaves no plan without its records.
func (d *Dir) RemoveStage(stage string) error {
	from, aside := d.Path("stages", stage), d.Path("tmp", "removed."+stage)
	if _, err := d.fs.Stat(from); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	err := errors.Join(d.removeAll(aside), d.mkdirs(d.Path("tmp")))
	if err == nil {
		err = d.fs.Rename(from, aside)
	}
	if err == nil {
		err = d.fs.Sync(d.Path("stages"))
	}
	if err == nil {
		err = d.removeAll(aside)
	}
	return wrap("remove", stage, err)
}

// ProbeLog makes logs/STAGE/probe.txt, empty, for the output of making the stage's mapper before the job starts.
func (d *Dir) ProbeLog(stage string) (string, error) {
	path := d.Path("logs", stage, "probe.txt")
	err := d.mkdirs(d.Path("logs", stage))
	if err == nil {
		err = d.fs.Remove(path)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", wrap("probe log", stage, err)
	}
	f, err := d.fs.Create(path)
	if err == nil {
		err = f.Close()
	}
	return path, wrap("probe log", stage, err)
}

// Remove removes the job directory with everything of ours in it. The folder itself stays if something
// else lies in it.
func (d *Dir) Remove() error {
	var errs []error
	for _, name := range []string{"tmp", "stages", "logs", "out", "held", "rejects", "events.jsonl", "summary.json", "job.json", "FORMAT", "LOCK"} {
		errs = append(errs, d.removeAll(d.Path(name)))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("remove %s: %w", d.path, err)
	}
	_ = d.fs.Remove(d.path) // it may hold files that are not ours
	return nil
}
