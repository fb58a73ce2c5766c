// Package sched decides which attempt of one stage runs next and what the end of an attempt means.
//
// It is a state machine and nothing else: no goroutine, no clock, no I/O, no randomness. The
// driver asks Next for work, runs it, and reports the end with Done, which answers with what was
// decided. The time is passed in.
//
//	waiting --Next--> running --ok--------------------> committed
//	   ^                 |                                  |
//	   |                 +--permanent, input, tries out--> failed
//	   +--retryable------+                                  |
//	   |                 +--crash, timeout, memory--> isolating --probes answered--+
//	   +---------------------------------------------------------------------------+
//	   +--a reduce lost its output------------------(committed)
//
// Order. The lowest task that is ready starts first, and reduces start only while every map is
// committed. Probes of tasks under isolation and other attempts take turns when both are ready:
// isolation is a chain of short attempts, one at a time for each task, so putting it last would
// make it the tail of the stage, and putting it first would let a shard full of bad rows hold the
// only worker for hours.
//
// Isolation. When an attempt dies, the rows in flight are suspects. Spans of suspects are probed,
// lowest first, each in a fresh worker. A span that passes is cleared. In one that dies, the rows
// before its reported suspects are cleared, the suspects are halved and the rest is still to be
// probed. A row that dies alone twice is excluded. When nothing is left to probe, the full attempt
// runs again with all exclusions; if none was found, that counts as a try, and the attempts after it
// are serial, since what killed the worker may be several rows at once.
//
// A row or group that job code itself refuses after it has written something is excluded at once.
//
// Everything terminates. Give a span of n rows the weight 3n-1, and one less once its only row has
// died. Spans are never empty. A probe that is answered lowers the sum of weights: passing removes a span;
// halving turns 3n-1 into two that sum to 3n-2 or, cut to fewer rows, to less; a first death alone
// takes 1, and the second removes the span. A probe that is not answered is repeated at most Tries-1 times.
// So each isolation ends, and it has excluded a row, of which there are finitely many, or it
// uses a try. Every other way back to waiting uses a try of the task, or, for a reduce that lost its input, a
// try of a map since the reduce started. Cancellations count nothing: the driver cancels only to stop.
package sched

import (
	"fmt"
	"time"

	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

// Config holds the rules of a stage. The zero value means the defaults.
type Config struct {
	Tries    int                         // failed tries after which a task fails; 0 means 3
	Backoff  func(try int) time.Duration // wait after failed try 1, 2, ...; nil means 0 s, 1 s, 4 s, then doubling up to 1 min
	FailFast bool                        // the first failed task stops the stage
}

func (c Config) withDefaults() Config {
	if c.Tries <= 0 {
		c.Tries = 3
	}
	if c.Backoff == nil {
		c.Backoff = backoff
	}
	return c
}

func backoff(try int) time.Duration {
	switch {
	case try <= 1:
		return 0
	case try == 2:
		return time.Second
	default:
		return min(time.Minute, 4*time.Second<<min(try-3, 8))
	}
}

// Work is an attempt to start.
type Work struct {
	task.Attempt
	Probe   *task.Span       // run only these rows (groups of a reduce), without a result
	Exclude []task.Exclusion // ascending; shared with the State, never to be changed
	Fresh   bool             // run in a worker process that has done nothing before
	Serial  bool             // without looking ahead: a death before this blamed no row alone
}

// Outcome is how an attempt ended.
type Outcome struct {
	Err      error      // nil: committed, or the probe passed
	Class    task.Class // of Err
	Suspects task.Span  // crash, timeout, memory: rows in flight at the death
	// Reason tells the death without pids, addresses, paths or attempts, for the rejects:
	// "segmentation fault". Of a bad record it is what the job code says. May be empty.
	Reason string
	Record int64 // bad record: the row or key group that job code refused
	Lost   []int // lost input of a reduce: numbers of the maps whose output is missing or damaged
}

// Verdict names what was decided. Values are written to events; they are only ever added.
type Verdict string

// The verdicts.
const (
	Committed Verdict = "committed" // the task is done
	Waiting   Verdict = "waiting"   // it runs again, and no try was counted
	Retried   Verdict = "retried"   // it runs again after Delay, as try Try of Tries
	Isolating Verdict = "isolating" // Left rows are to be probed, those of Span first
	Excluded  Verdict = "excluded"  // Exclusion is a row that died alone twice
	SentBack  Verdict = "sent-back" // a committed map lost its output: remove the record of Attempt before Next is called
	Failed    Verdict = "failed"    // the task is given up
	Stopped   Verdict = "stopped"   // no attempt starts any more
)

// Decision is one thing that Done decided. Only the fields that its verdict names are set, with
// Class and Err, the cause, where there is one.
type Decision struct {
	Verdict   Verdict
	Attempt   task.Attempt
	Try       int
	Tries     int
	Delay     time.Duration
	Span      task.Span
	Left      int64
	Exclusion task.Exclusion
	Class     task.Class
	Err       error
}

// String is the decision as a line for a log.
func (d Decision) String() string {
	s := d.Attempt.String() + ": "
	switch d.Verdict {
	case Retried:
		s += fmt.Sprintf("try %d of %d in %v", d.Try, d.Tries, d.Delay)
	case Isolating:
		s += fmt.Sprintf("isolating: probing %s next, %d left", spanText(d.Span), d.Left)
	case Excluded:
		s += fmt.Sprintf("excluded %d: %s", d.Exclusion.Ordinal, d.Exclusion.Reason)
	case SentBack:
		s += "sent back: its output is missing or damaged"
	case Failed:
		s += fmt.Sprintf("failed (%v)", d.Class)
	default:
		s += string(d.Verdict)
	}
	if d.Err != nil {
		s += ": " + d.Err.Error()
	}
	return s
}

// Failure is a task that was given up, with the end of its last attempt.
type Failure struct {
	Attempt task.Attempt
	Class   task.Class
	Err     error
}

// Summary is how a stage ended.
type Summary struct {
	Committed int       // tasks
	Left      int       // tasks that neither committed nor failed
	Failed    []Failure // by task
	Stopped   bool      // by Stop, a failed task with FailFast, or an error of the input
}

// Complete tells whether every task is committed.
func (s Summary) Complete() bool { return s.Left == 0 && len(s.Failed) == 0 }

// Counts counts the tasks of one kind by state. Isolating counts tasks, whether a probe runs or not.
type Counts struct {
	Waiting, Running, Isolating, Committed, Failed int
}
