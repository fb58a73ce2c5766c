package mapreduce

import (
	"context"
	"errors"
	"math"

	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

// ErrLimit is returned by Add, Row and Reject when no more rows are wanted, because the job's --limit is
// reached: Read returns it as it is.
var ErrLimit = errors.New("the limit of rows is reached")

var errNoReason = errors.New("rejected without a reason")

// Rows takes what a Source reads: into shards, or, in place, into the batches of the mapper.
type Rows[R any] struct {
	t    *taskRun
	to   rowTarget[R]
	pace int   // rows until the next look at what follows
	left int64 // rows from there until the limit
	most int64 // the limit
	// stopped tells whether the attempt has been canceled.
	stopped func() error
	err     error  // what ends the attempt, or the reading, whatever Read makes of it
	busy    bool   // the target has the row: a panic of job code unwinds past it
	buf     []byte // of OpenRange, while no such reader is open
}

// rowTarget is where the rows of a source go. Each row, good or rejected, has the next ordinal.
type rowTarget[R any] interface {
	next(n int) []R  // up to n rows, at least one
	add(n int) error // takes the first n of the rows that next gave last
	reject(o Origin, reason error) error
}

// readRanges reads ranges one after another, up to limit rows, or all for 0.
func (s *Source[R]) readRanges(ctx context.Context, t *taskRun, ranges []Range, limit int64, to rowTarget[R]) error {
	rows := &Rows[R]{t: t, to: to, left: limit, stopped: ctx.Err}
	if limit <= 0 {
		rows.left = math.MaxInt64
	}
	rows.most = rows.left
	for _, rg := range ranges {
		err := s.Read(ctx, t.env, rg, rows)
		switch {
		case rows.err != nil && !errors.Is(rows.err, ErrLimit):
			return rows.err
		case errors.Is(err, ErrLimit):
			return nil
		case err != nil:
			return err
		}
	}
	return nil
}

// Next gives the next row to fill, reset. It is valid until Add, Reject or the following Next, and not taken before Add.
func (s *Rows[R]) Next() *R { return &s.NextRows(1)[0] }

// NextRows is Next for several rows, which follow each other: at least one, and up to n.
func (s *Rows[R]) NextRows(n int) []R {
	if s.err != nil { // no row is taken any more
		return make([]R, 1)
	}
	return s.to.next(max(n, 1))
}

// Add takes the row that Next gave last, and keeps it for a while: what it points to must be the row's own.
func (s *Rows[R]) Add() error { return s.AddRows(1) }

// AddRows is Add for the first n of the rows that NextRows gave last.
func (s *Rows[R]) AddRows(n int) error {
	for n > 0 {
		some, err := s.admit(n)
		if err != nil {
			return err
		}
		s.busy = true
		err = s.to.add(some)
		if s.busy = false; err != nil {
			return s.keep(err)
		}
		n -= some
	}
	return nil
}

// admit tells how many of n rows may be taken now.
func (s *Rows[R]) admit(n int) (int, error) {
	if s.pace == 0 {
		if err := s.look(); err != nil {
			return 0, err
		}
	}
	n = min(n, s.pace)
	s.pace -= n
	return n, nil
}

// Place tells where the next row stands among all rows of the input, good or rejected: the number of the task that
// reads it, and how many of the task's rows come before it. It is the same in every attempt.
func (s *Rows[R]) Place() (task int, row int64) {
	return s.t.as.Task.Index, s.most - s.left - int64(s.pace)
}

// Row takes a row: it is *Next() = r and Add.
func (s *Rows[R]) Row(r R) error {
	*s.Next() = r
	return s.Add()
}

// Reject records a row that could not be parsed.
func (s *Rows[R]) Reject(o Origin, reason error) error {
	if reason == nil {
		reason = errNoReason
	}
	if _, err := s.admit(1); err != nil {
		return err
	}
	s.busy = true
	err := s.to.reject(o, reason)
	s.busy = false
	return s.keep(err)
}

// keep remembers an error, the first that is not just the limit.
func (s *Rows[R]) keep(err error) error {
	if err == nil {
		return nil
	}
	s.pace = 0 // so that the next row finds it
	if s.err == nil || errors.Is(s.err, ErrLimit) {
		s.err = err
	}
	return err
}

// futile tells that what is left of a file need not be read for its digest, as nothing will be committed.
func (s *Rows[R]) futile() bool {
	return s.busy || s.err != nil && !errors.Is(s.err, ErrLimit) || s.t.as.Probe != nil
}

// look is done before each beatEvery rows, and before each row behind an error.
func (s *Rows[R]) look() error {
	if s.err != nil {
		return s.err
	}
	if s.left == 0 {
		return ErrLimit
	}
	s.t.cell.Beat()
	if err := s.stopped(); err != nil {
		return s.keep(task.New(task.Canceled, err))
	}
	s.pace = int(min(s.left, beatEvery))
	s.left -= int64(s.pace)
	return nil
}

// Beat shows that a reader makes progress, where it reads much of a file for few rows.
func (s *Rows[R]) Beat() { s.t.cell.Beat() }

// Entries lists the entries of a range of the listing.
func (s *Rows[R]) Entries(rg Range, yield func(Entry) error) error {
	return readListing(s.t.listing, rg, yield)
}

// Rows on their way to a shard: so many, or of so many bytes as Source.Size counts them, are written together.
const (
	shardBatch      = 64
	shardBatchBytes = 256 << 10
	// emitBatch is how many rows are emitted before what they emit is sent on, unless they are of shardBatchBytes before.
	emitBatch = hashAhead
)

// shardRows writes the rows of a source to shards.
type shardRows[R any] struct {
	t     *taskRun
	src   *Source[R]
	w     *rowWriter[R]
	batch slots[R]
	n     int   // rows of the batch that wait to be written
	given int   // rows behind them that next has given
	bytes int64 // of them
	size  int64 // of the current shard
	rows  int64
	first int64 // ordinal from which on rows may wait
	waits int64 // ordinal from which on what rows emitted may wait

	emits   int   // rows that are emitted together
	emitted int64 // bytes of those that have emitted
}

func newShardRows[R any](t *taskRun, src *Source[R], w *rowWriter[R]) *shardRows[R] {
	rows, emits := shardBatch, emitBatch
	if src.Size == nil {
		rows, emits = 1, 1
	}
	return &shardRows[R]{t: t, src: src, w: w, batch: newSlots[R](rows), emits: emits}
}

func (s *shardRows[R]) next(n int) []R {
	if s.choosy() {
		n = 1
	}
	s.given = min(n, len(s.batch.rows)-s.n)
	s.batch.reset(s.n, s.n+s.given)
	return s.batch.rows[s.n:][:s.given]
}

func (s *shardRows[R]) add(n int) (err error) {
	if s.choosy() {
		if out, err := s.examine(); out || err != nil {
			return err
		}
	}
	if s.n == 0 {
		s.first = s.t.counts.Read
	}
	s.t.counts.Read += int64(n)
	if s.src.Emit == nil {
		s.t.counts.Mapped += int64(n)
	} else if n, err = s.emit(n); err != nil {
		return err
	}
	for n > 0 {
		some := s.count(n)
		n -= some
		if err := s.took(some); err != nil {
			return err
		}
	}
	return nil
}

// count counts the bytes of up to n rows behind the last one, and tells how many of them go before something is written.
func (s *shardRows[R]) count(n int) int {
	if most := s.src.Target.Rows - s.rows - int64(s.n); s.src.Target.Rows > 0 && most < int64(n) {
		n = max(int(most), 1)
	}
	if s.src.Size == nil {
		return n
	}
	rows, most := s.batch.rows[s.n:][:n], int64(shardBatchBytes)
	if target := s.src.Target.Bytes; target > 0 {
		most = min(most, target-s.size)
	}
	for i := range rows {
		if s.bytes += s.src.Size(&rows[i]); s.bytes >= most {
			return i + 1
		}
	}
	return n
}

// took counts n rows behind the last one, and writes what waits if it is enough. Rows given behind them move to the front.
func (s *shardRows[R]) took(n int) (err error) {
	s.n += n
	s.given -= n
	at := s.n
	switch {
	case full(s.src.Target, s.rows+int64(s.n), s.size+s.bytes):
		err = s.roll()
	case s.n == len(s.batch.rows) || s.bytes >= shardBatchBytes:
		err = s.flush()
	default:
		return nil
	}
	s.batch.shift(at, s.given)
	return err
}

// flush writes the rows that wait.
func (s *shardRows[R]) flush() error {
	if s.n == 0 {
		return nil
	}
	s.writing()
	err := s.w.writeRows(s.batch.rows[:s.n])
	s.t.cell.Clear()
	s.rows += int64(s.n)
	s.size += s.bytes
	s.n, s.bytes = 0, 0
	return err
}

// roll ends the current shard.
func (s *shardRows[R]) roll() error {
	if err := s.flush(); err != nil {
		return err
	}
	s.rows, s.size = 0, 0
	return s.w.roll()
}

// emit lets the first n of the rows given emit pairs into the streams of the split. Those that it rejects or drops are given no
// more; how many are left of the n is live.
func (s *shardRows[R]) emit(n int) (live int, err error) {
	s.emitting(s.t.counts.Read - int64(n))
	rows := s.batch.rows[s.n:][:s.given]
	for i := range n {
		gone, err := s.emitRow(&rows[i], s.t.counts.Read-int64(n-i))
		if err != nil {
			return 0, err
		}
		if gone {
			continue
		}
		if live < i {
			rows[live], rows[i] = rows[i], rows[live]
		}
		live++
	}
	if live < n {
		for i := n; i < len(rows); i++ {
			rows[live+i-n], rows[i] = rows[i], rows[live+i-n]
		}
		s.given -= n - live
	}
	s.t.cell.Clear() // and not when a panic unwinds
	return live, nil
}

// emitRow lets a row emit. It is gone if that rejected or dropped it.
func (s *shardRows[R]) emitRow(row *R, ordinal int64) (gone bool, err error) {
	out := &s.t.out
	if s.src.Size != nil {
		s.emitted += s.src.Size(row)
	}
	if len(out.rows) == 0 {
		s.waits = ordinal
	}
	out.more()
	s.src.Emit(row, out)
	reason, gone := out.gone()
	if reason != nil {
		if err := s.t.reject(ordinal, origin(row), reason); err != nil {
			return gone, err
		}
	}
	if len(out.rows) < s.emits && s.emitted < shardBatchBytes {
		return gone, nil
	}
	return gone, s.flushEmits(ordinal + 1)
}

// flushEmits sends on what rows before that ordinal have emitted.
func (s *shardRows[R]) flushEmits(before int64) error {
	s.sending(before)
	err := s.t.out.flush(&s.t.counts)
	s.t.out.begin(0)
	s.emitted = 0
	s.emitting(before)
	return err
}

// close ends the last shard.
func (s *shardRows[R]) close() error { return errors.Join(s.flushEmits(s.t.counts.Read), s.flush()) }

func full(t Target, rows, size int64) bool {
	return t.Rows > 0 && rows >= t.Rows || t.Bytes > 0 && size >= t.Bytes
}

func (s *shardRows[R]) reject(o Origin, reason error) error {
	s.t.counts.Read++
	s.t.counts.Rejected++
	return s.t.reject(s.t.counts.Read-1, o, reason)
}
