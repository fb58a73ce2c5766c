package mapreduce

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/shardmill/shardmill/mapreduce/internal/task"
	"github.com/shardmill/shardmill/mapreduce/internal/worker"
)

// aheadBytes and aheadBatches bound how far Prepare runs ahead of Map, whichever comes first. Four
// batches hide the uneven cost of rows; more only adds suspects when the process dies.
const (
	aheadBytes   = 64 << 20
	aheadBatches = 4
)

// errSkipped marks rows that a probe does not look at.
var errSkipped = errors.New("not probed")

// batchRun is one batch: rows [first, first+len(rows)) of the shard. The slot of a row depends on
// its ordinal only, so results that depend on what shares a batch are the same in every attempt.
type batchRun[In any] struct {
	first int64
	rows  []In
	errs  []error
	bytes int64
	live  bool // some row is to be mapped
}

// mapperRun is a Mapper in its worker.
type mapperRun[In any] struct {
	m       Mapper[In]
	prepare Preparer[In]
	feed    Feed[In]
	batch   int
}

func (r *mapperRun[In]) close() error { return r.m.Close() }

// run maps one shard: a reader goroutine fills and prepares batches, this one maps them.
func (r *mapperRun[In]) run(ctx context.Context, t *taskRun, path string) error {
	in, err := r.feed.open(t.env, path)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	win := newWindow(t)
	defer win.stop()
	a := &ahead[In]{
		r: r, t: t, in: in, win: win,
		full: make(chan *batchRun[In], aheadBatches), free: make(chan *batchRun[In], aheadBatches+2),
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		a.read(ctx)
	}()
	// Not deferred: in a panic of job code nothing may wait, and the suspects must stay in the cell.
	err = r.mapAll(ctx, t, a)
	cancel()
	win.stop()
	<-done
	return errors.Join(err, in.Close())
}

func (r *mapperRun[In]) mapAll(ctx context.Context, t *taskRun, a *ahead[In]) error {
	for b := range a.full {
		if err := checkCanceled(ctx); err != nil {
			return err
		}
		if err := r.mapBatch(ctx, t, a.win, b); err != nil {
			return err
		}
		a.free <- b // never blocks: those queued, one being filled and this one are all there are
	}
	if a.err != nil {
		return a.err
	}
	return checkCanceled(ctx)
}

// mapBatch maps a batch, sends on what its live rows made, and writes its rejects.
func (r *mapperRun[In]) mapBatch(ctx context.Context, t *taskRun, win *window, b *batchRun[In]) error {
	n := int64(len(b.rows))
	win.enter(b.first, n)
	t.out.begin(len(b.rows))
	for i, err := range b.errs {
		if err != nil {
			t.out.Reject(i, err)
		}
	}
	if b.live {
		if err := r.m.Map(ctx, b.rows, &t.out); err != nil {
			return fmt.Errorf("rows %d to %d: %w", b.first, b.first+n-1, err)
		}
	}
	t.counts.Read += n
	if err := t.out.flush(&t.counts); err != nil {
		return err
	}
	for i := range t.out.rows {
		reason := t.out.rows[i].reason
		if reason == nil || errors.Is(reason, errSkipped) {
			continue
		}
		if err := t.reject(b.first+int64(i), origin(&b.rows[i]), reason); err != nil {
			return err
		}
	}
	win.leave(b.first+n, b.bytes)
	return nil
}

// ahead reads and prepares batches before they are mapped.
type ahead[In any] struct {
	r    *mapperRun[In]
	t    *taskRun
	in   Reader[In]
	win  *window
	full chan *batchRun[In]
	free chan *batchRun[In]
	err  error // read by the mapping goroutine once full is closed
}

func (a *ahead[In]) read(ctx context.Context) {
	defer close(a.full)
	for first := int64(0); a.err == nil; {
		b := a.next(first)
		end, err := a.fill(ctx, b)
		if err != nil {
			a.err = err
			return
		}
		if len(b.rows) > 0 {
			first += int64(len(b.rows))
			select {
			case a.full <- b:
			case <-ctx.Done():
				a.err = checkCanceled(ctx)
			}
		}
		if end {
			return
		}
	}
}

