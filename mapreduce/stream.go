package mapreduce

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"

	"github.com/shardmill/shardmill/mapreduce/internal/shuffle"
)

// Reducer reduces the groups of one stream, one after another. One instance serves one reduce task.
type Reducer[K, V any] interface {
	// Reduce gets one group: group is the first key of it, and values come in the byte order of their
	// full keys, then by map task, then in order of emission. What is not read is skipped. An error of class
	// BadRecord rejects the group, with what was written of it; any other fails the attempt. To range over values
	// allocates a little for each group; to call it with a function that the reducer keeps does not.
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
	// Partition, if set, makes what chooses the partition of a group, from 0 to n-1, in place of a hash: by ranges of
	// keys, say, so that partitions follow each other in their order. It is made once for a worker and stage, and may
	// read the stage's side inputs (Env.Files). What it makes gets what Group gives of an encoded key, valid for the
	// moment, and must follow from that and n alone. Another value than 0 to n-1 fails the attempt.
	Partition func(ctx context.Context, env *Env) (func(group []byte, n int) int, error)
	// Partitions, if above 0, is the number of the stream's partitions, whatever BytesPerRow and Config.Partitions say: a
	// dictionary, say, wants one.
	Partitions int
	// PartitionsOf, if set, is a stream of an earlier stage: this one has as many partitions, whatever Partitions, BytesPerRow
	// and Config.Partitions say. So what was made of rows is cut as the rows would be.
	PartitionsOf Port
	// Combine, if set, merges two values of one key, in the mapper before anything is written and, without Group and with
	// values of a fixed width, again in the reduce task: then the reducer gets one value. It must be associative: for
	// the same job it is always applied to the same values in the same order. Values are kept as they were emitted, so
	// they must not point to memory that the mapper uses again.
	Combine func(a, b V) V
	// Merge does what Combine does, with the result in place of the first value, and may be set instead. It spares
	// the copies of values that do not fit in registers, such as arrays.
	Merge func(into *V, v V)
	// First, if above 0, is how many values of each group the reducer reads at most: the first in the order in which
	// they come. The engine leaves out others wherever that is cheap, and gives the reducer no more. With keys of a
	// fixed width of up to 16 bytes, Group must give the same length for all. A stream with Combine has no First: a key has
	// one value in each map then, and to leave some of them out would make another result.
	First int64
	// BytesPerRow estimates what one input row of the stage sends through this stream; it decides the number of
	// partitions where neither Partitions nor Config.Partitions does. 0 means 64.
	BytesPerRow int64
	// Reduce makes the reducer of one reduce task.
	Reduce func(ctx context.Context, env *Env) (Reducer[K, V], error)
	// Writes lists the datasets that the reducer writes.
	Writes []Port

	index int
	spare *shuffle.Table[V] // of the combiner of the map before, empty
}

// merging is Merge, or Combine in its form, or nil.
func (s *Stream[K, V]) merging() func(into *V, v V) {
	if s.Merge != nil || s.Combine == nil {
		return s.Merge
	}
	combine := s.Combine
	return func(into *V, v V) { *into = combine(*into, v) }
}

func (s *Stream[K, V]) portName() string { return s.Name }

func (s *Stream[K, V]) bind(index int) error {
	s.index = index
	if s.Key == nil || s.Value == nil || s.Reduce == nil {
		return fmt.Errorf("stream %s: Key, Value and Reduce are needed", s.Name)
	}
	if _, ok := any(s.Value).(Bytes); ok && s.merging() != nil {
		return fmt.Errorf("stream %s: values of the codec Bytes cannot be combined: they are valid for a moment only", s.Name)
	}
	if s.Combine != nil && s.Merge != nil {
		return fmt.Errorf("stream %s: of Combine and Merge, only one may be set", s.Name)
	}
	if s.Partitions < 0 || s.Partitions > maxPartitions {
		return fmt.Errorf("stream %s: Partitions is %d, and must be from 0 to %d", s.Name, s.Partitions, maxPartitions)
	}
	if s.First < 0 {
		return fmt.Errorf("stream %s: First is %d, and must not be negative", s.Name, s.First)
	}
	if s.First > 0 && s.merging() != nil {
		return fmt.Errorf("stream %s: Combine and First exclude each other: to leave out values of some maps would make another result of the rest", s.Name)
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

func (s *Stream[K, V]) partitions() int { return s.Partitions }

func (s *Stream[K, V]) partitionsOf() Port { return s.PartitionsOf }

func (s *Stream[K, V]) partitioner(ctx context.Context, env *Env) (shuffle.Partitioner, error) {
	if s.Partition == nil {
		return nil, nil
	}
	by, err := s.Partition(ctx, env)
	if err == nil && by == nil {
		err = errors.New("there is none")
	}
	if err != nil {
		return nil, fmt.Errorf("making the partitioner of stream %s: %w", s.Name, err)
	}
	return by, nil
}

func (s *Stream[K, V]) widths() (key, value int) { return widthOf(s.Key), widthOf(s.Value) }

func (s *Stream[K, V]) prefix() func([]byte) int { return s.Group }

func (s *Stream[K, V]) first() int { return int(min(s.First, math.MaxInt32)) }

// streamPort is a Stream without its types.
type streamPort interface {
	Port
	bind(index int) error
	writes() []Port
	bytesPerRow() int64
	widths() (key, value int)
	prefix() func([]byte) int
	first() int
	partitions() int    // 0: to be chosen
	partitionsOf() Port // a stream of an earlier stage, or nil
	partitioner(ctx context.Context, env *Env) (shuffle.Partitioner, error)
	newEmitter(w *shuffle.Writer, by shuffle.Partitioner) emitter
	release()
	open(t *taskRun, cfg shuffle.Config, runs func() func() (string, bool)) (groups, error)
	reduceAll(ctx context.Context, t *taskRun, in groups) error
}
