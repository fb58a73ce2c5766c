package jobdir

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
	"unicode/utf8"

	"github.com/shardmill/shardmill/mapreduce/internal/fsx"
)

// JobVersion is the version of job.json.
const JobVersion = 1

const (
	formatMagic   = "shardmill-job "
	formatVersion = "1"
)

// Job says what a job is: job.json. It never changes once the directory is made.
type Job struct {
	Version    int             `json:"version"` // set by Create
	Job        string          `json:"job"`
	JobVersion int             `json:"job_version"`
	Params     json.RawMessage `json:"params"`
	// Identity is what else can change output bytes, by name: partitions, shard size, limit,
	// digests of models.
	Identity map[string]string `json:"identity"`
	Inputs   []Input           `json:"inputs"`
	Tool     string            `json:"tool"` // the build that created the directory
}

// Input is one input of a job as the user named it.
type Input struct {
	Name    string    `json:"name"` // as given
	Path    string    `json:"path"` // absolute
	Dir     bool      `json:"dir,omitempty"`
	Size    int64     `json:"size"` // bytes
	ModTime time.Time `json:"mtime"`
}

// Dir is an open job directory. Its methods are safe for concurrent use, except where they say that the
// driver alone calls them.
type Dir struct {
	fs   fsx.FS
	path string
	job  Job

	mu     sync.Mutex
	made   map[string]bool // folders whose names this process has fsynced
	lock   io.Closer       // nil while not locked
	events fsx.File        // nil until the first event

	buffers sync.Pool // of *[copyBytes]byte
}

// Job is what job.json says. Params are compact JSON.
func (d *Dir) Job() Job { return d.job }

// Path joins names to the absolute path of the job directory.
func (d *Dir) Path(elem ...string) string {
	return filepath.Join(append([]string{d.path}, elem...)...)
}

// Create makes a job directory and locks it. The path must be absent, an empty folder, or what an
// interrupted Create left: else *NotJobError, or fs.ErrExist when a job is there.
func Create(fsys fsx.FS, path string, j Job) (*Dir, error) {
	d, err := newDir(fsys, path)
	if err != nil {
		return nil, err
	}
	j.Version = JobVersion
	if err := checkNames(j.Inputs); err != nil {
		return nil, fmt.Errorf("create %s: %w", d.path, err)
	}
	if err := d.create(j); err != nil {
		_ = d.Unlock() // the reason to stop is err
		return nil, fmt.Errorf("create %s: %w", d.path, err)
	}
	return d, nil
}

func newDir(fsys fsx.FS, path string) (*Dir, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	return &Dir{fs: fsys, path: abs, made: map[string]bool{}}, nil
}

// checkNames refuses names that JSON would not keep.
func checkNames(inputs []Input) error {
	for _, in := range inputs {
		if !utf8.ValidString(in.Name) || !utf8.ValidString(in.Path) {
			return fmt.Errorf("input %q: the name is not valid UTF-8", in.Path)
		}
	}
	return nil
}

func (d *Dir) create(j Job) error {
	if err := makeRoot(d.fs, d.path); err != nil {
		return err
	}
	if err := d.checkOurs(); err != nil {
		return err
	}
	if err := d.Lock(); err != nil {
		return err
	}
	if err := d.checkOurs(); err != nil { // again: another may have finished creating it
		return err
	}
	if err := d.writeFormat(); err != nil {
		return err
	}
	for _, name := range []string{"tmp", "stages", "logs"} {
		if err := d.mkdirs(d.Path(name)); err != nil {
			return err
		}
	}
	if err := d.writeOnce(j, "job.json"); err != nil {
		return err
	}
	return d.readJob()
}

// makeRoot makes the job's folder and those above it that are missing, each fsynced in its parent.
func makeRoot(fsys fsx.FS, path string) error {
	parent := filepath.Dir(path)
	err := fsys.Mkdir(path)
	if errors.Is(err, fs.ErrNotExist) && parent != path {
		if err := makeRoot(fsys, parent); err != nil {
			return err
		}
		err = fsys.Mkdir(path)
	}
	there := errors.Is(err, fs.ErrExist)
	if err != nil && !there {
		return err
	}
	err = fsys.Sync(parent) // also if there: its maker may have died before
	if there && errors.Is(err, fs.ErrPermission) {
		return nil // somebody else's folder, not made here
	}
	return err
}

