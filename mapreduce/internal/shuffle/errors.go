package shuffle

import (
	"errors"
	"fmt"
	"io"
)

// ErrRecordTooLarge is the cause when a record's framed length exceeds 1 GiB.
var ErrRecordTooLarge = errors.New("record exceeds 1 GiB")

// DamagedError reports a file whose bytes are not what its writer wrote. For a
// run file the remedy is to run its map task again.
type DamagedError struct {
	Path  string // the file
	What  string // the part that is wrong, and how
	Spill bool   // the file is a temporary one of an [Input], not a run file
}

// Error names the file and what is wrong with it.
func (e *DamagedError) Error() string {
	kind := "run file"
	if e.Spill {
		kind = "spill"
	}
	return fmt.Sprintf("%s %s is damaged: %s", kind, e.Path, e.What)
}

// VersionError reports a run file of a format version that this build cannot
// read.
type VersionError struct {
	Path    string // the file
	Version uint32 // the version that it names
}

// Error names the file and both versions.
func (e *VersionError) Error() string {
	return fmt.Sprintf("run file %s has format version %d, this build reads %d", e.Path, e.Version, version)
}

// readError turns the end of a file where bytes should be into damage, and
// leaves other errors of the filesystem as they are.
func readError(path, noun string, err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return &DamagedError{Path: path, What: noun + " ends early"}
	}
	return fmt.Errorf("read %s: %w", noun, err)
}
