package mapreduce

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/shardmill/shardmill/mapreduce/internal/jobdir"
	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

// The exit codes of a program that runs jobs. They are an interface: schedulers act on them.
const (
	ExitComplete    = 0   // every row is in the results, or dropped by a rule
	ExitFailed      = 1   // a task failed, or a check of ours found a fault
	ExitUsage       = 2   // the command line is wrong, or the job directory is another job's
	ExitRejects     = 3   // complete, and some rows are among the rejects
	ExitInput       = 4   // the input, model or labels are wrong
	ExitGate        = 5   // too many rejects
	ExitNoJob       = 10  // no such job directory or job
	ExitLocked      = 11  // another driver works in the job directory
	ExitFormat      = 12  // the job directory has a format that this version does not know
	ExitInterrupted = 130 // stopped by SIGINT or SIGTERM; the same command continues
)

// errNoSuchJob is the cause where a job is asked for that the program does not have.
var errNoSuchJob = errors.New("this program has no such job")

// UsageError is a command line that cannot be carried out.
type UsageError struct{ Err error }

func (e *UsageError) Error() string { return e.Err.Error() }

func (e *UsageError) Unwrap() error { return e.Err }

// IdentityError says that a job directory belongs to a job with other parameters or inputs.
type IdentityError struct {
	Dir         string
	Differences []string
	Barren      bool // nothing of the input has been taken there: nothing is lost with the folder
}

func (e *IdentityError) Error() string {
	value := ""
	if e.Barren {
		value = " (it has read nothing of its input yet)"
	}
	return fmt.Sprintf("%s holds another job, or this one with other parameters:\n  %s\nGive another --out, or remove that folder%s, or repeat the command that made it.",
		e.Dir, strings.Join(e.Differences, "\n  "), value)
}

// GateError says that a job was stopped because too many of its rows were rejected.
type GateError struct {
	Rejects, Rows int64
	Limit         MaxRejects
	Held          bool // the results were laid out in held/
}

func (e *GateError) Error() string {
	where := "no new tasks were started; the same command with a higher --max-rejects continues"
	if e.Held {
		where = "the results are in held/ instead of out/; look at rejects/, or repeat the command with a higher --max-rejects"
	}
	return fmt.Sprintf("%d of %d rows were rejected, more than --max-rejects %s: %s", e.Rejects, e.Rows, e.Limit, where)
}

// FailedError lists tasks that failed for good.
type FailedError struct {
	Dir   string
	Tasks []FailedTask
	// Barren says that nothing of the input has been taken: nothing is lost with Dir.
	Barren bool
}

// FailedTask is a task that failed for good.
type FailedTask struct {
	Task   string `json:"task"`
	Class  string `json:"class"`
	Reason string `json:"reason"`
	Log    string `json:"log"`
}

const failedShown = 10

func (e *FailedError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d of the tasks failed:", len(e.Tasks))
	for i, t := range e.Tasks {
		if i == failedShown {
			fmt.Fprintf(&b, "\n  and %d more: see summary.json", len(e.Tasks)-i)
			break
		}
		fmt.Fprintf(&b, "\n  %s: %s", t.Task, strings.ReplaceAll(t.Reason, "\n", "\n    "))
	}
	fmt.Fprintf(&b, "\nWhat is done is kept. Once the cause is gone, repeat the command, or: rerun %s", e.Dir)
	return b.String()
}

// ExitCode is the exit code for what Run or Resume returned.
func ExitCode(s Summary, err error) int {
	var usage *UsageError
	var identity *IdentityError
	var gate *GateError
	var notJob *jobdir.NotJobError
	var locked *jobdir.LockedError
	var format *jobdir.FormatError
	switch {
	case err == nil && s.Rows.Rejected > 0:
		return ExitRejects
	case err == nil:
		return ExitComplete
	case errors.Is(err, context.Canceled) || ClassOf(err) == task.Canceled:
		return ExitInterrupted
	case errors.As(err, &usage) || errors.As(err, &identity) || errors.As(err, &notJob):
		return ExitUsage
	case errors.Is(err, jobdir.ErrNoJob) || errors.Is(err, errNoSuchJob):
		return ExitNoJob
	case errors.As(err, &locked):
		return ExitLocked
	case errors.As(err, &format):
		return ExitFormat
	case errors.As(err, &gate):
		return ExitGate
	case ClassOf(err) == Input:
		return ExitInput
	}
	return ExitFailed
}
