package jobdir

import (
	"errors"
	"io/fs"

	"github.com/shardmill/shardmill/mapreduce/internal/fsx"
	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

// Look opens a job directory as Open does, without locking it, but also where job.json is damaged or was lost from
// a job at work: then there is a *DamagedError beside the directory, whose Job is empty.
func Look(fsys fsx.FS, path string) (*Dir, error) {
	d, err := newDir(fsys, path)
	if err != nil {
		return nil, err
	}
	if err := checkFormat(fsys, d.path); err != nil {
		return nil, err
	}
	err = d.readJob()
	var damaged *DamagedError
	switch {
	case errors.As(err, &damaged):
		return d, err
	case errors.Is(err, ErrNoJob):
		if stages, serr := d.Stages(); serr == nil && len(stages) > 0 {
			return d, &DamagedError{File: d.Path("job.json"), Reason: "it is missing"}
		}
	}
	if err != nil {
		return nil, err
	}
	return d, nil
}

// VerifyFile compares a file, wherever it lies, with size and CRC-32C of an output: fs.ErrNotExist if it is
// missing, *DamagedError if it is something else.
func (d *Dir) VerifyFile(file string, o task.Output) error { return d.verify(file, o) }

// Unseal checks frame and checksum of a sealed file of any version and returns that version. The error is a *DamagedError, or
// ErrNotSealed for a file that does not begin as one.
func Unseal(file string, b []byte) (version int, err error) {
	if version, err = sealedVersion(b); err != nil {
		return 0, ErrNotSealed
	}
	var any struct{}
	return version, unseal(file, b, version, &any)
}

// ErrNotSealed reports a file that does not begin with a version.
var ErrNotSealed = errors.New("not a sealed file")

// Version is the version that a file FORMAT names: fs.ErrInvalid if it is none.
func Version(b []byte) (string, error) {
	version, ok := cutFormat(b)
	if !ok {
		return "", fs.ErrInvalid
	}
	return version, nil
}
