package worker

import (
	"fmt"
	"regexp"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

// exitPanic is the exit code of the Go runtime after a panic or a fatal error.
const exitPanic = 2

// Report is how a request ended.
type Report struct {
	// Err is nil for a request that was done.
	Err *task.Error
	// Suspects is the span in flight at a death that a record may have caused, see task.Class.Suspicious.
	Suspects task.Span
	// Reason says in a few words why the process died, "segmentation fault" or "no progress for 30s".
	// It holds no pid, address or path: equal deaths have equal reasons. Empty where no process died.
	Reason string
}

// verdict is why we stopped a process.
type verdict struct {
	class  task.Class
	reason string
}

func canceled() *verdict { return &verdict{task.Canceled, "stopped"} }

func stalled(limit time.Duration) *verdict {
	return &verdict{task.Timeout, fmt.Sprintf("no progress for %v", limit)}
}

func overMemory(limit int64) *verdict {
	return &verdict{task.Memory, "over the memory cap of " + sizeText(limit)}
}

func misunderstood() *verdict {
	return &verdict{task.Permanent, "bug: worker and driver do not understand each other"}
}

// death is all that is known of a process that ended in the middle of a request.
type death struct {
	stopped  *verdict       // nil: we did not stop it
	signal   syscall.Signal // 0: it exited
	code     int            // exit code
	oom      bool           // the kernel killed a process of our cgroup for memory meanwhile
	crash    string         // what the Go runtime wrote last
	suspects task.Span
}

func (d death) report() Report {
	class, reason := d.classify()
	r := Report{Err: task.Errorf(class, "worker process ended: %s", reason), Reason: reason}
	if class.Suspicious() {
		r.Suspects = d.suspects
	}
	return r
}

func (d death) classify() (task.Class, string) {
	switch {
	case d.stopped != nil:
		return d.stopped.class, d.stopped.reason
	case crashSignal(d.signal):
		return task.Crash, d.signal.String()
	case d.signal == syscall.SIGKILL && d.oom:
		return task.Memory, "killed by the kernel, out of memory"
	case d.signal != 0:
		return task.Retryable, "signal: " + d.signal.String()
	case d.code == exitPanic:
		return task.Crash, crashReason(d.crash)
	case d.code == exitBug:
		return misunderstood().class, misunderstood().reason
	}
	return task.Retryable, fmt.Sprintf("exit status %d", d.code)
}

// crashSignal tells whether a process sends itself such a signal by a mistake, by way of the kernel or of abort(3).
func crashSignal(s syscall.Signal) bool {
	switch s {
	case syscall.SIGSEGV, syscall.SIGBUS, syscall.SIGILL, syscall.SIGFPE,
		syscall.SIGABRT, syscall.SIGTRAP, syscall.SIGSYS:
		return true
	}
	return false
}

// crashReason words what the Go runtime wrote as it died. It only chooses words, and
// only fixed ones: messages of panics may hold anything.
func crashReason(text string) string {
	name := regexp.MustCompile(`(?m)^(?:\[signal )?(SIG[A-Z]+): `).FindStringSubmatch(text)
	// A fatal error's message goes to the log alone; that the allocator threw it shows in the stack.
	noMemory := regexp.MustCompile(`(?m)^runtime\.throw\(.*\n.*\nruntime\.(sys[A-Z]|persistentalloc|\(\*m(cache|heap|central)\))`)
	switch {
	case text == "":
		return fmt.Sprintf("exit status %d", exitPanic)
	case strings.HasPrefix(text, "panic: "):
		return "panic"
	case name != nil && unix.SignalNum(name[1]) != 0:
		return unix.SignalNum(name[1]).String()
	case noMemory.MatchString(text):
		return "out of memory"
	}
	return "fatal error"
}

// sizeText writes a number of bytes for people: "2.0 GiB", "256 MiB".
func sizeText(n int64) string {
	if n >= 1<<30 {
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	}
	return fmt.Sprintf("%d MiB", n/mib)
}
