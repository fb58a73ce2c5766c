// Package task holds the nouns that every part of the engine speaks: task,
// attempt, assignment, result, record and error class. It knows no files and no processes.
//
// A task is one unit of work of a stage, an attempt is one try at it. The driver
// writes an Assignment for an attempt, a worker answers with a Result, and the
// driver commits that as a Record, which is the only proof that the task is done.
package task

import (
	"fmt"
	"strconv"
	"strings"
)

// Kind is the kind of a task.
type Kind string

// The kinds of tasks. A stage has either scan, split or map tasks, and then reduce tasks where it has streams.
const (
	Scan   Kind = "scan"
	Split  Kind = "split"
	Map    Kind = "map"
	Reduce Kind = "reduce"
)

// ID names a task of a job: "01-classify/map-000007".
type ID struct {
	Stage string // folder name of the stage: "01-classify"
	Kind  Kind
	Index int
}

// Name is the task's name inside its stage: "map-000007".
func (id ID) Name() string { return fmt.Sprintf("%s-%06d", id.Kind, id.Index) }

func (id ID) String() string { return id.Stage + "/" + id.Name() }

// MarshalText writes the task as "01-classify/map-000007".
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText is the inverse of MarshalText.
func (id *ID) UnmarshalText(b []byte) error {
	got, err := ParseID(string(b))
	if err != nil {
		return err
	}
	*id = got
	return nil
}

// ParseID reads a task's name as users write it, "01-classify/map-000007".
func ParseID(s string) (ID, error) {
	stage, name, ok := strings.Cut(s, "/")
	kind, index, ok2 := strings.Cut(name, "-")
	n, err := strconv.Atoi(index)
	id := ID{Stage: stage, Kind: Kind(kind), Index: n}
	if !ok || !ok2 || err != nil || n < 0 || rank(id.Kind) == unknown || stage == "" || id.Name() != name {
		return ID{}, fmt.Errorf("%q is not a task: write STAGE/KIND-NUMBER with six digits, as in 01-classify/map-000007", s)
	}
	return id, nil
}

// Compare orders tasks by stage, then kind (scan, split, map, reduce), then number.
func (id ID) Compare(o ID) int {
	if c := strings.Compare(id.Stage, o.Stage); c != 0 {
		return c
	}
	if c := rank(id.Kind) - rank(o.Kind); c != 0 {
		return c
	}
	return id.Index - o.Index
}

// unknown is the rank of a kind that is none of ours.
const unknown = 4

func rank(k Kind) int {
	switch k {
	case Scan:
		return 0
	case Split:
		return 1
	case Map:
		return 2
	case Reduce:
		return 3
	}
	return unknown
}

// Attempt is one try at a task. Numbers count from 1 and are never used twice in a job directory.
type Attempt struct {
	Task   ID  `json:"task"`
	Number int `json:"attempt"`
}

// Name is the attempt's name inside its stage: "map-000007.a2".
func (a Attempt) Name() string { return fmt.Sprintf("%s.a%d", a.Task.Name(), a.Number) }

func (a Attempt) String() string { return a.Task.Stage + "/" + a.Name() }

// Folder is the attempt's folder inside tmp/: "01-classify.map-000007.a2".
func (a Attempt) Folder() string { return a.Task.Stage + "." + a.Name() }

// Span is a half-open range of ordinals: rows of a shard, or key groups of a partition.
type Span struct {
	Lo int64 `json:"lo"`
	Hi int64 `json:"hi"`
}

// Len is the number of ordinals in the span.
func (s Span) Len() int64 { return max(0, s.Hi-s.Lo) }

// Contains tells whether n lies in the span.
func (s Span) Contains(n int64) bool { return s.Lo <= n && n < s.Hi }

// Intersect is the part of s that lies in o.
func (s Span) Intersect(o Span) Span {
	return Span{Lo: max(s.Lo, o.Lo), Hi: max(max(s.Lo, o.Lo), min(s.Hi, o.Hi))}
}
