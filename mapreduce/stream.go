package mapreduce

import (
	"context"
	"fmt"
	"iter"

	"github.com/shardmill/shardmill/mapreduce/internal/shuffle"
	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

// Reducer reduces the groups of one stream, one after another. One instance serves one reduce task.
type Reducer[K, V any] interface {
	// Reduce gets one group: group is the first key of it, and values come in the byte order of their
	// full keys, then by map task, then in order of emission. What is not read is skipped. An error of class
	// BadRecord rejects the group, with what was written of it; any other fails the attempt.
	Reduce(ctx context.Context, group K, values iter.Seq2[K, V], out *Out) error
	Close() error
}

// ReduceFunc is a Reducer that holds nothing.
type ReduceFunc[K, V any] func(ctx context.Context, group K, values iter.Seq2[K, V], out *Out) error

// Reduce implements Reducer.
func (f ReduceFunc[K, V]) Reduce(ctx context.Context, group K, values iter.Seq2[K, V], out *Out) error {
	return f(ctx, group, values, out)
}

// Close implements Reducer.
func (ReduceFunc[K, V]) Close() error { return nil }

// Reducer makes the Reducer, as Stream.Reduce wants it.
func (f ReduceFunc[K, V]) Reducer(context.Context, *Env) (Reducer[K, V], error) { return f, nil }

// Stream is a shuffle: mappers emit pairs into it, and its reducer gets them group by group.
// A stream belongs to one stage.
type Stream[K, V any] struct {
	Name  string
	Key   Codec[K]
	Value Codec[V]
	// Group gives the length of the prefix of an encoded key that makes a group and chooses the
	// partition; nil means the whole key.
	Group func(key []byte) int
	// Combine, if set, merges two values of one key in the mapper before anything is written. It must
	// be associative: for the same job it is always applied to the same values in the same order.
	Combine func(a, b V) V
	// BytesPerRow estimates what one input row of the stage sends through this stream; it decides the number of
	// partitions. 0 means 64.
	BytesPerRow int64
	// Reduce makes the reducer of one reduce task.
	Reduce func(ctx context.Context, env *Env) (Reducer[K, V], error)
	// Writes lists the datasets that the reducer writes.
	Writes []Port

	index int
}

// combineLimit is when a mapper's combiner table is written out. It is a constant, never a share of the
// worker's memory, since the order in which values are combined shows in sums of floats.
const combineLimit = 64 << 20

// Emit sends a pair into the stream. It belongs to row i of the batch and is taken back if that row is rejected.
func (s *Stream[K, V]) Emit(o *Out, i int, k K, v V) {
	e := s.emitter(o.emitters)
	if e == nil {
		o.fail(fmt.Errorf("stream %s: not among what this mapper emits into", s.Name))
		return
	}
	o.writes++
	start := len(e.arena)
	e.arena = s.Key.Append(e.arena, k)
	mid := len(e.arena)
	if e.table != nil {
		e.values = append(e.values, v)
	} else {
		e.arena = s.Value.Append(e.arena, v)
	}
	e.pairs = append(e.pairs, pair{row: int32(i), start: start, mid: mid, end: len(e.arena)})
}

// emitter is the stream's own among the emitters of a task, or nil.
func (s *Stream[K, V]) emitter(all []emitter) *pairEmitter[K, V] {
	if s.index >= len(all) {
		return nil
	}
	if e, ok := all[s.index].(*pairEmitter[K, V]); ok && e.s == s {
		return e
	}
	return nil
}

func (s *Stream[K, V]) portName() string { return s.Name }

func (s *Stream[K, V]) bind(index int) error {
	s.index = index
	if s.Key == nil || s.Value == nil || s.Reduce == nil {
		return fmt.Errorf("stream %s: Key, Value and Reduce are needed", s.Name)
	}
	return nil
}

func (s *Stream[K, V]) writes() []Port { return s.Writes }

func (s *Stream[K, V]) bytesPerRow() int64 {
	if s.BytesPerRow <= 0 {
		return 64
	}
	return s.BytesPerRow
}

func (s *Stream[K, V]) widths() (key, value int) { return widthOf(s.Key), widthOf(s.Value) }

func (s *Stream[K, V]) prefix() func([]byte) int { return s.Group }

// streamPort is a Stream without its types.
type streamPort interface {
	Port
	bind(index int) error
	writes() []Port
	bytesPerRow() int64
	widths() (key, value int)
	prefix() func([]byte) int
	newEmitter(w *shuffle.Writer, partitions int) emitter
	reduceAll(ctx context.Context, t *taskRun, in *shuffle.Input) error
}

// emitter is what a map attempt does with one of its streams, whatever its types are.
type emitter interface {
	flush(o *Out) error // ends a batch
	close() error       // writes what the combiner still holds
	counts() (name string, c task.StreamCount)
}

type pair struct {
	row             int32
	start, mid, end int
}

// pairEmitter holds what the rows of one batch emit until the batch ends, when rejected rows are known.
type pairEmitter[K, V any] struct {
	s          *Stream[K, V]
	w          *shuffle.Writer
	partitions int
	arena      []byte
	pairs      []pair
	values     []V               // with a combiner: values not encoded
	table      *shuffle.Table[V] // with a combiner
	scratch    []byte
	count      task.StreamCount
}

func (s *Stream[K, V]) newEmitter(w *shuffle.Writer, partitions int) emitter {
	e := &pairEmitter[K, V]{s: s, w: w, partitions: partitions}
	if s.Combine != nil {
		e.table = &shuffle.Table[V]{}
	}
	return e
}

func (e *pairEmitter[K, V]) flush(o *Out) error {
	for n := range e.pairs {
		p := &e.pairs[n]
		if !o.live(int(p.row)) {
			continue
		}
		e.count.Emitted++
		key := e.arena[p.start:p.mid]
		if e.table != nil {
			e.combine(key, e.values[n])
		} else if err := e.add(shuffle.Hash(e.group(key)), key, e.arena[p.mid:p.end]); err != nil {
			return err
		}
	}
	e.arena, e.pairs, e.values = e.arena[:0], e.pairs[:0], e.values[:0]
	if e.table != nil && e.table.Bytes() > combineLimit {
		return e.spill()
	}
	return nil
}

func (e *pairEmitter[K, V]) combine(key []byte, v V) {
	at, found := e.table.Upsert(key)
	if found {
		v = e.s.Combine(*at, v)
	}
	*at = v
}

// spill writes the combined pairs in the order in which their keys first came.
func (e *pairEmitter[K, V]) spill() error {
	for n := range e.table.Len() {
		hash, key, v := e.table.At(n)
		if e.s.Group != nil {
			hash = shuffle.Hash(e.group(key))
		}
		e.scratch = e.s.Value.Append(e.scratch[:0], *v)
		if err := e.add(hash, key, e.scratch); err != nil {
			return err
		}
	}
	e.table.Reset()
	return nil
}

func (e *pairEmitter[K, V]) group(key []byte) []byte {
	if e.s.Group == nil {
		return key
	}
	return key[:e.s.Group(key)]
}

func (e *pairEmitter[K, V]) add(hash uint64, key, value []byte) error {
	e.count.Written++
	if err := e.w.Add(e.s.index, shuffle.PartitionOf(hash, e.partitions), key, value); err != nil {
		return fmt.Errorf("stream %s: %w", e.s.Name, err)
	}
	return nil
}

func (e *pairEmitter[K, V]) close() error {
	if e.table == nil {
		return nil
	}
	return e.spill()
}

func (e *pairEmitter[K, V]) counts() (string, task.StreamCount) { return e.s.Name, e.count }
