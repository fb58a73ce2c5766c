package jobdir

import (
	"fmt"
	"io/fs"
	"iter"
	"slices"
	"strings"

	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

func (d *Dir) recordPath(id task.ID) string {
	return d.Path("stages", id.Stage, "tasks", id.Name()+".json")
}

// StatRecord describes the file of a task's record: fs.ErrNotExist without one. As long as that stays the same file with the same
// size and time, so does the record.
func (d *Dir) StatRecord(id task.ID) (fs.FileInfo, error) { return d.fs.Stat(d.recordPath(id)) }

// ReadRecord reads the record of a task. It reports false and no error if the task is not
// committed. An error (*DamagedError, *FormatError, I/O) says why a record that is there does not count;
// Invalidate removes it.
func (d *Dir) ReadRecord(id task.ID) (task.Record, bool, error) {
	var rec task.Record
	file := d.recordPath(id)
	ok, err := found(readSealed(d.fs, file, task.Version, &rec))
	if ok && rec.Task != id {
		ok, err = false, &DamagedError{File: file, Reason: "it is of " + rec.Task.String()}
	}
	if !ok {
		return task.Record{}, false, err
	}
	return rec, true, nil
}

// Records reads all records of a stage, or those of tasks of the kinds given, one at a time, sorted by name. With an error the record
// holds only the task's name, and that task counts as not committed; if there is no name
// either, the stage could not be listed and the sequence ends.
func (d *Dir) Records(stage string, kinds ...task.Kind) iter.Seq2[task.Record, error] {
	return func(yield func(task.Record, error) bool) {
		entries, err := d.readDir("stages", stage, "tasks")
		if err != nil {
			yield(task.Record{}, wrap("list records", stage, err))
			return
		}
		for _, e := range entries {
			name, ok := strings.CutSuffix(e.Name(), ".json")
			id, err := task.ParseID(stage + "/" + name)
			if !ok || err != nil || len(kinds) > 0 && !slices.Contains(kinds, id.Kind) {
				continue // not ours, or not asked for
			}
			rec, there, err := d.ReadRecord(id)
			if err != nil {
				rec.Task = id
			}
			if (there || err != nil) && !yield(rec, err) {
				return
			}
		}
	}
}

// Invalidate takes back the commits of tasks of a stage, and before that of the dependents, tasks of this or
// later stages whose outputs were made from theirs. DONE.json of this and later stages go first,
// also if no task is given. Each of the three steps is fsynced before the next. The driver alone calls it.
func (d *Dir) Invalidate(stage string, dependents, tasks []task.ID) error {
	if err := d.removeDone(stage); err != nil {
		return wrap("invalidate tasks", stage, err)
	}
	for _, ids := range [][]task.ID{dependents, tasks} {
		if err := d.removeRecords(ids); err != nil {
			return wrap("invalidate tasks", stage, err)
		}
	}
	return nil
}

// removeDone removes DONE.json of a stage and of all later ones, the last first.
func (d *Dir) removeDone(stage string) error {
	stages, err := d.Stages()
	if err != nil {
		return err
	}
	for _, s := range slices.Backward(stages) {
		if s < stage {
			break
		}
		if err := d.removeFile(d.Path("stages", s, "DONE.json")); err != nil {
			return err
		}
		if err := d.syncIfThere("stages", s); err != nil {
			return err
		}
	}
	return nil
}

func (d *Dir) removeRecords(ids []task.ID) error {
	stages := map[string]bool{}
	for _, id := range ids {
		if err := d.removeFile(d.recordPath(id)); err != nil {
			return fmt.Errorf("%s: %w", id, err)
		}
		stages[id.Stage] = true
	}
	for stage := range stages { // also those already gone: an earlier call may have failed to fsync
		if err := d.syncIfThere("stages", stage, "tasks"); err != nil {
			return err
		}
	}
	return nil
}
