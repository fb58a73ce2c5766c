package recommend

import (
	"context"
	"encoding/binary"

	"github.com/shardmill/shardmill/mapreduce"
)

// ranges cuts the rows of a matrix into as many ranges as there are partitions, so that each has about as many entries.
// Rows of a partition follow one another: a file of a matrix holds the rows from its first to its last.
type ranges struct {
	starts []uint32 // of each range; the last one ends with the matrix
	first  []uint32 // range of the first row of each bucket of 1<<shift rows
	shift  uint
}

// buckets bounds how much memory the way from a row to its range takes: 16 kB, which stay in the cache.
const buckets = 4 << 10

// newRanges cuts n rows, of which count tells how much each weighs.
func newRanges(rows, n int, count func(row int) int64) *ranges {
	var total int64
	for i := range rows {
		total += count(i)
	}
	r := &ranges{starts: make([]uint32, 1, n)}
	var before int64
	for i := range rows {
		for len(r.starts) < n && before >= share(total, len(r.starts), n) {
			r.starts = append(r.starts, uint32(i))
		}
		before += count(i)
	}
	for len(r.starts) < n { // fewer rows than ranges
		r.starts = append(r.starts, uint32(rows))
	}
	for rows>>r.shift >= buckets {
		r.shift++
	}
	at := 0
	for b := 0; b<<r.shift < rows; b++ {
		for at+1 < n && r.starts[at+1] <= uint32(b<<r.shift) {
			at++
		}
		r.first = append(r.first, uint32(at))
	}
	return r
}

// share is the part i/n of total.
func share(total int64, i, n int) int64 {
	return total/int64(n)*int64(i) + total%int64(n)*int64(i)/int64(n)
}

// of is the range that a row is in.
func (r *ranges) of(row uint32) int {
	at := int(r.first[row>>r.shift])
	for at+1 < len(r.starts) && r.starts[at+1] <= row {
		at++
	}
	return at
}

// byRow partitions pairs by the ranges of their rows.
func byRow(open func(env *mapreduce.Env) (rows int, count func(row int) int64, err error)) func(context.Context, *mapreduce.Env) (func([]byte, int) int, error) {
	return func(_ context.Context, env *mapreduce.Env) (func([]byte, int) int, error) {
		rows, count, err := open(env)
		if err != nil {
			return nil, err
		}
		var cut *ranges
		return func(key []byte, n int) int {
			if cut == nil || len(cut.starts) != n {
				cut = newRanges(rows, n, count)
			}
			return cut.of(binary.BigEndian.Uint32(key))
		}, nil
	}
}
