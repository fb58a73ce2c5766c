package executor

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync/atomic"

	"github.com/shardmill/shardmill/mapreduce/internal/task"
	"github.com/shardmill/shardmill/mapreduce/internal/worker"
)

// Local runs attempts in child processes, one for each slot at most.
type Local struct {
	// Worker is the process to start; its Log is set to that of the order that needs it.
	Worker worker.Config
	// Profiles is the folder for the profiles of the processes, absolute; empty: none are taken. They are called
	// worker-0, worker-1 and so on, in the order in which the processes start.
	Profiles string
	started  atomic.Int64 // processes, where profiles are taken
}

// Slot makes a slot. Its process starts with the first order and lives on until it dies or
// an order asks for a fresh one.
func (l *Local) Slot(int) Slot { return &localSlot{local: l} }

// config is for the next process.
func (l *Local) config(log string) worker.Config {
	cfg := l.Worker
	cfg.Log = log
	if l.Profiles != "" {
		cfg.Hello.Profile = filepath.Join(l.Profiles, fmt.Sprintf("worker-%d", l.started.Add(1)-1))
	}
	return cfg
}

type localSlot struct {
	local *Local
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
	proc, err := worker.Start(ctx, s.local.config(o.Log()))
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