// next is an empty batch, one that was mapped already where there is one.
func (a *ahead[In]) next(first int64) *batchRun[In] {
	select {
	case b := <-a.free:
		clear(b.rows)
		b.first, b.rows, b.errs, b.bytes, b.live = first, b.rows[:0], b.errs[:0], 0, false
		return b
	default:
		n := a.r.batch
		return &batchRun[In]{first: first, rows: make([]In, 0, n), errs: make([]error, 0, n)}
	}
}

// fill reads the rows of a batch and prepares them. end is true at the end of the shard.
func (a *ahead[In]) fill(ctx context.Context, b *batchRun[In]) (end bool, err error) {
	for len(b.rows) < a.r.batch {
		if p := a.t.as.Probe; p != nil && b.first+int64(len(b.rows)) >= p.Hi {
			return true, nil
		}
		var row In
		if err := a.in.Read(&row); errors.Is(err, io.EOF) {
			return true, nil
		} else if err != nil {
			return true, fmt.Errorf("shard row %d: %w", b.first+int64(len(b.rows)), err)
		}
		ordinal := b.first + int64(len(b.rows))
		b.rows = append(b.rows, row)
		reason := a.skip(ordinal)
		if reason == nil {
			reason, err = a.ready(ctx, b, ordinal)
			if err != nil {
				return true, err
			}
		}
		b.errs = append(b.errs, reason)
		b.live = b.live || reason == nil
	}
	return false, nil
}

// skip tells why a row is not to be touched.
func (a *ahead[In]) skip(ordinal int64) error {
	if reason, ok := a.t.excluded(ordinal); ok {
		return reason
	}
	if p := a.t.as.Probe; p != nil && !p.Contains(ordinal) {
		return errSkipped
	}
	return nil
}

// ready prepares the last row of a batch. reason is why the row is rejected, err ends the attempt.
func (a *ahead[In]) ready(ctx context.Context, b *batchRun[In], ordinal int64) (reason, err error) {
	if a.r.prepare == nil {
		return nil, nil
	}
	if !a.win.wait(b.first) {
		return nil, task.New(task.Canceled, context.Canceled)
	}
	a.win.extend(ordinal + 1)
	n, err := a.r.prepare.Prepare(ctx, &b.rows[len(b.rows)-1])
	b.bytes += n
	a.win.hold(n)
	if c := ClassOf(err); err != nil && (c == Input || c == task.Canceled || c == Retryable) {
		return nil, fmt.Errorf("row %d: %w", ordinal, err)
	}
	return err, nil
}

// window is what lies between the row being prepared and the batch being mapped: its size is bounded, and
// all of it is suspect when the process dies, so it is kept in the record cell.
type window struct {
	mu      sync.Mutex
	moved   *sync.Cond
	cell    *worker.Cell
	span    task.Span
	bytes   int64
	serial  bool
	stopped bool
}

func newWindow(t *taskRun) *window {
	w := &window{cell: t.cell, serial: t.as.Serial}
	w.moved = sync.NewCond(&w.mu)
	return w
}

// wait blocks until another row of the batch that starts at first may be prepared. The batch that
// Map waits for is always let through. It is false when the attempt ends.
func (w *window) wait(first int64) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for !w.stopped && first > w.span.Lo && (w.bytes >= aheadBytes || w.serial) {
		w.moved.Wait()
	}
	return !w.stopped
}

func (w *window) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stopped = true
	w.moved.Broadcast()
}

// extend puts rows below hi among the suspects.
func (w *window) extend(hi int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.span.Hi = max(w.span.Hi, hi)
	w.cell.InFlight(w.span)
}

// hold counts bytes that a prepared row holds.
func (w *window) hold(n int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.bytes += n
	w.cell.Beat()
}

// enter says that the batch of n rows at first is being mapped, leave that all rows below lo are done.
func (w *window) enter(first, n int64) { w.extend(first + n) }

func (w *window) leave(lo, bytes int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.span.Lo = lo
	w.bytes -= bytes
	w.cell.InFlight(w.span)
	w.cell.Beat()
	w.moved.Broadcast()
}
