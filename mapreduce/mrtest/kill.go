package mrtest

import (
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"github.com/shardmill/shardmill/mapreduce"
)

// Killer kills the drivers of a job, and their workers, at random moments.
type Killer struct {
	Driver           Driver
	Span             time.Duration // of a run that is left alone
	Rand             *rand.Rand
	Drivers, Workers int // killed so far
}

// UntilDone runs a driver in a job directory, kills it or a worker of it after a while, and repeats that until one
// ends by itself.
func (k *Killer) UntilDone(t testing.TB, dir string) {
	t.Helper()
	for range 60 {
		cmd, token := k.Driver.Start(t, dir, "")
		time.Sleep(time.Duration(k.Rand.Int64N(int64(k.Span))))
		k.kill(cmd.Process.Pid)
		switch code := Wait(t, cmd, token); code {
		case k.Driver.Code:
			return
		case -1: // killed
		default:
			t.Fatalf("the driver ended with exit code %d: %s", code, cmd.Stderr)
		}
	}
	t.Fatal("the job does not end")
}

// kill kills a driver or one of its workers, which may have ended just now.
func (k *Killer) kill(driver int) {
	pid := driver
	if pids := Children(driver); k.Rand.IntN(2) == 0 && len(pids) > 0 {
		pid = pids[k.Rand.IntN(len(pids))]
		k.Workers++
	} else {
		k.Drivers++
	}
	_ = syscall.Kill(pid, syscall.SIGKILL)
}

// NothingTwice fails the test if a history shows an attempt that started after its task was committed, or
// a commit that was taken back.
func NothingTwice(t testing.TB, events []mapreduce.Event) {
	t.Helper()
	committed := map[string]bool{}
	for _, e := range events {
		switch name := e.Stage + "/" + e.Task; {
		case e.Kind == mapreduce.EventProgress:
			committed[name] = true
		case e.Kind == mapreduce.EventStart && committed[name]:
			t.Errorf("%s ran again after it was committed", name)
		case e.Kind == mapreduce.EventRedo:
			t.Errorf("%s was taken back: %s", name, e.Text)
		}
	}
	if len(committed) == 0 {
		t.Error("no task was committed")
	}
}