// checkOurs tells whether a folder is empty or holds only what Create writes before job.json.
func (d *Dir) checkOurs() error {
	entries, err := d.fs.ReadDir(d.path)
	if err != nil {
		return err
	}
	ours := []string{"LOCK", "FORMAT.tmp"}
	if err := checkFormat(d.fs, d.path); err == nil {
		ours = append(ours, "FORMAT", "tmp", "stages", "logs")
		if slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == "job.json" }) {
			return &fs.PathError{Op: "create", Path: d.Path("job.json"), Err: fs.ErrExist}
		}
	} else if !errors.Is(err, ErrNoJob) {
		return err
	}
	for _, e := range entries {
		if !slices.Contains(ours, e.Name()) {
			return &NotJobError{Found: e.Name()}
		}
	}
	return d.checkUnused()
}

// checkUnused refuses a job at work whose job.json was lost.
func (d *Dir) checkUnused() error {
	for _, folder := range []string{"stages", "logs"} {
		entries, err := d.readDir(folder)
		if err != nil {
			return err
		}
		if len(entries) > 0 {
			return &NotJobError{Found: folder + "/" + entries[0].Name() + ", but no job.json"}
		}
	}
	return nil
}

func (d *Dir) writeFormat() error {
	if err := checkFormat(d.fs, d.path); err == nil {
		return nil // taken over
	}
	tmp := d.Path("FORMAT.tmp")
	if err := draft(d.fs, tmp, bytesTo([]byte(formatMagic+formatVersion+"\n"))); err != nil {
		return err
	}
	return replace(d.fs, tmp, d.Path("FORMAT"))
}

// checkFormat reads FORMAT: ErrNoJob if it is missing or something else, *FormatError.
func checkFormat(fsys fsx.FS, path string) error {
	file := filepath.Join(path, "FORMAT")
	b, err := fsx.ReadFile(fsys, file)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: %w", path, ErrNoJob)
	}
	if errors.Is(err, syscall.ENOTDIR) {
		return fmt.Errorf("%s: %w: it is a file, or below one", path, ErrNoJob)
	}
	if err != nil {
		return err
	}
	version, ok := cutFormat(b)
	if !ok {
		return fmt.Errorf("%s: %w: FORMAT is not one of ours", path, ErrNoJob)
	}
	if version != formatVersion {
		return &FormatError{File: file, Got: version, Want: formatVersion}
	}
	return nil
}

func cutFormat(b []byte) (version string, ok bool) {
	version, begins := strings.CutPrefix(string(b), formatMagic)
	version, ends := strings.CutSuffix(version, "\n")
	return version, begins && ends
}

// Is tells whether a folder is a job directory, of whatever format.
func Is(fsys fsx.FS, path string) bool {
	err := checkFormat(fsys, path)
	var other *FormatError
	return err == nil || errors.As(err, &other)
}

// Open opens a job directory without locking it: ErrNoJob, *FormatError or, for job.json,
// *DamagedError.
func Open(fsys fsx.FS, path string) (*Dir, error) {
	d, err := newDir(fsys, path)
	if err != nil {
		return nil, err
	}
	if err := checkFormat(fsys, d.path); err != nil {
		return nil, err
	}
	if err := d.readJob(); err != nil {
		return nil, err
	}
	return d, nil
}

func (d *Dir) readJob() error {
	err := readSealed(d.fs, d.Path("job.json"), JobVersion, &d.job)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: %w: its creation was interrupted", d.path, ErrNoJob)
	}
	if err != nil {
		return err
	}
	var params bytes.Buffer // sealing indented them
	if err := json.Compact(&params, d.job.Params); err != nil {
		return err
	}
	d.job.Params = params.Bytes()
	return nil
}
