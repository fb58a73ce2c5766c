package worker

import (
	"errors"
	"strings"
	"time"

	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

// Protocol is the version of the messages and of the record cell.
const Protocol = 1

// Hello opens the conversation: driver to worker.
type Hello struct {
	Protocol  int    `json:"protocol"`   // filled in by Start
	Build     string `json:"build"`      // filled in by Start where empty: BuildID of the driver
	Job       string `json:"job"`        // the job directory, absolute
	MemoryCap int64  `json:"memory_cap"` // bytes, 0: none; filled in by Start
	// Profile is what the names of the worker's profiles begin with, absolute; empty: none are taken.
	Profile string `json:"profile,omitempty"`
}

// Ready answers Hello: what the worker will run.
type Ready struct {
	Protocol int    `json:"protocol"` // filled in by Serve
	Job      string `json:"job"`      // name of the job
	Version  int    `json:"version"`  // of the job
	Params   string `json:"params"`   // digest of the job's parameters
}

// Run asks for one attempt, which leaves its result in the attempt's folder.
type Run struct {
	Folder string `json:"folder"` // tmp/ATTEMPT, absolute, with task.json inside
	Log    string `json:"log"`    // file for standard output and error, which exists; empty: as before
}

// Probe asks for the construction of a stage's mapper: it loads the model.
type Probe struct {
	Stage string `json:"stage"`
	Log   string `json:"log"` // as in Run
}

// Request is one call of a worker: exactly one of Run and Probe is set.
type Request struct {
	Run   *Run   `json:"run,omitempty"`
	Probe *Probe `json:"probe,omitempty"`
	// Timeout stops the worker after this time without a beat or a change of the span in flight; 0: never.
	// It stays with the driver.
	Timeout time.Duration `json:"-"`
}

// Log is the file that the worker writes its output to during the request.
func (r Request) Log() string {
	switch {
	case r.Run != nil:
		return r.Run.Log
	case r.Probe != nil:
		return r.Probe.Log
	}
	return ""
}

// message is a line to the worker, one of three.
type message struct {
	Hello *Hello `json:"hello,omitempty"`
	Request
}

// reply is a line from the worker, one of three.
type reply struct {
	Ready *Ready   `json:"ready,omitempty"`
	Done  *done    `json:"done,omitempty"`
	Fail  *failure `json:"fail,omitempty"`
}

type done struct{}

// failure is what crosses of an error.
type failure struct {
	Class  task.Class `json:"class"`
	Text   string     `json:"text"`
	Record int64      `json:"record"`
	Lost   []int      `json:"lost,omitempty"`
}

// textLimit bounds the text of an error on the pipe, in bytes.
const textLimit = 8 << 10

func failureOf(err error) *failure {
	f := &failure{Class: task.ClassOf(err), Text: err.Error(), Record: -1}
	var e *task.Error
	if errors.As(err, &e) {
		// The record crosses as a number and the driver knows the attempt: neither is said twice.
		bare := task.Error{Op: e.Op, Record: -1, Class: e.Class, Err: e.Err}
		f.Text = strings.Replace(f.Text, e.Error(), bare.Error(), 1)
		f.Record, f.Lost = e.Record, e.Lost
	}
	f.Text = strings.ToValidUTF8(f.Text[:min(len(f.Text), textLimit)], "\uFFFD")
	return f
}

// Failed is the report of a request that ended in err without a death, as a driver gets it
// from a worker: class, text, record and lost tasks. A nil err makes the report of success.
func Failed(err error) Report {
	if err == nil {
		return Report{}
	}
	return Report{Err: failureOf(err).err()}
}

func (f *failure) err() *task.Error {
	return &task.Error{Record: f.Record, Class: f.Class, Lost: f.Lost, Err: errors.New(f.Text)}
}
