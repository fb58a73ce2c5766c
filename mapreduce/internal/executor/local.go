package executor

import (
	"context"
	"errors"

	"github.com/shardmill/shardmill/mapreduce/internal/task"
	"github.com/shardmill/shardmill/mapreduce/internal/worker"
)

// Local runs attempts in child processes, one for each slot at most.
type Local struct {
	// Worker is the process to start; its Log is set to that of the order that needs it.
	Worker worker.Config
}

// Slot makes a slot. Its process starts with the first order and lives on until it dies or
// an order asks for a fresh one.
func (l *Local) Slot(int) Slot { return &localSlot{cfg: l.Worker} }

type localSlot struct {
	cfg   worker.Config
	proc  *worker.Proc // nil: none
	usage worker.Usage // of the processes before proc
}

func (s *localSlot) Do(ctx context.Context, o Order) worker.Report {
	if s.proc != nil && (!s.proc.Alive() || o.Fresh) {
		s.end()
	}
	if s.proc == nil {
		if err := s.start(ctx, o); err != nil {
			return worker.Report{Err: err}
		}
	}
	return s.proc.Do(ctx, o.Request)
}

func (s *localSlot) start(ctx context.Context, o Order) *task.Error {
	cfg := s.cfg
	cfg.Log = o.Log()
	proc, err := worker.Start(ctx, cfg)
	if err != nil {
		var e *task.Error
		if errors.As(err, &e) {
			return e
		}
		return task.New(task.ClassOf(err), err)
	}
	s.proc = proc
	return nil
}

func (s *localSlot) end() {
	s.usage = s.usage.Add(s.proc.Close())
	s.proc = nil
}

func (s *localSlot) Close() worker.Usage {
	if s.proc != nil {
		s.end()
	}
	return s.usage
}
