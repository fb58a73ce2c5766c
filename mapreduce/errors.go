package mapreduce

import (
	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

// Class tells what a failure means for the scheduler. See the constants.
type Class = task.Class

// Error is a failure with its class, task and record.
type Error = task.Error

// The classes that job code may give its errors. An error without one is Permanent.
const (
	Permanent = task.Permanent // trying again cannot help
	Retryable = task.Retryable // the same input may pass: I/O, a lost process
	BadRecord = task.BadRecord // only this record is bad
	Input     = task.Input     // the input, model or labels are wrong: the job stops with exit code 4
)

// Retry marks an error as transient: the attempt is tried again after a pause.
func Retry(err error) error { return task.New(task.Retryable, err) }

// BadInput marks an error as one of the job's input, model or labels: the job stops with exit code 4.
func BadInput(err error) error { return task.New(task.Input, err) }

// ClassOf is the class of an error, Permanent where it has none.
func ClassOf(err error) Class { return task.ClassOf(err) }
