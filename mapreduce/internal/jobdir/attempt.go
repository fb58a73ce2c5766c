package jobdir

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/shardmill/shardmill/mapreduce/internal/fsx"
	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

// tailBytes bounds what LogTail reads.
const tailBytes = 4096

// parseAttempt reads an attempt out of the name of one of its files, "map-000007.a2-0001.parquet".
func parseAttempt(stage, file string) (task.Attempt, bool) {
	name, rest, ok := strings.Cut(file, ".a")
	if !ok {
		return task.Attempt{}, false
	}
	id, err := task.ParseID(stage + "/" + name)
	end := strings.IndexAny(rest, ".-")
	if err != nil || end < 0 {
		return task.Attempt{}, false
	}
	n, err := strconv.Atoi(rest[:end])
	a := task.Attempt{Task: id, Number: n}
	return a, err == nil && n > 0 && strings.HasPrefix(file, a.Name())
}

// LastAttempts gives the highest attempt number so far of each task of a stage that was ever begun.
// The next attempt of a task gets one more, and one more than that of its record where the
// record's is higher, as when somebody has removed logs.
func (d *Dir) LastAttempts(stage string) (map[task.ID]int, error) {
	entries, err := d.readDir("logs", stage)
	last := make(map[task.ID]int, len(entries))
	for _, e := range entries {
		if a, ok := parseAttempt(stage, e.Name()); ok {
			last[a.Task] = max(last[a.Task], a.Number)
		}
	}
	return last, wrap("list logs", stage, err)
}

// Begin opens an attempt: its log, empty, which takes the number (fs.ErrExist if it is taken), and
// its folder with task.json, whose absolute path it returns.
func (d *Dir) Begin(as task.Assignment) (string, error) {
	folder, err := d.begin(as)
	if err != nil {
		return "", fmt.Errorf("begin %s: %w", as.Attempt, err)
	}
	return folder, nil
}

func (d *Dir) begin(as task.Assignment) (string, error) {
	as.Version = task.Version
	b, err := seal(as)
	if err != nil {
		return "", err
	}
	log := d.LogPath(as.Attempt)
	if err := d.mkdirs(filepath.Dir(log)); err != nil {
		return "", err
	}
	if err := create(d.fs, log, false, bytesTo(nil)); err != nil {
		return "", err
	}
	folder := d.folder(as.Attempt)
	if err := d.fs.Mkdir(folder); err != nil {
		return "", err
	}
	return folder, create(d.fs, filepath.Join(folder, "task.json"), false, bytesTo(b))
}

// folder is where an attempt writes: tmp/ATTEMPT.
func (d *Dir) folder(a task.Attempt) string { return d.Path("tmp", a.Folder()) }

// ReadAssignment reads what Begin wrote into the folder of an attempt.
func (d *Dir) ReadAssignment(folder string) (task.Assignment, error) {
	var as task.Assignment
	file := filepath.Join(folder, "task.json")
	if err := readSealed(d.fs, file, task.Version, &as); err != nil {
		return task.Assignment{}, err
	}
	if filepath.Base(folder) != as.Folder() {
		return task.Assignment{}, &DamagedError{File: file, Reason: "it is of " + as.String()}
	}
	return as, nil
}

// WriteResult ends an attempt that went well. The outputs lie in the folder already. Nothing is
// fsynced: Check does that.
func (d *Dir) WriteResult(folder string, r task.Result) error {
	r.Version = task.Version
	b, err := seal(r)
	if err != nil {
		return err
	}
	return create(d.fs, filepath.Join(folder, "result.json"), false, bytesTo(b))
}

// Discard removes the folder of an attempt. Its log stays.
func (d *Dir) Discard(a task.Attempt) error { return fsx.RemoveAll(d.fs, d.folder(a)) }

// LogPath is the file of an attempt's stdout and stderr.
func (d *Dir) LogPath(a task.Attempt) string {
	return d.Path("logs", a.Task.Stage, a.Name()+".txt")
}

// LogTail is at most the last n lines, and the last 4096 bytes, of an attempt's log, for an error
// message; empty if it cannot be read.
func (d *Dir) LogTail(a task.Attempt, n int) string {
	b, err := d.tail(d.LogPath(a))
	if err != nil {
		return ""
	}
	lines := strings.Split(strings.TrimRight(strings.ToValidUTF8(string(b), "?"), "\r\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

func (d *Dir) tail(file string) ([]byte, error) {
	info, err := d.fs.Stat(file)
	if err != nil {
		return nil, err
	}
	f, err := d.fs.Open(file)
	if err != nil {
		return nil, err
	}
	b := make([]byte, tailBytes)
	n, err := f.ReadAt(b, max(0, info.Size()-tailBytes))
	_ = f.Close() // only read
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return b[:n], nil
}
