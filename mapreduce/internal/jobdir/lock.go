package jobdir

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/shardmill/shardmill/mapreduce/internal/fsx"
)

// Lock makes this process the driver of the job directory: *LockedError if there is one. Asking again
// is fine. It holds until Unlock, or until the process ends in any way.
func (d *Dir) Lock() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.lock != nil {
		return nil
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown host"
	}
	lock, err := d.fs.Lock(d.Path("LOCK"), fmt.Appendf(nil, "pid %d on %s\n", os.Getpid(), host))
	if errors.Is(err, fsx.ErrLocked) {
		return &LockedError{Path: d.path, Holder: d.holder()}
	}
	if err != nil {
		return err
	}
	d.lock = lock
	return nil
}

func (d *Dir) holder() string {
	b, err := fsx.ReadFile(d.fs, d.Path("LOCK"))
	if err != nil {
		return "" // only for the message
	}
	return strings.TrimSpace(string(b))
}

// Unlock lets another driver in and closes what this one holds open.
func (d *Dir) Unlock() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	err := d.closeEvents()
	if d.lock != nil {
		err = errors.Join(err, d.lock.Close())
	}
	d.lock = nil
	return err
}

// Recover makes a job directory that another driver left ready for this one, which holds the lock
// (and, on a cluster, knows that no attempt is running): it empties tmp/ and fsyncs the folders by which
// a driver judges what is done.
func (d *Dir) Recover() error {
	if err := d.recover(); err != nil {
		return fmt.Errorf("recover %s: %w", d.path, err)
	}
	return nil
}

func (d *Dir) recover() error {
	for _, name := range []string{"tmp", "stages", "logs"} {
		if err := d.mkdirs(d.Path(name)); err != nil {
			return err
		}
	}
	if err := fsx.RemoveContent(d.fs, d.Path("tmp")); err != nil {
		return err
	}
	stages, err := d.Stages()
	if err != nil {
		return err
	}
	for _, stage := range stages {
		if err := d.syncIfThere("stages", stage, "tasks"); err != nil {
			return err
		}
		if err := d.syncIfThere("stages", stage); err != nil {
			return err
		}
	}
	return errors.Join(d.syncIfThere("stages"), d.syncIfThere())
}
