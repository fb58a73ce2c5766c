package mapreduce

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/shardmill/shardmill/mapreduce/internal/executor"
	"github.com/shardmill/shardmill/mapreduce/internal/jobdir"
	"github.com/shardmill/shardmill/mapreduce/internal/sched"
	"github.com/shardmill/shardmill/mapreduce/internal/task"
	"github.com/shardmill/shardmill/mapreduce/internal/worker"
)

// slot is a place where one attempt runs at a time, with the goroutine that waits for it.
type slot struct {
	number int
	where  executor.Slot
	dir    *jobdir.Dir
	orders chan order
	closed chan struct{}
}

// order is one attempt to run.
type order struct {
	work    sched.Work
	folder  string
	timeout time.Duration
	reply   chan<- outcome
}

// outcome is how an attempt ended: a checked result, a probe that passed, or a report of failure.
type outcome struct {
	slot   *slot
	work   sched.Work
	report worker.Report
	result task.Result
	err    error // of checking the result
}

// failed tells whether the attempt left nothing that can be committed, and did not pass as a probe.
func (o outcome) failed() bool { return o.report.Err != nil || o.err != nil }

func newSlot(ctx context.Context, n int, where executor.Slot, dir *jobdir.Dir) *slot {
	s := &slot{number: n, where: where, dir: dir, orders: make(chan order), closed: make(chan struct{})}
	go s.loop(ctx)
	return s
}

func (s *slot) loop(ctx context.Context) {
	defer close(s.closed)
	for o := range s.orders {
		o.reply <- s.do(ctx, o)
	}
}

// do runs one attempt and checks what it left: sizes, and fsync. The checks run here, beside
// the attempts of other slots; only the promotion is the driver's.
func (s *slot) do(ctx context.Context, o order) outcome {
	out := outcome{slot: s, work: o.work}
	out.report = s.where.Do(ctx, executor.Order{
		Request: worker.Request{
			Run: &worker.Run{Folder: o.folder, Log: s.dir.LogPath(o.work.Attempt)}, Timeout: o.timeout,
		},
		Fresh: o.work.Fresh,
	})
	if out.report.Err == nil && o.work.Probe == nil {
		out.result, out.err = s.dir.Check(o.work.Attempt)
	}
	return out
}

func (s *slot) close() worker.Usage {
	close(s.orders)
	<-s.closed
	return s.where.Close()
}

// probeTimeout bounds how long a model may take to load.
const probeTimeout = 5 * time.Minute

// probe makes a stage's mapper in this slot's process. Any failure is one of the input: of the model, say.
func (s *slot) probe(ctx context.Context, st *Stage) error {
	log, err := s.dir.ProbeLog(st.folder)
	if err != nil {
		return err
	}
	r := s.where.Do(ctx, executor.Order{
		Request: worker.Request{Probe: &worker.Probe{Stage: st.folder, Log: log}, Timeout: probeTimeout},
	})
	if r.Err == nil {
		return nil
	}
	if c := r.Err.Class; c == task.Canceled || c == task.Retryable { // not the fault of what is loaded
		return r.Err
	}
	if r.Err.Class.Suspicious() {
		// The log goes with the job directory, if it was made for this run.
		return BadInput(fmt.Errorf("loading %s killed the process (%s):\n%s", fileNames(st), r.Reason, lastWords(log)))
	}
	return BadInput(errors.Unwrap(r.Err))
}

// fileNames lists the files of a stage for a message.
func fileNames(s *Stage) string {
	files, err := s.files()
	if err != nil || len(files) == 0 {
		return "the mapper of " + s.folder
	}
	names := make([]string, len(files))
	for i, f := range files {
		names[i] = f.Role + " " + f.Path
	}
	return strings.Join(names, ", ")
}
