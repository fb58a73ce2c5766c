package jobdir

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

// Promote commits an attempt that Check passed, or tells that another attempt of the task was
// first; then its outputs are removed. It may be called again after an error, or for a result that is
// committed already. A damaged record in the way is an error (Invalidate first).
func (d *Dir) Promote(r task.Result) (won bool, err error) {
	all, err := d.PromoteAll([]task.Result{r})
	return err == nil && all[0], err
}

// PromoteAll is Promote for attempts of several tasks together: it takes each step for all of them before the next one, and fsyncs a
// folder once, so that short tasks need not wait for the disk one by one. After an error some of them may be committed.
func (d *Dir) PromoteAll(rs []task.Result) (won []bool, err error) {
	all := make([]*candidate, len(rs))
	for i, r := range rs {
		all[i] = &candidate{Result: r}
	}
	if err := d.promote(all); err != nil {
		return nil, fmt.Errorf("commit %s: %w", attempts(rs), err)
	}
	for _, c := range all {
		if won = append(won, c.won); !c.won {
			for _, o := range c.Outputs {
				_ = d.fs.Remove(d.OutputPath(c.Attempt, o)) // if it stays it is garbage, which Garbage removes
			}
		}
		_ = d.Discard(c.Attempt) // the same: Recover empties tmp/
	}
	return won, nil
}

// attempts names attempts for a message.
func attempts(rs []task.Result) string {
	if len(rs) == 1 {
		return rs[0].String()
	}
	return fmt.Sprintf("%d attempts from %s on", len(rs), rs[0].Attempt)
}

// candidate is an attempt that is to be promoted.
type candidate struct {
	task.Result
	decided bool // its task has a record
	won     bool // of this attempt
}

func (d *Dir) promote(all []*candidate) error {
	var open []*candidate // without a record
	for _, c := range all {
		if err := d.look(c); err != nil {
			return err
		}
		if !c.decided {
			open = append(open, c)
		}
	}
	if err := d.syncFolders(open, d.logFolder); err != nil {
		return err
	}
	for _, c := range open {
		if err := d.moveOutputs(c); err != nil {
			return err
		}
	}
	if err := d.syncFolders(open, d.outputFolders); err != nil {
		return err
	}
	if err := d.draftRecords(open); err != nil {
		return err
	}
	for _, c := range open {
		if err := d.link(c); err != nil {
			return err
		}
	}
	return d.syncFolders(all, d.recordFolder)
}

func (d *Dir) logFolder(c *candidate) []string {
	return []string{d.Path("logs", c.Task.Stage)}
}

func (d *Dir) recordFolder(c *candidate) []string {
	return []string{filepath.Dir(d.recordPath(c.Task))}
}

func (d *Dir) outputFolders(c *candidate) []string {
	folders := map[string]bool{}
	for _, o := range c.Outputs {
		folders[filepath.Dir(d.OutputPath(c.Attempt, o))] = true
	}
	return slices.Collect(maps.Keys(folders))
}

// syncFolders fsyncs the folders of candidates, each once.
func (d *Dir) syncFolders(all []*candidate, of func(*candidate) []string) error {
	folders := map[string]bool{}
	for _, c := range all {
		for _, folder := range of(c) {
			folders[folder] = true
		}
	}
	for _, folder := range slices.Sorted(maps.Keys(folders)) {
		if err := d.fs.Sync(folder); err != nil {
			return err
		}
	}
	return nil
}

// look finds out whether the task has a record.
func (d *Dir) look(c *candidate) error {
	if err := d.mkdirs(filepath.Dir(d.recordPath(c.Task))); err != nil {
		return err
	}
	rec, ok, err := d.ReadRecord(c.Task)
	c.decided, c.won = ok, ok && rec.Attempt == c.Attempt
	return err
}

// moveOutputs renames the outputs to their final names.
func (d *Dir) moveOutputs(c *candidate) error {
	for _, o := range c.Outputs {
		from, to := filepath.Join(d.folder(c.Attempt), o.File), d.OutputPath(c.Attempt, o)
		if err := d.mkdirs(filepath.Dir(to)); err != nil {
			return err
		}
		if err := d.move(from, to); err != nil {
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

// draftsAtOnce is how many records are fsynced at a time: the disk does several together as fast as one.
const draftsAtOnce = 16

// draftRecords writes the records to the attempts' folders.
func (d *Dir) draftRecords(all []*candidate) error {
	var g errgroup.Group
	g.SetLimit(draftsAtOnce)
	for _, c := range all {
		g.Go(func() error {
			b, err := seal(c.Commit())
			if err != nil {
				return err
			}
			return draft(d.fs, d.draftPath(c), bytesTo(b))
		})
	}
	return g.Wait()
}

func (d *Dir) draftPath(c *candidate) string {
	return filepath.Join(d.folder(c.Attempt), "record.json")
}

// link gives a record its final name. Why linking failed does not matter: the record that is there decides.
func (d *Dir) link(c *candidate) error {
	c.won = true
	linkErr := d.fs.Link(d.draftPath(c), d.recordPath(c.Task))
	if linkErr == nil {
		return nil
	}
	rec, ok, err := d.ReadRecord(c.Task)
	if err != nil || !ok {
		return errors.Join(linkErr, err)
	}
	c.won = rec.Attempt == c.Attempt
	return nil
}
