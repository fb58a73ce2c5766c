package executor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"

	"github.com/shardmill/shardmill/mapreduce/internal/task"
	"github.com/shardmill/shardmill/mapreduce/internal/worker"
)

// InProcess runs attempts in this process, for debugging. It protects from less than Local. A panic of the
// goroutine that calls the handler is recovered and reported as Crash with its suspects, but one of another
// goroutine, a fault in native code or os.Exit end this process. No memory cap is enforced. Request.Timeout
// is not looked at: only the end of ctx stops an attempt, if its code looks at ctx. Output is not redirected
// to the log.
type InProcess struct {
	// New makes the handler of a slot, at its first order and for a fresh order after others.
	New func() worker.Handler
	// Hello is what it is greeted with.
	Hello worker.Hello
}

// Slot makes a slot.
func (p *InProcess) Slot(int) Slot { return &inProcessSlot{cfg: *p} }

type inProcessSlot struct {
	cfg     InProcess
	handler worker.Handler // nil: none
}

func (s *inProcessSlot) Do(ctx context.Context, o Order) worker.Report {
	if o.Fresh {
		s.end()
	}
	cell := worker.NewCell()
	panicked, err := s.call(ctx, o, cell)
	switch {
	case panicked:
		s.handler = nil // no Close: nothing in it can be trusted
		return worker.Report{Err: task.New(task.Crash, err), Suspects: cell.Span(), Reason: "panic"}
	case err != nil && ctx.Err() != nil:
		return worker.Failed(task.New(task.Canceled, err))
	}
	return worker.Failed(err)
}

// call calls the handler.
func (s *inProcessSlot) call(ctx context.Context, o Order, cell *worker.Cell) (panicked bool, err error) {
	defer func() {
		if v := recover(); v != nil {
			fmt.Fprintf(os.Stderr, "panic: %v\n\n%s", v, debug.Stack())
			panicked, err = true, errors.New("worker process ended: panic") // as of a child process
		}
	}()
	if err := ctx.Err(); err != nil {
		return false, err
	}
	if err := s.greet(ctx); err != nil {
		return false, err
	}
	switch {
	case o.Run != nil && o.Probe == nil:
		return false, s.handler.Run(ctx, o.Run.Folder, cell)
	case o.Probe != nil && o.Run == nil:
		return false, s.handler.Probe(ctx, o.Probe.Stage)
	}
	return false, task.Errorf(task.Permanent, "a request needs either run or probe")
}

// greet makes a handler where there is none.
func (s *inProcessSlot) greet(ctx context.Context) error {
	if s.handler != nil {
		return nil
	}
	s.handler = s.cfg.New()
	_, err := s.handler.Hello(ctx, s.cfg.Hello)
	if err != nil {
		s.end()
	}
	return err
}

func (s *inProcessSlot) end() {
	if s.handler == nil {
		return
	}
	if err := s.handler.Close(); err != nil {
		fmt.Fprintf(os.Stderr, "worker: close: %v\n", err)
	}
	s.handler = nil
}

// Close closes the handler. What it cost is not told apart from the rest of this process: zero.
func (s *inProcessSlot) Close() worker.Usage {
	s.end()
	return worker.Usage{}
}
