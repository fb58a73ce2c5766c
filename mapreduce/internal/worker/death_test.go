package worker

import (
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

func TestClassify(t *testing.T) {
	none := task.Span{}
	tests := []struct {
		name     string
		death    death
		class    task.Class
		reason   string
		suspects task.Span
	}{
		{"timeout", death{stopped: stalled(30 * time.Second), code: 2}, task.Timeout, "no progress for 30s", inFlight},
		{"timeout, killed", death{stopped: stalled(2 * time.Minute), signal: syscall.SIGKILL, oom: true}, task.Timeout, "no progress for 2m0s", inFlight},
		{"memory", death{stopped: overMemory(2 << 30), signal: syscall.SIGKILL}, task.Memory, "over the memory cap of 2.0 GiB", inFlight},
		{"canceled", death{stopped: canceled(), signal: syscall.SIGSEGV}, task.Canceled, "stopped", none},
		{"unreadable", death{stopped: misunderstood(), signal: syscall.SIGKILL}, task.Permanent, misunderstood().reason, none},
		{"SEGV", death{signal: syscall.SIGSEGV}, task.Crash, "segmentation fault", inFlight},
		{"BUS", death{signal: syscall.SIGBUS}, task.Crash, "bus error", inFlight},
		{"ILL", death{signal: syscall.SIGILL}, task.Crash, "illegal instruction", inFlight},
		{"FPE", death{signal: syscall.SIGFPE}, task.Crash, "floating point exception", inFlight},
		{"ABRT", death{signal: syscall.SIGABRT}, task.Crash, "aborted", inFlight},
		{"TRAP", death{signal: syscall.SIGTRAP}, task.Crash, syscall.SIGTRAP.String(), inFlight},
		{"SYS", death{signal: syscall.SIGSYS}, task.Crash, "bad system call", inFlight},
		{"OOM killer", death{signal: syscall.SIGKILL, oom: true}, task.Memory, "killed by the kernel, out of memory", inFlight},
		{"KILL", death{signal: syscall.SIGKILL}, task.Retryable, "signal: killed", none},
		{"HUP", death{signal: syscall.SIGHUP, oom: true}, task.Retryable, "signal: hangup", none},
		{"panic", death{code: 2, crash: "panic: at 0xc000\n"}, task.Crash, "panic", inFlight},
		{"exit 2", death{code: 2}, task.Crash, "exit status 2", inFlight},
		{"bug", death{code: 70}, task.Permanent, misunderstood().reason, none},
		{"exit 0", death{}, task.Retryable, "exit status 0", none},
		{"exit 1", death{code: 1, oom: true}, task.Retryable, "exit status 1", none},
	}
	for _, tt := range tests {
		d := tt.death
		d.suspects = inFlight
		r := d.report()
		if r.Err.Class != tt.class || r.Reason != tt.reason || r.Suspects != tt.suspects || r.Err.Record != -1 {
			t.Errorf("%s: %v (%v), reason %q, suspects %v", tt.name, r.Err, r.Err.Class, r.Reason, r.Suspects)
		}
	}
}

// The texts are those of Go 1.26, shortened.
func TestCrashReason(t *testing.T) {
	tests := []struct{ text, want string }{
		{"", "exit status 2"},
		{"panic: runtime error: invalid memory address or nil pointer dereference\n[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x49]\n", "panic"},
		{"[signal SIGSEGV: segmentation violation code=0x2 addr=0x7f0008 pc=0x51]\n\ngoroutine 1 gp=0x2 m=0", "segmentation fault"},
		{"[signal SIGBUS: bus error code=0x2 addr=0x7f0008 pc=0x51]\n", "bus error"},
		{"SIGSEGV: segmentation violation\nPC=0x7f2 m=0 sigcode=1 addr=0x0\nsignal arrived during cgo execution\n", "segmentation fault"},
		{"SIGABRT: abort\nPC=0x46 m=0 sigcode=0\n", "aborted"},
		{"SIGFPE: floating-point exception\nPC=0x46 m=0\n", "floating point exception"},
		{"SIGNONE: not a signal\n", "fatal error"},
		{"\nruntime stack:\nruntime.throw({0x4d77f6?, 0x40000000?})\n\t/go/panic.go:1229 +0x48 fp=0x7f\nruntime.sysMapOS(0x7f, 0x1000)\n", "out of memory"},
		{"\nruntime stack:\nruntime.throw({0x4d77f6?})\n\t/go/panic.go:1229 +0x48\nruntime.(*mcache).allocLarge(0x7f)\n", "out of memory"},
		{"\nruntime stack:\nruntime.throw({0x4d77f6?})\n\t/go/panic.go:1229 +0x48\nruntime.checkdead()\n", "fatal error"},
		{"goroutine 1 [running]:\ninternal/sync.fatal({0x5?})\n", "fatal error"},
	}
	for _, tt := range tests {
		if got := crashReason(tt.text); got != tt.want {
			t.Errorf("%q is %q, want %q", tt.text, got, tt.want)
		}
	}
}

// FuzzCrashReason: whatever a dying process writes, the reason has no digits of its own and is short.
func FuzzCrashReason(f *testing.F) {
	f.Add("panic: 7")
	f.Add("SIGSEGV: x")
	f.Add("[signal SIGRTMIN: 34")
	fixed := regexp.MustCompile(`^(exit status 2|[a-z/ ]+(\(core dumped\))?)$`)
	f.Fuzz(func(t *testing.T, text string) {
		got := crashReason(text)
		if len(got) > 40 || !fixed.MatchString(strings.ToLower(got)) {
			t.Errorf("%q is %q", text, got)
		}
	})
}

func TestSizeText(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 MiB", 256 * mib: "256 MiB", 1<<30 - 1: "1023 MiB", 1 << 30: "1.0 GiB", 3 << 29: "1.5 GiB", 64 << 30: "64.0 GiB",
	} {
		if got := sizeText(n); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
}
