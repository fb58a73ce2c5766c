package mapreduce

import (
	"context"
	"errors"
	"fmt"

	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

// errSkipped marks rows that a probe does not look at.
var errSkipped = errors.New("not probed")

// mapperRun is a Mapper in its worker.
type mapperRun[In any] struct {
	m       Mapper[In]
	prepare Preparer[In]
	fetch   Fetcher[In]
	feed    Feed[In]
	batch   int
	spare   *batchRun[In] // kept between tasks
}

func (r *mapperRun[In]) close() error { return r.m.Close() }

// run maps one shard.
func (r *mapperRun[In]) run(ctx context.Context, t *taskRun, path string) error {
	in, err := r.feed.open(t.env, path)
	if err != nil {
		return err
	}
	err = r.mapRows(ctx, t, func(_ context.Context, f *filler[In]) error { return f.readAll(in) })
	return errors.Join(err, in.Close())
}

// runRanges maps ranges of the input itself.
func (r *mapperRun[In]) runRanges(ctx context.Context, t *taskRun, ranges []Range) error {
	src, ok := r.feed.(*Source[In])
	if !ok {
		return fmt.Errorf("%s reads a dataset, and no ranges of the input", t.env.stage)
	}
	return r.mapRows(ctx, t, func(ctx context.Context, f *filler[In]) error {
		return src.readRanges(ctx, t, ranges, t.limit, f)
	})
}

// mapRows maps the rows that read puts into a filler: those of a Preparer on another goroutine, since preparing
// them costs more than passing them on, and all others on this one.
func (r *mapperRun[In]) mapRows(ctx context.Context, t *taskRun, read func(context.Context, *filler[In]) error) error {
	if r.prepare != nil {
		return r.mapAhead(ctx, t, read)
	}
	b := r.spare
	if r.spare = nil; b == nil {
		b = newBatch[In](r.batch)
	}
	f := newFiller(t, b)
	f.pass = func(b *batchRun[In]) (*batchRun[In], error) { return b, r.mapHere(ctx, t, b) }
	if src, ok := r.feed.(*Source[In]); ok {
		f.size = src.Size
	}
	if err := f.run(ctx, read); err != nil {
		return err
	}
	r.spare = f.b // reset
	return checkCanceled(ctx)
}

// mapHere maps a batch on the goroutine that reads. Only its rows are suspect if the process dies.
func (r *mapperRun[In]) mapHere(ctx context.Context, t *taskRun, b *batchRun[In]) error {
	if err := checkCanceled(ctx); err != nil {
		return err
	}
	t.cell.InFlight(task.Span{Lo: b.first, Hi: b.first + int64(b.n)})
	if err := r.mapBatch(ctx, t, b); err != nil {
		return err
	}
	t.cell.Clear()
	t.cell.Beat()
	return nil
}

// mapBatch maps a batch, sends on what its live rows made, and writes its rejects.
func (r *mapperRun[In]) mapBatch(ctx context.Context, t *taskRun, b *batchRun[In]) error {
	t.out.begin(b.n)
	for i := range b.rejects {
		t.out.Reject(b.rejects[i].row, b.rejects[i].reason)
	}
	if len(b.rejects) < b.n {
		if err := r.m.Map(ctx, b.rows[:b.n], &t.out); err != nil {
			return fmt.Errorf("rows %d to %d: %w", b.first, b.first+int64(b.n)-1, err)
		}
	}
	t.counts.Read += int64(b.n)
	if err := t.out.flush(&t.counts); err != nil {
		return err
	}
	return b.writeRejects(t)
}

// batchRun is one batch: rows [first, first+n) of the task. The slot of a row depends on
// the rows before it only, so results that depend on what shares a batch are the same in every attempt.
type batchRun[In any] struct {
	first int64
	slots[In]
	n       int // slots taken
	rejects []rowReject
	bytes   int64 // held by prepared rows
}

// rowReject is a row of a batch that is not to be mapped.
type rowReject struct {
	row    int
	reason error
	origin *Origin // nil: the row knows it
}

func newBatch[In any](rows int) *batchRun[In] { return &batchRun[In]{slots: newSlots[In](rows)} }

// begin makes the batch ready for rows from first on, and lets go of what the last ones hold.
func (b *batchRun[In]) begin(first int64) {
	b.reset(0, b.n)
	clear(b.rejects)
	b.first, b.n, b.rejects, b.bytes = first, 0, b.rejects[:0], 0
}

func (b *batchRun[In]) reject(reason error, o *Origin) {
	b.rejects = append(b.rejects, rowReject{b.n, reason, o})
}

// writeRejects writes the rows that were rejected, before or by the mapper, to the rejects.
func (b *batchRun[In]) writeRejects(t *taskRun) error {
	if t.out.rejected == 0 {
		return nil
	}
	before := b.rejects
	for i := range b.n {
		reason := t.out.rows[i].reason
		if reason == nil {
			continue
		}
		var known *Origin
		if len(before) > 0 && before[0].row == i {
			known, before = before[0].origin, before[1:]
		}
		if errors.Is(reason, errSkipped) {
			continue
		}
		if known == nil {
			o := origin(&b.rows[i])
			known = &o
		}
		if err := t.reject(b.first+int64(i), *known, reason); err != nil {
			return err
		}
	}
	return nil
}
