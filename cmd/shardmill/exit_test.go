package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/shardmill/shardmill/mapreduce"
)

// said is what the program prints for the end of a job, and its exit code.
func said(dir string, s mapreduce.Summary, err error) (int, string) {
	var b bytes.Buffer
	p := &program{stdout: &bytes.Buffer{}, stderr: &b}
	return p.exit(errors.Join(nil, jobEnd("wordcount", s, dir, err))), b.String()
}

func TestJobEnd(t *testing.T) {
	dir, fresh := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "job.json"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	rejects := mapreduce.Summary{Rows: mapreduce.RowSummary{Rejected: 2}}
	for _, test := range []struct {
		name    string
		summary mapreduce.Summary
		err     error
		code    int
		want    string
	}{
		{"complete", mapreduce.Summary{}, nil, 0, ""},
		{"rejects", rejects, nil, 3, ""},
		{"usage", mapreduce.Summary{}, &mapreduce.UsageError{Err: errors.New("no")}, 2, "shardmill: no\nSee: shardmill wordcount --help\n"},
		{
			"identity",
			mapreduce.Summary{},
			&mapreduce.IdentityError{Dir: "j", Differences: []string{"a is 1 there and 2 here"}}, 2,
			"shardmill: j holds another job, or this one with other parameters:\n  a is 1 there and 2 here\nGive another --out, or remove that folder, or repeat the command that made it.\n",
		},
		{"input", mapreduce.Summary{}, mapreduce.BadInput(errors.New("bad model")), 4, "shardmill: bad model\nCorrect that and repeat the command, with another --out if a flag or a file that was read has to change.\n"},
		{"early input", mapreduce.Summary{}, mapreduce.BadInput(errors.New("bad model")), 4, "shardmill: bad model\nCorrect that and repeat the command.\n"},
		{"early fault", mapreduce.Summary{}, errors.New("a fault"), 1, "shardmill: a fault\nNothing was started.\n"},
		{"other", mapreduce.Summary{}, errors.New("a fault"), 1, "shardmill: a fault\nWhat is done is kept. When the cause is gone: shardmill rerun " + dir + "\n"},
		{"disk", mapreduce.Summary{}, fmt.Errorf("write: %w", syscall.ENOSPC), 1, "shardmill: write: no space left on device\nThe disk is full: make room, then: shardmill rerun " + dir + "\n"},
		{"early", mapreduce.Summary{}, context.Canceled, 130, "shardmill: interrupted before anything was done\n"},
		{"control", mapreduce.Summary{}, errors.New("a\x1b[2Jb"), 1, "shardmill: a\\x1b[2Jb\nWhat is done is kept. When the cause is gone: shardmill rerun " + dir + "\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			at := dir
			if strings.HasPrefix(test.name, "early") {
				at = fresh
			}
			code, text := said(at, test.summary, test.err)
			if code != test.code || text != test.want {
				t.Errorf("exit code %d, expected %d; got\n%swant\n%s", code, test.code, text, test.want)
			}
		})
	}
}

func TestInterruptedJobIsKept(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "job.json"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	code, text := said(dir, mapreduce.Summary{}, context.Canceled)
	want := "shardmill: interrupted; what is done is kept\nRepeat the command to continue, or: shardmill rerun " + dir + "\n"
	if code != 130 || text != want {
		t.Errorf("exit code %d, %q", code, text)
	}
}

func TestFailedTasks(t *testing.T) {
	e := &mapreduce.FailedError{Dir: "job"}
	for i := range 12 {
		e.Tasks = append(e.Tasks, mapreduce.FailedTask{
			Task: fmt.Sprintf("01-count/map-%06d", i), Reason: fmt.Sprintf("01-count/map-%06d: boom\nmore", i), Log: "job/logs/x.txt",
		})
	}
	code, text := said("job", mapreduce.Summary{}, e)
	lines := strings.Split(text, "\n")
	if code != 1 || lines[0] != "shardmill: 12 tasks failed:" || lines[1] != "  01-count/map-000000: boom" || lines[2] != "    more" ||
		lines[3] != "    its log: job/logs/x.txt" {
		t.Errorf("exit code %d:\n%s", code, text)
	}
	if !strings.Contains(text, "\n  and 2 more: see job/summary.json\n") || strings.Contains(text, "map-000010") {
		t.Errorf("the list is not cut:\n%s", text)
	}
	if !strings.HasSuffix(text, "shardmill rerun job\n") {
		t.Errorf("the text does not end with what to do:\n%s", text)
	}
}

// Every exit code that means an error has its way on, in a text of its own or in that of its error.
func TestHints(t *testing.T) {
	withText := map[int]bool{mapreduce.ExitGate: true, mapreduce.ExitInterrupted: true}
	for _, code := range []int{
		mapreduce.ExitFailed, mapreduce.ExitUsage, mapreduce.ExitInput, mapreduce.ExitGate, mapreduce.ExitNoJob,
		mapreduce.ExitLocked, mapreduce.ExitFormat, mapreduce.ExitInterrupted,
	} {
		if got := hint(code, errors.New("x"), "."); (got == "") != withText[code] {
			t.Errorf("hint of exit code %d is %q", code, got)
		}
		if !strings.Contains(exitCodes, fmt.Sprintf(" %d  ", code)) {
			t.Errorf("help does not explain exit code %d", code)
		}
	}
}

// TestHintNoJob: the folder of another program's job is one.
func TestHintNoJob(t *testing.T) {
	dir := t.TempDir()
	if got := hint(mapreduce.ExitNoJob, errors.New("no job"), dir); got != "A job directory is what --out named when the job was started." {
		t.Error(got)
	}
	if err := os.WriteFile(filepath.Join(dir, "job.json"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := hint(mapreduce.ExitNoJob, errors.New("no job"), dir); got != "Use the program that made it." {
		t.Error(got)
	}
}
