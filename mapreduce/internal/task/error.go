package task

import (
	"context"
	"errors"
	"fmt"
)

// Class tells the scheduler what a failure means. Values are written as names; names are only ever added.
type Class uint8

// The classes of failures.
const (
	Permanent Class = iota // trying again cannot help; a plain error of job code is one
	Retryable              // the same input may pass: I/O, a lost process
	BadRecord              // this record only: reject it and go on
	LostInput              // an input that an earlier task committed is missing or damaged
	Input                  // the job's input, model or labels are wrong: stop the job (exit 4)
	Crash                  // the process died in a way that a record may have caused
	Timeout                // the engine stopped an attempt that made no progress
	Memory                 // the engine stopped an attempt above its memory cap
	Canceled               // the engine stopped an attempt because the job stops
)

func classNames() []string {
	return []string{
		"permanent", "retryable", "bad-record", "lost-input", "input",
		"crash", "timeout", "memory", "canceled",
	}
}

func (c Class) String() string {
	if names := classNames(); int(c) < len(names) {
		return names[c]
	}
	return fmt.Sprintf("class-%d", uint8(c))
}

// MarshalText writes the class by name.
func (c Class) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads a class by name; an unknown name, written by a later version, reads as Permanent.
func (c *Class) UnmarshalText(b []byte) error {
	*c = Permanent
	for i, n := range classNames() {
		if n == string(b) {
			*c = Class(i)
		}
	}
	return nil
}

// Suspicious tells whether a death of this class may be the fault of a record in flight.
func (c Class) Suspicious() bool { return c == Crash || c == Timeout || c == Memory }

// Error is a failure with what the scheduler and the user need to know of it.
type Error struct {
	Op      string  // what was being done, "map", "commit"; may be empty
	Attempt Attempt // the attempt, or the zero value
	Record  int64   // ordinal of the row or group, or -1
	Class   Class
	Lost    []int // LostInput: numbers of the map (or split) tasks whose output is missing or damaged
	Err     error
}

func (e *Error) Error() string {
	s := ""
	if e.Attempt.Task.Stage != "" {
		s = e.Attempt.Task.String() + ": "
	}
	if e.Op != "" {
		s += e.Op + ": "
	}
	if e.Record >= 0 && e.Class != Input {
		s += fmt.Sprintf("record %d: ", e.Record)
	}
	return s + e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }

// New makes an error of a class with no record.
func New(c Class, err error) *Error { return &Error{Record: -1, Class: c, Err: err} }

// Errorf makes an error of a class with a formatted cause.
func Errorf(c Class, format string, args ...any) *Error { return New(c, fmt.Errorf(format, args...)) }

// ClassOf is the class of an error: that of the outermost Error in its chain, Canceled for
// a context that ended, and else Permanent.
func ClassOf(err error) Class {
	var e *Error
	if errors.As(err, &e) {
		return e.Class
	}
	if errors.Is(err, context.Canceled) {
		return Canceled
	}
	return Permanent
}
