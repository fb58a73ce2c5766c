package mapreduce

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
)

// batchBytes is how many bytes of input, as Source.Size counts them, end a batch.
const batchBytes = 4 << 20

// filler fills batches with the rows of a task, in order, and passes them on.
type filler[In any] struct {
	t      *taskRun
	b      *batchRun[In]
	end    int64             // ordinal at which reading ends, before the rows do
	choosy bool              // some rows may not be touched
	given  int               // rows behind the last one that next has given
	size   func(r *In) int64 // bytes of input that a row stands for, nil where they do not count
	bytes  int64             // of the rows of the batch
	pass   func(b *batchRun[In]) (*batchRun[In], error)
	// ready, if set, prepares the row behind the last one of a batch.
	ready func(b *batchRun[In], ordinal int64) (reason, err error)
}

func newFiller[In any](t *taskRun, b *batchRun[In]) *filler[In] {
	b.begin(0)
	f := &filler[In]{t: t, b: b, end: math.MaxInt64, choosy: t.as.Probe != nil || len(t.as.Exclude) > 0}
	if p := t.as.Probe; p != nil {
		f.end = p.Hi
	}
	return f
}

// run fills batches with what read passes on, and passes on the last one.
func (f *filler[In]) run(ctx context.Context, read func(context.Context, *filler[In]) error) error {
	if err := read(ctx, f); err != nil {
		return err
	}
	f.takeBack()
	return f.flush()
}

// readAll reads a shard.
func (f *filler[In]) readAll(in Reader[In]) error {
	many, ok := in.(BatchReader[In])
	for f.ordinal() < f.end {
		n, err := 1, error(nil)
		if ok {
			n, err = many.ReadRows(f.next(len(f.b.rows)))
		} else {
			err = in.Read(&f.next(1)[0]) // each row that is given and not taken is reset
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("shard row %d: %w", f.ordinal(), err)
		}
		if err := f.add(n); err != nil {
			return err
		}
	}
	return nil
}

// count counts the bytes of up to n rows behind the last one, and tells how many of them the batch takes. Rejected rows have
// a size too: they are known not before something has gone wrong.
func (f *filler[In]) count(n int) int {
	if f.size == nil {
		return n
	}
	rows := f.b.rows[f.b.n:][:n]
	for i := range rows {
		if f.bytes += f.size(&rows[i]); f.bytes >= batchBytes {
			return i + 1
		}
	}
	return n
}

func (f *filler[In]) full() bool { return f.b.n == len(f.b.rows) || f.bytes >= batchBytes }

// ordinal is that of the next row.
func (f *filler[In]) ordinal() int64 { return f.b.first + int64(f.b.n) }

// next gives up to n rows behind the last one, which begin has reset unless they have been given before, and just one where
// rows are looked at one by one.
func (f *filler[In]) next(n int) []In {
	f.takeBack()
	if f.given = min(n, len(f.b.rows)-f.b.n); f.choosy || f.ready != nil {
		f.given = 1
	}
	return f.b.rows[f.b.n:][:f.given]
}

// takeBack resets the rows that have been given and not been taken.
func (f *filler[In]) takeBack() {
	f.b.reset(f.b.n, f.b.n+f.given)
	f.given = 0
}

// add takes the first n of the rows that next has given.
func (f *filler[In]) add(n int) error {
	if f.choosy || f.ready != nil {
		if err := f.examine(); err != nil {
			return err
		}
	}
	for n > 0 {
		some := f.count(n)
		n -= some
		if err := f.took(some); err != nil {
			return err
		}
	}
	return nil
}

// examine finds out whether the row behind the last one is to be touched, and prepares it if so.
func (f *filler[In]) examine() error {
	ordinal := f.ordinal()
	if ordinal >= f.end {
		return ErrLimit
	}
	reason := f.skip(ordinal)
	if reason == nil && f.ready != nil {
		var err error
		if reason, err = f.ready(f.b, ordinal); err != nil {
			return err
		}
	}
	if reason != nil {
		f.b.reject(reason, nil)
	}
	return nil
}

// skip tells why a row is not to be touched.
func (f *filler[In]) skip(ordinal int64) error {
	if reason, ok := f.t.excluded(ordinal); ok {
		return reason
	}
	if p := f.t.as.Probe; p != nil && !p.Contains(ordinal) {
		return errSkipped
	}
	return nil
}

// reject gives a slot to a row that could not be read.
func (f *filler[In]) reject(o Origin, reason error) error {
	if f.ordinal() >= f.end {
		return ErrLimit
	}
	f.next(1)
	f.b.reject(reason, &o)
	return f.took(1)
}

// took counts n rows behind the last one, and passes a full batch on: the rows given behind them move to the front of the next.
func (f *filler[In]) took(n int) error {
	f.b.n += n
	f.given -= n
	if !f.full() {
		return nil
	}
	at := f.b.n
	if err := f.flush(); err != nil {
		return err
	}
	f.b.shift(at, f.given)
	return nil
}

// flush passes on the batch, if it has rows.
func (f *filler[In]) flush() error {
	if f.b.n == 0 {
		return nil
	}
	first := f.ordinal()
	b, err := f.pass(f.b)
	if err != nil {
		return err
	}
	f.b, f.bytes = b, 0
	b.begin(first)
	return nil
}
