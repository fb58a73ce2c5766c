package jobdir

import (
	"errors"
	"fmt"
)

// ErrNoJob says that there is no job directory at the path, or one whose creation was cut off.
var ErrNoJob = errors.New("no such job directory")

// NotJobError says that Create was given a folder with something else in it.
type NotJobError struct {
	Found string // a name in it that is not ours
}

func (e *NotJobError) Error() string {
	return "not empty and not a job directory: it contains " + e.Found
}

// FormatError says that a file has a version that this build does not read.
type FormatError struct {
	File      string
	Got, Want string
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("%s: version %s; this build reads version %s", e.File, e.Got, e.Want)
}

// LockedError says that another driver works in the job directory.
type LockedError struct {
	Path   string
	Holder string // "pid 123 on host", or empty
}

func (e *LockedError) Error() string {
	if e.Holder == "" {
		return e.Path + ": locked by another driver"
	}
	return fmt.Sprintf("%s: locked by another driver, %s", e.Path, e.Holder)
}

// DamagedError says that a file is there and is not what was written.
type DamagedError struct {
	File   string
	Reason string
}

func (e *DamagedError) Error() string { return e.File + ": damaged: " + e.Reason }
