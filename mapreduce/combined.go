package mapreduce

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/shardmill/shardmill/mapreduce/internal/shuffle"
)

// groups is what a reduce task reads: a sorted Input, or what has been combined on the way.
type groups interface {
	NextGroup() bool
	Next() (key, value []byte, ok bool) // of the group
	Stands() int64                      // records for which the pair returned last stands
	Records() int64                     // in the run files
	Err() error
	Close() error
}

// sorted is an Input.
type sorted struct{ *shuffle.Input }

// Stands implements groups.
func (sorted) Stands() int64 { return 1 }

// combines tells whether the reducer gets one value for each key, all values having been combined in the order of a
// sorted Input, that is of map tasks, then of emission. Then they need not be sorted, as long as one
// value of each key fits in memory. Values of a fixed width are as large as they look, and what is decoded of
// them is what was encoded, so that results do not depend on which of the two ways was gone.
func (s *Stream[K, V]) combines() bool {
	return s.merging() != nil && s.Group == nil && widthOf(s.Value) > 0
}

// counted is a value that stands for n records.
type counted[V any] struct {
	v V
	n int64
}

// combined is one partition, combined.
type combined[K, V any] struct {
	s       *Stream[K, V]
	merge   func(into *V, v V)
	table   shuffle.Table[counted[V]]
	hashes  []uint64 // of some records
	budget  int64    // bytes
	beat    func()
	order   []place // of the keys
	at      int     // of the next group
	unread  bool    // the pair of the group before at
	value   []byte
	records int64
}

// combinedShift makes the table place keys by other bits of their hashes than those of the combiners have, which write
// in order of places.
const combinedShift = 32

// place is where a key is in the table.
type place struct {
	prefix uint64 // the first bytes of the key
	n      int
}

// errNoRoom says that the values of all keys do not fit in memory: the records must be sorted.
var errNoRoom = errors.New("too many keys")

// combine reads a partition into memory. The error is errNoRoom where it does not fit, which costs no more than
// reading what fits.
func (s *Stream[K, V]) combine(cfg shuffle.Config, runs func() (string, bool)) (groups, error) {
	c := &combined[K, V]{s: s, merge: s.merging(), budget: cfg.Budget, beat: cfg.Beat}
	c.table.Shift = combinedShift
	if cfg.Buffers != nil {
		*cfg.Buffers = shuffle.Buffers{} // an earlier task may have left a whole budget there
	}
	var err error
	if c.records, err = shuffle.Each(cfg, runs, c.add); err != nil {
		return nil, err
	}
	c.sort()
	return c, nil
}

// add combines records that lie in data.
func (c *combined[K, V]) add(data []byte, records []shuffle.Record) error {
	keys := 0
	c.hashes = c.hashes[:0]
	for _, r := range records {
		key := data[r.Key:r.Value]
		keys += len(key)
		c.hashes = append(c.hashes, shuffle.Hash(key))
	}
	if !c.fits(len(records), keys) {
		return errNoRoom
	}
	c.table.Seek(c.hashes)
	for n, r := range records {
		v, err := c.s.Value.Decode(data[r.Value:r.End])
		if err != nil {
			return fmt.Errorf("stream %s: value: %w", c.s.Name, err)
		}
		at, found := c.table.UpsertHash(c.hashes[n], data[r.Key:r.Value])
		if at.n++; found {
			c.merge(&at.v, v)
		} else {
			at.v = v
		}
	}
	return nil
}

// fits tells whether there is room for some keys more, of that many bytes.
func (c *combined[K, V]) fits(keys, bytes int) bool {
	const slack, placeBytes = 2, 16 // what slices have grown may hold twice what is in them
	all := int64(c.table.Len() + keys)
	return slack*(c.table.Bytes()+int64(bytes))+placeBytes*all <= c.budget
}

// sort orders the keys by their bytes.
func (c *combined[K, V]) sort() {
	c.hashes = nil
	c.order = make([]place, 0, c.table.Len())
	for n := range c.table.Places() {
		key, _ := c.table.At(n)
		c.order = append(c.order, place{shuffle.Prefix(key), n})
	}
	slices.SortFunc(c.order, func(a, b place) int {
		if a.prefix != b.prefix {
			return cmp.Compare(a.prefix, b.prefix)
		}
		x, _ := c.table.At(a.n)
		y, _ := c.table.At(b.n)
		return bytes.Compare(x, y)
	})
}

// NextGroup implements groups.
func (c *combined[K, V]) NextGroup() bool {
	if c.at == len(c.order) {
		return false
	}
	if c.at++; c.at%beatEvery == 0 && c.beat != nil {
		c.beat()
	}
	c.unread = true
	return true
}

// Next implements groups.
func (c *combined[K, V]) Next() (key, value []byte, ok bool) {
	if !c.unread {
		return nil, nil, false
	}
	c.unread = false
	key, v := c.table.At(c.order[c.at-1].n)
	c.value = c.s.Value.Append(c.value[:0], v.v)
	return key, c.value, true
}

// Stands implements groups.
func (c *combined[K, V]) Stands() int64 {
	_, v := c.table.At(c.order[c.at-1].n)
	return v.n
}

// Records implements groups.
func (c *combined[K, V]) Records() int64 { return c.records }

// Err implements groups.
func (c *combined[K, V]) Err() error { return nil }

// Close implements groups.
func (c *combined[K, V]) Close() error { return nil }

// open opens a partition for reducing: combined where the stream allows it and it fits, else sorted. The first attempt
// only: where it died, a record may be to blame, and which it was only sorted groups tell.
func (s *Stream[K, V]) open(t *taskRun, cfg shuffle.Config, runs func() func() (string, bool)) (groups, error) {
	if s.combines() && t.as.Number == 1 && t.as.Probe == nil {
		g, err := s.combine(cfg, runs())
		if err == nil || !errors.Is(err, errNoRoom) {
			return g, err
		}
	}
	in, err := shuffle.NewInput(cfg, runs())
	if err != nil {
		return nil, err
	}
	return sorted{in}, nil
}
