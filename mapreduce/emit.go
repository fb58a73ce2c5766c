package mapreduce

import (
	"errors"
	"fmt"
	"math"

	"github.com/shardmill/shardmill/mapreduce/internal/shuffle"
	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

// combineLimit is when a mapper's combiner table is written out. It is a constant, never a share of the
// worker's memory, since the order in which values are combined shows in sums of floats.
const combineLimit = 40 << 20

// errBatchTooLarge says that the rows of one batch emit more bytes than offsets of 32 bits can tell.
var errBatchTooLarge = errors.New("the rows of one batch emit more than 4 GiB: make batches smaller")

// errEnds says that EmitAll got keys that do not end where it is told.
var errEnds = errors.New("one end for each value is needed, the last at the end of the keys")

// Emit sends a pair into the stream. It belongs to row i of the batch and is taken back if that row is rejected; one that is
// made of several rows, none of which the mapper rejects any more, belongs to row -1 and is never taken back.
func (s *Stream[K, V]) Emit(o *Out, i int, k K, v V) {
	e := s.emitter(o)
	if e == nil {
		return
	}
	p := &e.pairs
	p.Data = s.Key.Append(p.Data, k)
	mid := len(p.Data)
	if e.table == nil {
		p.Data = s.Value.Append(p.Data, v)
	} else {
		e.values = append(e.values, v)
	}
	p.List = append(p.List, shuffle.Pair{Row: int32(i + o.base), Mid: uint32(mid), End: uint32(len(p.Data))})
}

// EmitEncoded is Emit for a pair that is encoded already, as the codecs of the stream would. The bytes are copied.
func (s *Stream[K, V]) EmitEncoded(o *Out, i int, key, value []byte) {
	e := s.emitter(o)
	if e == nil {
		return
	}
	if e.table != nil {
		if !e.decode(o, value) {
			return
		}
		value = nil
	}
	e.pairs.Append(i+o.base, key, value)
}

// EmitAll is Emit for one pair of each row of the batch, which takes less time for all at once. The keys are encoded already, as
// the codec of the stream would, and lie side by side: that of row n ends at ends[n]. Pairs of rows that are rejected, before or
// later, go nowhere. Keys and values are copied.
func (s *Stream[K, V]) EmitAll(o *Out, keys []byte, ends []uint32, values []V) {
	e := s.emitter(o)
	if e == nil {
		return
	}
	if n := len(ends); n != len(values) || n > 0 && int64(ends[n-1]) != int64(len(keys)) {
		o.fail(fmt.Errorf("stream %s: %w: %d ends for %d values", s.Name, errEnds, n, len(values)))
		return
	}
	if e.table == nil {
		e.encodeAll(o, keys, ends, values)
		return
	}
	p := &e.pairs
	at := uint32(len(p.Data))
	p.Data = append(p.Data, keys...)
	for n, end := range ends {
		p.List = append(p.List, shuffle.Pair{Row: int32(n + o.base), Mid: at + end, End: at + end})
	}
	e.values = append(e.values, values...)
}

// encodeAll keeps pairs that are not combined.
func (e *pairEmitter[K, V]) encodeAll(o *Out, keys []byte, ends []uint32, values []V) {
	start := uint32(0)
	for n, end := range ends {
		e.scratch = e.s.Value.Append(e.scratch[:0], values[n])
		e.pairs.Append(n+o.base, keys[start:end], e.scratch)
		start = end
	}
}

// emitter is the stream's own among the emitters of a task. Without one the attempt fails, and it is nil.
func (s *Stream[K, V]) emitter(o *Out) *pairEmitter[K, V] {
	if s.index < len(o.emitters) {
		if e, ok := o.emitters[s.index].(*pairEmitter[K, V]); ok && e.s == s {
			return e
		}
	}
	o.foreign(s.Name)
	return nil
}

// foreign says that a stream is not the mapper's.
func (o *Out) foreign(stream string) {
	o.fail(fmt.Errorf("stream %s: not among what this mapper emits into", stream))
}

// emitter is what a map attempt does with one of its streams, whatever its types are.
type emitter interface {
	flush(o *Out) error // ends a batch
	close() error       // writes what the combiner still holds
	counts() (name string, c task.StreamCount)
}

// pairEmitter holds what the rows of one batch emit until the batch ends, when rejected rows are known.
type pairEmitter[K, V any] struct {
	s           *Stream[K, V]
	pairs       shuffle.Pairs
	to          *shuffle.Sender
	combiner[V]     // without a table if the stream has none
	values      []V // with a combiner: values not encoded
	scratch     []byte
	count       task.StreamCount
}

func (s *Stream[K, V]) newEmitter(w *shuffle.Writer, by shuffle.Partitioner) emitter {
	e := &pairEmitter[K, V]{s: s, to: shuffle.NewSender(w, s.index, s.Group, s.first())}
	e.to.PartitionBy(by)
	if e.combine, e.merge = s.Combine, s.Merge; s.merging() != nil {
		if e.table, s.spare = s.spare, nil; e.table == nil {
			e.table = &shuffle.Table[V]{}
		}
	}
	return e
}

// release lets go of memory that is kept for the next map.
func (s *Stream[K, V]) release() { s.spare = nil }

// decode keeps a value for the combiner.
func (e *pairEmitter[K, V]) decode(o *Out, value []byte) bool {
	v, err := e.s.Value.Decode(value)
	if err != nil {
		o.fail(fmt.Errorf("stream %s: value: %w", e.s.Name, err))
		return false
	}
	e.values = append(e.values, v)
	return true
}

// flush sends on the pairs of live rows, in order of emission.
func (e *pairEmitter[K, V]) flush(o *Out) error {
	if len(e.pairs.Data) > math.MaxUint32 {
		return fmt.Errorf("stream %s: %w", e.s.Name, errBatchTooLarge)
	}
	e.count.Emitted += e.takeBack(o)
	if e.table == nil {
		n, err := e.to.Send(&e.pairs)
		e.count.Written += n
		e.pairs.Clear()
		return e.named(err)
	}
	e.add(&e.pairs, e.values)
	e.pairs.Clear()
	clear(e.values) // which may point to what is large
	e.values = e.values[:0]
	if e.table.Bytes() > combineLimit {
		return e.spill()
	}
	return nil
}

// takeBack marks the pairs of rejected rows, and counts the others.
func (e *pairEmitter[K, V]) takeBack(o *Out) (live int64) {
	if o.rejected == 0 {
		return int64(len(e.pairs.List))
	}
	for i := range e.pairs.List {
		if p := &e.pairs.List[i]; o.live(int(p.Row)) {
			live++
		} else {
			p.Row = shuffle.Gone
		}
	}
	return live
}

// named says which stream an error is of.
func (e *pairEmitter[K, V]) named(err error) error {
	if err != nil {
		return fmt.Errorf("stream %s: %w", e.s.Name, err)
	}
	return nil
}

// spill writes the combined pairs, each key once.
func (e *pairEmitter[K, V]) spill() error {
	for n := range e.table.Places() {
		key, v := e.table.At(n)
		e.scratch = e.s.Value.Append(e.scratch[:0], *v)
		added, err := e.to.Add(key, e.scratch)
		if err != nil {
			return e.named(err)
		}
		if added {
			e.count.Written++
		}
	}
	e.table.Reset()
	return nil
}

func (e *pairEmitter[K, V]) close() error {
	if e.table == nil {
		return nil
	}
	if err := e.spill(); err != nil {
		return err
	}
	e.s.spare = e.table
	return nil
}

func (e *pairEmitter[K, V]) counts() (string, task.StreamCount) { return e.s.Name, e.count }
