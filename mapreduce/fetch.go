package mapreduce

import (
	"context"
	"slices"
	"sync"

	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

// fetchRows and fetchBytes bound what is fetched, or being fetched, and not yet prepared, whichever comes first. A row of
// more bytes is fetched when no other is. With 16 at a time, a latency of 20 ms costs 1.25 ms a row.
const (
	fetchRows  = 16
	fetchBytes = 32 << 20
)

// fetchRefill is how many rows fewer than fetchRows there must be for the reading goroutine to go on: woken for each row, it
// costs more in hand-offs between threads than reading does.
const fetchRefill = 4

// errandsQueued leaves room for so many rows and, where batches have a single one, as many ends of batches.
const errandsQueued = 2 * fetchRows

// fetches starts to fetch rows as they are read, while another goroutine prepares, in order, those that have come.
type fetches[In any] struct {
	a       *ahead[In]
	size    func(*In) int64 // bytes that a row is expected to hold, nil where nobody knows
	running *sync.WaitGroup
	errands chan errand[In]
	err     error // read by the preparing goroutine once errands is closed
}

// errand is a row on its way or, without done, the end of its batch.
type errand[In any] struct {
	b    *batchRun[In]
	row  int
	done chan fetched
}

// fetched is what came of an errand.
type fetched struct {
	bytes int64
	err   error
}

func newFetches[In any](a *ahead[In], running *sync.WaitGroup) *fetches[In] {
	f := &fetches[In]{a: a, running: running, errands: make(chan errand[In], errandsQueued)}
	if src, ok := a.r.feed.(*Source[In]); ok {
		f.size = src.Size
	}
	return f
}

// start starts the goroutine that reads and the one that prepares. As in mapAhead, nothing is deferred.
func (f *fetches[In]) start(ctx context.Context, fill *filler[In], read func(context.Context, *filler[In]) error) {
	fill.ready = func(b *batchRun[In], _ int64) (reason, err error) { return nil, f.send(ctx, b) }
	fill.pass = func(b *batchRun[In]) (*batchRun[In], error) {
		if err := f.put(ctx, errand[In]{b: b}); err != nil {
			return nil, err
		}
		return f.a.empty(), nil
	}
	f.running.Add(2)
	go func() {
		f.err = fill.run(ctx, read)
		close(f.errands)
		f.running.Done()
	}()
	go func() {
		f.a.err = f.prepareAll(ctx)
		close(f.a.full)
		f.running.Done()
	}()
}

// send fetches the last row of a batch on a goroutine of its own.
func (f *fetches[In]) send(ctx context.Context, b *batchRun[In]) error {
	row, win, size := &b.rows[b.n], f.a.win, int64(0)
	if f.size != nil {
		size = f.size(row)
	}
	if !win.wait(b.first) || !win.reserve(size) {
		return task.New(task.Canceled, context.Canceled)
	}
	win.extend(b.first + int64(b.n) + 1)
	done := make(chan fetched, 1)
	f.running.Add(1)
	go func() {
		n, err := f.a.r.fetch.Fetch(ctx, row)
		win.settle(n - size)
		done <- fetched{n, err}
		f.running.Done()
	}()
	return f.put(ctx, errand[In]{b, b.n, done})
}

func (f *fetches[In]) put(ctx context.Context, e errand[In]) error {
	select {
	case f.errands <- e:
		return nil
	case <-ctx.Done():
		return checkCanceled(ctx)
	}
}

// prepareAll prepares the rows in order and hands full batches on. Until it has the end of a batch,
// the batch's list of rejects is the reader's.
func (f *fetches[In]) prepareAll(ctx context.Context) error {
	var rejects []rowReject
	for e := range f.errands {
		if e.done == nil {
			e.b.mergeRejects(rejects)
			if err := f.a.pass(ctx, e.b); err != nil {
				return err
			}
			rejects = rejects[:0]
			continue
		}
		reason, err := f.prepare(ctx, e)
		if err != nil {
			return err
		}
		if reason != nil {
			rejects = append(rejects, rowReject{row: e.row, reason: reason})
		}
	}
	return f.err
}

// prepare waits for a row and prepares it.
func (f *fetches[In]) prepare(ctx context.Context, e errand[In]) (reason, err error) {
	got := <-e.done
	if got.err != nil {
		reason, err = blame(e.b.first+int64(e.row), got.err)
	} else {
		reason, err = f.a.ready(ctx, e.b, e.row)
	}
	f.a.win.release(got.bytes)
	return reason, err
}

// mergeRejects adds rejects, which are in order of their rows, as those of the batch are.
func (b *batchRun[In]) mergeRejects(more []rowReject) {
	if len(more) == 0 {
		return
	}
	b.rejects = append(b.rejects, more...)
	slices.SortFunc(b.rejects, func(x, y rowReject) int { return x.row - y.row })
}

// fetchCount is what is fetched, or being fetched, and not yet prepared.
type fetchCount struct {
	rows  int
	bytes int64
}

// reserve blocks until a row of so many bytes may be fetched. The row that Prepare waits for always is. It is
// false when the attempt ends.
func (w *window) reserve(bytes int64) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := &w.fetches
	for !w.stopped && c.rows > 0 && (w.serial || c.rows >= fetchRows || c.bytes+bytes > fetchBytes) {
		w.moved.Wait()
	}
	c.rows++
	c.bytes += bytes
	return !w.stopped
}

// settle corrects what a row reserved by what it holds.
func (w *window) settle(more int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fetches.bytes += more
	w.cell.Beat()
	if more < 0 {
		w.moved.Broadcast()
	}
}

// release says that a row is prepared, or rejected, and what was fetched for it is let go.
func (w *window) release(bytes int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fetches.rows--
	w.fetches.bytes -= bytes
	if w.fetches.rows <= fetchRows-fetchRefill {
		w.moved.Broadcast()
	}
}
