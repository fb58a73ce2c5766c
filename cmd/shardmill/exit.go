package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/shardmill/shardmill/mapreduce"
)

// exitError carries the exit code of a command that has said all there is to say, or that has an error with a
// code and a way on of its own.
type exitError struct {
	code int
	err  error // nil if there is nothing to print
	hint string
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// exit turns the error of a command into its text on stderr, once, and the exit code.
func (p *program) exit(err error) int {
	if err == nil {
		return mapreduce.ExitComplete
	}
	e := &exitError{code: mapreduce.ExitCode(mapreduce.Summary{}, err), err: err}
	errors.As(err, &e)
	if e.err != nil {
		p.say("shardmill: %s", e.err.Error())
	}
	hint := e.hint
	var usage *commandError
	if errors.As(err, &usage) {
		hint = "See: " + strings.TrimSpace("shardmill "+usage.command) + " --help"
	}
	if hint != "" {
		p.say("%s", hint)
	}
	return e.code
}

// say writes lines to stderr. What comes from file names and libraries may hold control characters, which
// a terminal must not see.
func (p *program) say(format string, args ...any) {
	_, _ = fmt.Fprintln(p.stderr, printable(fmt.Sprintf(format, args...)))
}

// jobEnd is how a command that ran a job ends: with its exit code, and with its error said so that people
// know what to do.
func jobEnd(command string, s mapreduce.Summary, dir string, err error) error {
	code := mapreduce.ExitCode(s, err)
	if code == mapreduce.ExitComplete {
		return nil
	}
	var failed *mapreduce.FailedError
	var usage *mapreduce.UsageError
	var gone *mapreduce.IdentityError
	e := &exitError{code: code, err: err, hint: hint(code, err, dir)}
	switch {
	case code == mapreduce.ExitInterrupted:
		e.hint, e.err = interrupted(dir)
	case errors.As(err, &failed):
		e.err = errors.New(failedText(failed))
	case errors.As(err, &usage):
		return &commandError{command, &mapreduce.UsageError{Err: err}}
	case errors.As(err, &gone):
		e.hint = "" // its text has it
	}
	return e
}

// hint says what to do about an error, where its own text does not.
func hint(code int, err error, dir string) string {
	_, missing := os.Stat(filepath.Join(dir, "job.json"))
	switch code {
	case mapreduce.ExitFailed:
		if failed := (*mapreduce.FailedError)(nil); missing != nil && !errors.As(err, &failed) {
			return "Nothing was started."
		}
		if failed := (*mapreduce.FailedError)(nil); errors.As(err, &failed) && failed.Barren && !full(dir) {
			return fmt.Sprintf("When the cause is gone: shardmill rerun %s\nNothing of the input is used yet: a command with other inputs wants another --out, or\n%s removed, with which nothing is lost.", dir, dir)
		}
		if errors.Is(err, syscall.ENOSPC) || full(dir) {
			return fmt.Sprintf("The disk is full: make room, then: shardmill rerun %s", dir)
		}
		return fmt.Sprintf("What is done is kept. When the cause is gone: shardmill rerun %s", dir)
	case mapreduce.ExitUsage:
		return "Give another --out."
	case mapreduce.ExitInput:
		if missing == nil {
			return "Correct that and repeat the command, with another --out if a flag or a file that was read has to change."
		}
		return "Correct that and repeat the command."
	case mapreduce.ExitGate:
		if gate := (*mapreduce.GateError)(nil); errors.As(err, &gate) && gate.Held {
			return fmt.Sprintf("To see the reasons: shardmill show --rejects %s", dir)
		}
	case mapreduce.ExitNoJob:
		if missing == nil {
			return "Use the program that made it."
		}
		return "A job directory is what --out named when the job was started."
	case mapreduce.ExitLocked:
		return fmt.Sprintf("Wait until it has ended; to look at it: shardmill status %s", dir)
	case mapreduce.ExitFormat:
		return "Use the version of shardmill that made it, or another --out."
	}
	return ""
}

// interrupted says what an interrupted run leaves, and how to go on.
func interrupted(dir string) (hint string, text error) {
	if _, err := os.Stat(filepath.Join(dir, "job.json")); err != nil {
		return "", errors.New("interrupted before anything was done")
	}
	return fmt.Sprintf("Repeat the command to continue, or: shardmill rerun %s", dir), errors.New("interrupted; what is done is kept")
}

// tasksShown bounds the list of failed tasks.
const tasksShown = 10

// failedText lists the tasks that failed, each with its reason and its log.
func failedText(e *mapreduce.FailedError) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s failed:", counted(int64(len(e.Tasks)), "task"))
	for i, t := range e.Tasks {
		if i == tasksShown {
			fmt.Fprintf(&b, "\n  and %d more: see %s", len(e.Tasks)-i, filepath.Join(e.Dir, "summary.json"))
			break
		}
		reason := strings.TrimPrefix(t.Reason, t.Task+": ")
		fmt.Fprintf(&b, "\n  %s: %s\n    its log: %s", t.Task, strings.ReplaceAll(reason, "\n", "\n    "), t.Log)
	}
	return b.String()
}
