package mapreduce

import "github.com/shardmill/shardmill/mapreduce/internal/shuffle"

// hashAhead is how many keys are hashed and sought before the first of them is looked up in the table, so that what is in
// memory at their places is fetched side by side.
const hashAhead = 256

// combiner merges the values of each key.
type combiner[V any] struct {
	table   *shuffle.Table[V]
	combine func(a, b V) V     // one of these two
	merge   func(into *V, v V) // is set
	hashes  []uint64
}

// add merges pairs in their order, without those that are gone. Value i is that of pair i, if its value is not encoded.
func (c *combiner[V]) add(p *shuffle.Pairs, values []V) {
	start := uint32(0)
	for lo := 0; lo < len(p.List); lo += hashAhead {
		pairs := p.List[lo:min(lo+hashAhead, len(p.List))]
		c.seek(p.Data, pairs, start)
		for n, pair := range pairs {
			key := p.Data[start:pair.Mid]
			start = pair.End
			if pair.Row == shuffle.Gone {
				continue
			}
			switch at, found := c.table.UpsertHash(c.hashes[n], key); {
			case !found:
				*at = values[lo+n]
			case c.combine != nil:
				*at = c.combine(*at, values[lo+n])
			default:
				c.merge(at, values[lo+n])
			}
		}
	}
}

// seek hashes the keys of pairs, the first of which begins at start, and seeks them.
func (c *combiner[V]) seek(data []byte, pairs []shuffle.Pair, start uint32) {
	c.hashes = c.hashes[:0]
	for _, p := range pairs {
		c.hashes = append(c.hashes, shuffle.Hash(data[start:p.Mid]))
		start = p.End
	}
	c.table.Seek(c.hashes)
}
