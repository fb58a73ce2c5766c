package mapreduce

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/shardmill/shardmill/mapreduce/internal/shuffle"
	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

// beatEvery is the number of values after which a reduce shows that it makes progress.
const beatEvery = 1024

// reduceAll reduces the groups of one partition in order.
func (s *Stream[K, V]) reduceAll(ctx context.Context, t *taskRun, in *shuffle.Input) error {
	r, err := s.Reduce(ctx, t.env)
	if err != nil {
		return fmt.Errorf("stream %s: %w", s.Name, err)
	}
	g := &groupRun[K, V]{s: s, t: t, in: in, r: r}
	for err == nil && !g.probed() && in.NextGroup() {
		err = g.next(ctx)
	}
	err = errors.Join(err, r.Close())
	if err == nil {
		err = in.Err()
	}
	t.setStream(s.Name, task.StreamCount{Reduced: in.Records(), Rejected: t.counts.RejectedRecords})
	t.counts.Read, t.counts.Groups = in.Records(), g.ordinal
	return err
}

// groupRun is the state of reducing one partition.
type groupRun[K, V any] struct {
	s       *Stream[K, V]
	t       *taskRun
	in      *shuffle.Input
	r       Reducer[K, V]
	ordinal int64 // of the next group
	records int64 // read of this group
	err     error // of decoding, inside the iterator
	key     K     // the first of the group
	value   V     // beside it, while ready
	ready   bool
}

// probed tells whether all groups of a probe have been seen.
func (g *groupRun[K, V]) probed() bool {
	p := g.t.as.Probe
	return p != nil && g.ordinal >= p.Hi
}

func (g *groupRun[K, V]) next(ctx context.Context) error {
	n := g.ordinal
	g.ordinal++
	g.records = 0
	if err := checkCanceled(ctx); err != nil {
		return err
	}
	if p := g.t.as.Probe; p != nil && !p.Contains(n) {
		return nil
	}
	reason, excluded := g.t.excluded(n)
	if !excluded {
		g.t.cell.InFlight(task.Span{Lo: n, Hi: n + 1})
	}
	if !g.decode() {
		return g.err
	}
	if excluded {
		return g.reject(n, reason)
	}
	g.t.out.writes = 0
	err := g.r.Reduce(ctx, g.key, g.values(), &g.t.out)
	err = errors.Join(err, g.t.out.err, g.err)
	if err != nil && ClassOf(err) == BadRecord {
		return g.bad(n, err)
	}
	return err
}

// bad ends a group that its reducer refused. If rows of it were already written, the attempt
// starts over without the group: nothing is buffered.
func (g *groupRun[K, V]) bad(n int64, err error) error {
	if g.t.out.writes == 0 && g.err == nil && g.t.out.err == nil {
		return g.reject(n, err)
	}
	return &Error{Record: n, Class: BadRecord, Err: err}
}

// reject reads what is left of a group, to count it, and writes it to the rejects.
func (g *groupRun[K, V]) reject(n int64, reason error) error {
	for _, _, ok := g.read(); ok; _, _, ok = g.read() {
		continue
	}
	g.t.counts.RejectedGroups++
	g.t.counts.RejectedRecords += g.records
	return g.t.rejectGroup(g.s.Name, n, fmt.Sprint(g.key), g.records, reason)
}

// read is the next record of the group.
func (g *groupRun[K, V]) read() (key, value []byte, ok bool) {
	if key, value, ok = g.in.Next(); ok {
		if g.records++; g.records%beatEvery == 0 {
			g.t.cell.Beat()
		}
	}
	return key, value, ok
}

// decode reads the first pair of the group.
func (g *groupRun[K, V]) decode() bool {
	key, value, ok := g.read()
	if !ok {
		g.err = errors.Join(errors.New("a group without a record"), g.in.Err())
		return false
	}
	g.key, g.value, g.err = g.pair(key, value)
	g.ready = g.err == nil
	return g.ready
}

func (g *groupRun[K, V]) pair(key, value []byte) (k K, v V, err error) {
	if k, err = g.s.Key.Decode(key); err != nil {
		return k, v, fmt.Errorf("stream %s: key: %w", g.s.Name, err)
	}
	if v, err = g.s.Value.Decode(value); err != nil {
		return k, v, fmt.Errorf("stream %s: value: %w", g.s.Name, err)
	}
	return k, v, nil
}

// values iterates the group once. Ranging over it again gives what is left.
func (g *groupRun[K, V]) values() iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		if g.ready {
			g.ready = false
			if !yield(g.key, g.value) {
				return
			}
		}
		for {
			key, value, ok := g.read()
			if !ok {
				return
			}
			k, v, err := g.pair(key, value)
			if err != nil {
				g.err = err
				return
			}
			if !yield(k, v) {
				return
			}
		}
	}
}

// excluded tells whether a row or group is on the assignment's list, and why.
func (t *taskRun) excluded(ordinal int64) (error, bool) {
	at, ok := slices.BinarySearchFunc(t.as.Exclude, ordinal, func(e task.Exclusion, n int64) int {
		return int(min(1, max(-1, e.Ordinal-n)))
	})
	if !ok {
		return nil, false
	}
	e := t.as.Exclude[at]
	return task.New(e.Class, errors.New(e.Reason)), true
}
