package mapreduce

import (
	"context"
	"fmt"
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

// ahead lets one goroutine read and prepare rows while another maps those before. With a Fetcher, reading is for a third
// one: see fetches.
type ahead[In any] struct {
	r    *mapperRun[In]
	t    *taskRun
	win  *window
	full chan *batchRun[In]
	free chan *batchRun[In]
	err  error // read by the mapping goroutine once full is closed
}

// mapAhead maps the rows that read passes on, which another goroutine calls.
func (r *mapperRun[In]) mapAhead(ctx context.Context, t *taskRun, read func(context.Context, *filler[In]) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	a := &ahead[In]{
		r: r, t: t, win: newWindow(t),
		full: make(chan *batchRun[In], aheadBatches), free: make(chan *batchRun[In], aheadBatches+2+errandsQueued+1),
	}
	defer a.win.stop()
	f := newFiller(t, newBatch[In](r.batch))
	// Nothing is deferred: in a panic of job code nothing may wait, the suspects must stay in the cell, and a reader that
	// panics must not look like one that has come to the end.
	var running sync.WaitGroup
	if r.fetch != nil {
		newFetches(a, &running).start(ctx, f, read)
	} else {
		running.Add(1)
		go func() {
			a.read(ctx, f, read)
			running.Done()
		}()
	}
	err := a.mapAll(ctx)
	cancel()
	a.win.stop()
	running.Wait()
	return err
}

func (a *ahead[In]) mapAll(ctx context.Context) error {
	for b := range a.full {
		if err := checkCanceled(ctx); err != nil {
			return err
		}
		hi := b.first + int64(b.n)
		a.win.extend(hi)
		if err := a.r.mapBatch(ctx, a.t, b); err != nil {
			return err
		}
		a.win.leave(hi, b.bytes)
		a.free <- b // never blocks: those queued, those being filled and prepared and this one are all there are
	}
	if a.err != nil {
		return a.err
	}
	return checkCanceled(ctx)
}

// read reads and prepares rows.
func (a *ahead[In]) read(ctx context.Context, f *filler[In], read func(context.Context, *filler[In]) error) {
	f.pass = func(b *batchRun[In]) (*batchRun[In], error) {
		if err := a.pass(ctx, b); err != nil {
			return nil, err
		}
		return a.empty(), nil
	}
	f.ready = func(b *batchRun[In], _ int64) (reason, err error) { return a.ready(ctx, b, b.n) }
	a.err = f.run(ctx, read)
	close(a.full)
}

// pass hands a batch on to Map.
func (a *ahead[In]) pass(ctx context.Context, b *batchRun[In]) error {
	select {
	case a.full <- b:
		return nil
	case <-ctx.Done():
		return checkCanceled(ctx)
	}
}

// empty gives an empty batch: one that was mapped already where there is one.
func (a *ahead[In]) empty() *batchRun[In] {
	select {
	case b := <-a.free:
		return b
	default:
		return newBatch[In](a.r.batch)
	}
}

// ready prepares row i of a batch. reason is why the row is rejected, err ends the attempt.
func (a *ahead[In]) ready(ctx context.Context, b *batchRun[In], i int) (reason, err error) {
	if !a.win.wait(b.first) {
		return nil, task.New(task.Canceled, context.Canceled)
	}
	ordinal := b.first + int64(i)
	a.win.extend(ordinal + 1)
	n, err := a.r.prepare.Prepare(ctx, &b.rows[i])
	b.bytes += n
	a.win.hold(n)
	return blame(ordinal, err)
}

// blame tells an error that rejects a row from one that ends the attempt.
func blame(ordinal int64, err error) (reason, fatal error) {
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
	fetches fetchCount
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

// leave says that all rows below lo are done.
func (w *window) leave(lo, bytes int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.span.Lo = lo
	w.bytes -= bytes
	w.cell.InFlight(w.span)
	w.cell.Beat()
	w.moved.Broadcast()
}
