package mapreduce

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"

	"github.com/shardmill/shardmill/mapreduce/internal/jobdir"
	"github.com/shardmill/shardmill/mapreduce/internal/plan"
	"github.com/shardmill/shardmill/mapreduce/internal/shuffle"
	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

// ErrUnknownFile reports a file that the engine did not write.
var ErrUnknownFile = errors.New("not a file of a job directory")

// RunFile describes a run file.
type RunFile struct {
	Version int         `json:"version"`
	Streams []RunStream `json:"streams"`
}

// RunStream is a stream in a run file. A width is that of all keys or values in bytes, 0 where they differ.
type RunStream struct {
	Name       string         `json:"name"`
	KeyWidth   int            `json:"key_width"`
	ValueWidth int            `json:"value_width"`
	Partitions []RunPartition `json:"partitions"`
}

// RunPartition is a partition of a stream in a run file.
type RunPartition struct {
	Records    int64 `json:"records"`
	Bytes      int64 `json:"bytes"`      // before compression
	Stored     int64 `json:"stored"`     // in the file
	Blocks     int   `json:"blocks"`     // raw and compressed
	Compressed int   `json:"compressed"` // blocks, with s2
}

// IsRunFile tells whether a file begins as run files do.
func IsRunFile(head []byte) bool { return bytes.HasPrefix(head, []byte(shuffle.Magic)) }

// DescribeRunFile reads all of a run file and checks it.
func DescribeRunFile(path string) (RunFile, error) {
	d, err := shuffle.Describe(path)
	run := RunFile{Version: d.Version}
	for i, s := range d.Streams {
		stream := RunStream{Name: s.Name, KeyWidth: s.KeyWidth, ValueWidth: s.ValueWidth}
		for _, p := range d.Partitions[i] {
			stream.Partitions = append(stream.Partitions, RunPartition{p.Records, p.Bytes, p.Stored, p.Blocks, p.Packed})
		}
		run.Streams = append(run.Streams, stream)
	}
	return run, err
}

// StateFile describes a file of the state of a job: one JSON object.
type StateFile struct {
	Kind    string          `json:"kind"` // "job", "plan", "task record", "stage record", "task assignment", "summary", "job format"
	Version int             `json:"version"`
	Sealed  bool            `json:"sealed"` // it has a checksum, which is right
	Content json.RawMessage `json:"content,omitempty"`
}

// DescribeStateFile reads a file of the state of a job: ErrUnknownFile if it is none, and for one that is damaged or of another
// version an error of which ExitCode knows the meaning.
func DescribeStateFile(path string) (StateFile, error) {
	const most = 1 << 30 // bytes
	info, err := os.Stat(path)
	if err != nil {
		return StateFile{}, err
	}
	if info.Size() > most {
		return StateFile{}, ErrUnknownFile
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return StateFile{}, err
	}
	if version, err := jobdir.Version(b); err == nil {
		n, err := strconv.Atoi(version)
		if err == nil && n != jobdir.JobVersion {
			err = &jobdir.FormatError{File: path, Got: version, Want: strconv.Itoa(jobdir.JobVersion)}
		}
		return StateFile{Kind: "job format", Version: n}, err
	}
	return describeJSON(path, b)
}

func describeJSON(path string, b []byte) (StateFile, error) {
	f := StateFile{Content: b}
	version, err := jobdir.Unseal(path, b)
	f.Version, f.Sealed = version, err == nil
	var has map[string]json.RawMessage
	if jerr := json.Unmarshal(b, &has); jerr != nil {
		if errors.Is(err, jobdir.ErrNotSealed) {
			return f, ErrUnknownFile
		}
		return f, err // it begins as ours and is damaged
	}
	var known int
	f.Kind, known = stateKind(has)
	var damaged *jobdir.DamagedError
	switch {
	case f.Kind == "":
		return f, ErrUnknownFile
	case f.Kind == "summary" && (errors.Is(err, jobdir.ErrNotSealed) || errors.As(err, &damaged)):
		return f, nil // it has no checksum
	case err != nil:
		return f, err
	case version != known:
		return f, &jobdir.FormatError{File: path, Got: strconv.Itoa(version), Want: strconv.Itoa(known)}
	}
	return f, nil
}

// stateKind tells a file by its members, and the version that this build reads.
func stateKind(has map[string]json.RawMessage) (kind string, version int) {
	is := func(names ...string) bool {
		for _, n := range names {
			if _, ok := has[n]; !ok {
				return false
			}
		}
		return true
	}
	switch {
	case is("job", "params", "identity"):
		return "job", jobdir.JobVersion
	case is("job", "state", "exit_code"):
		return "summary", summaryVersion
	case is("task", "attempt", "outputs"):
		return "task record", task.Version
	case is("task", "attempt"):
		return "task assignment", task.Version
	case is("stage", "tasks", "counts"):
		return "stage record", jobdir.DoneVersion
	case is("stage"):
		return "plan", plan.Version
	}
	return "", 0
}

// IsFormat tells whether an error is about a version that this build does not know.
func IsFormat(err error) bool {
	var format *jobdir.FormatError
	var run *shuffle.VersionError
	return errors.As(err, &format) || errors.As(err, &run)
}

// IsDamage tells whether an error is about a file of the engine that is not what was written.
func IsDamage(err error) bool {
	var state *jobdir.DamagedError
	var run *shuffle.DamagedError
	return errors.As(err, &state) || errors.As(err, &run)
}

// String is the widths of a stream for people.
func (s RunStream) String() string {
	width := func(n int) string {
		if n == 0 {
			return "any width"
		}
		return fmt.Sprintf("%d bytes", n)
	}
	return fmt.Sprintf("keys of %s, values of %s", width(s.KeyWidth), width(s.ValueWidth))
}
