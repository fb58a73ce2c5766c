package mapreduce

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"

	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

// beatEvery is the number of values after which a reduce shows that it makes progress.
const beatEvery = 1024

// reduceAll reduces the groups of one partition in order.
func (s *Stream[K, V]) reduceAll(ctx context.Context, t *taskRun, in groups) error {
	r, err := s.Reduce(ctx, t.env)
	if err != nil {
		return fmt.Errorf("stream %s: %w", s.Name, err)
	}
	g := &groupRun[K, V]{s: s, t: t, in: in, r: r, most: math.MaxInt64}
	if s.First > 0 {
		g.most = s.First
	}
	g.values = g.each
	if s.combines() {
		g.values, g.merge = g.one, s.merging()
	}
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
	in      groups
	r       Reducer[K, V]
	ordinal int64  // of the next group
	records int64  // read of this group
	most    int64  // records of a group that are read
	err     error  // of decoding, inside the iterator
	encoded []byte // the first key of the group
	key     K      // decoded from it
	value   V      // beside it, while ready
	ready   bool
	values  iter.Seq2[K, V] // each, made once
	merge   func(*V, V)     // with one
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
	g.t.out.writes, g.t.out.measures = 0, g.t.out.measures[:0]
	err := g.r.Reduce(ctx, g.key, g.values, &g.t.out)
	if err == nil && g.t.out.err == nil && g.err == nil {
		g.t.out.measure(&g.t.counts)
		return nil
	}
	err = errors.Join(err, g.t.out.err, g.err)
	if ClassOf(err) == BadRecord {
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

// read is the next record of the group. How many of a stream with First were left out before depends on the
// worker's memory, so those beyond are never seen and never counted.
func (g *groupRun[K, V]) read() (key, value []byte, ok bool) {
	if g.records == g.most {
		return nil, nil, false
	}
	if key, value, ok = g.in.Next(); ok {
		if g.records += g.in.Stands(); g.records%beatEvery == 0 {
			g.t.cell.Beat()
		}
	}
	return key, value, ok
}

// decode reads the first pair of the group. Its key is decoded from a copy: it stays valid while values come.
func (g *groupRun[K, V]) decode() bool {
	key, value, ok := g.read()
	if !ok {
		g.err = errors.Join(errors.New("a group without a record"), g.in.Err())
		return false
	}
	g.encoded = append(g.encoded[:0], key...)
	if g.key, g.err = g.decodeKey(g.encoded); g.err == nil {
		g.value, g.err = g.decodeValue(value)
	}
	g.ready = g.err == nil
	return g.ready
}

func (g *groupRun[K, V]) decodeKey(b []byte) (K, error) {
	k, err := g.s.Key.Decode(b)
	if err != nil {
		return k, fmt.Errorf("stream %s: key: %w", g.s.Name, err)
	}
	return k, nil
}

func (g *groupRun[K, V]) decodeValue(b []byte) (V, error) {
	v, err := g.s.Value.Decode(b)
	if err != nil {
		return v, fmt.Errorf("stream %s: value: %w", g.s.Name, err)
	}
	return v, nil
}

// each iterates the group once. Ranging over it again gives what is left.
func (g *groupRun[K, V]) each(yield func(K, V) bool) {
	if g.ready {
		g.ready = false
		if !yield(g.key, g.value) {
			return
		}
	}
	for g.err == nil {
		key, value, ok := g.read()
		if !ok {
			return
		}
		k := g.key
		if g.s.Group != nil { // else all keys of the group are the same
			k, g.err = g.decodeKey(key)
		}
		var v V
		if g.err == nil {
			v, g.err = g.decodeValue(value)
		}
		if g.err != nil || !yield(k, v) {
			return
		}
	}
}

// one iterates a group of which all values are combined.
func (g *groupRun[K, V]) one(yield func(K, V) bool) {
	if !g.ready {
		return
	}
	g.ready = false
	for g.err == nil {
		_, value, ok := g.read()
		if !ok {
			yield(g.key, g.value)
			return
		}
		var more V
		if more, g.err = g.decodeValue(value); g.err == nil {
			g.merge(&g.value, more)
		}
	}
}

// excluded tells whether a row or group is on the assignment's list, and why.
func (t *taskRun) excluded(ordinal int64) (error, bool) {
	if len(t.as.Exclude) == 0 {
		return nil, false
	}
	at, ok := slices.BinarySearchFunc(t.as.Exclude, ordinal, func(e task.Exclusion, n int64) int {
		return int(min(1, max(-1, e.Ordinal-n)))
	})
	if !ok {
		return nil, false
	}
	e := t.as.Exclude[at]
	return task.New(e.Class, errors.New(e.Reason)), true
}
