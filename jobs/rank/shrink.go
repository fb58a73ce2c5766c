package rank

import (
	"encoding/binary"
	"hash/maphash"
)

// shrinker finds rows of a batch that cannot be among the best n of their key, by the batch alone.
type shrinker struct {
	n          int
	descending bool
	seed       maphash.Seed
	counts     []int32 // rows of the batch for each hash of a key
	hashes     []uint16
	best       map[value]int // index in heaps
	heaps      [][]uint64    // worst first: the best n of each key that has more rows than n
	drop       []bool
}

// hashes is the number of hashes of a key.
const hashes = 1 << 14

func newShrinker(n int64, descending bool) *shrinker {
	return &shrinker{
		n: int(min(n, batch)), descending: descending, seed: maphash.MakeSeed(),
		counts: make([]int32, hashes), best: map[value]int{},
	}
}

// shrink tells for each row whether it can be left out. Of a key it leaves at most 2n-1 rows, besides
// strings that equal the worst of the best n in their first eight bytes. The result is valid until the next call.
func (s *shrinker) shrink(rows []rankedRow, skip func(i int) bool) []bool {
	s.begin(len(rows))
	for i := range rows {
		s.hashes[i] = s.hash(&rows[i].key)
		s.counts[s.hashes[i]]++
	}
	for i := range rows {
		if int(s.counts[s.hashes[i]]) > s.n && !skip(i) {
			s.drop[i] = !s.offer(&rows[i])
		}
	}
	for i := range rows {
		if int(s.counts[s.hashes[i]]) > s.n && !skip(i) && !s.drop[i] {
			heap := s.heaps[s.best[rows[i].key]]
			s.drop[i] = len(heap) == s.n && s.bits(&rows[i].by) > heap[0]
		}
	}
	return s.drop
}

func (s *shrinker) begin(rows int) {
	clear(s.counts)
	clear(s.best)
	s.heaps = s.heaps[:0]
	for len(s.drop) < rows {
		s.drop, s.hashes = append(s.drop, false), append(s.hashes, 0)
	}
	clear(s.drop)
}

func (s *shrinker) hash(key *value) uint16 {
	if key.kind == text {
		return uint16(maphash.String(s.seed, key.text) % hashes)
	}
	const odd = 0x9e3779b97f4a7c15 // 2^64 divided by the golden ratio
	return uint16(key.bits * odd >> 32 % hashes)
}

// bits are a number whose order is that of the values: less is better. Of a string they are its
// first eight bytes, so there equal bits do not tell which is better.
func (s *shrinker) bits(by *value) uint64 {
	u := by.bits
	if by.kind == text {
		var b [8]byte
		copy(b[:], by.text)
		u = binary.BigEndian.Uint64(b[:])
	}
	if s.descending {
		return ^u
	}
	return u
}

// offer puts a row among the best of its key and tells whether it can be one. A row that equals the worst of
// them cannot, since it comes later.
func (s *shrinker) offer(r *rankedRow) bool {
	at, ok := s.best[r.key]
	if !ok {
		at = s.newHeap()
		s.best[r.key] = at
	}
	heap, bits := s.heaps[at], s.bits(&r.by)
	switch {
	case len(heap) < s.n:
		s.heaps[at] = append(heap, bits)
		up(s.heaps[at])
	case bits < heap[0]:
		heap[0] = bits
		down(heap)
	case bits > heap[0] || r.by.kind != text:
		return false
	}
	return true
}

// newHeap makes an empty heap, in the memory of an old one where there is one.
func (s *shrinker) newHeap() int {
	n := len(s.heaps)
	if n == cap(s.heaps) {
		s.heaps = append(s.heaps, nil)
	} else {
		s.heaps = s.heaps[:n+1]
	}
	s.heaps[n] = s.heaps[n][:0]
	return n
}

// up restores the order of a heap whose last element is new.
func up(h []uint64) {
	for i := len(h) - 1; i > 0 && h[i] > h[(i-1)/2]; i = (i - 1) / 2 {
		h[i], h[(i-1)/2] = h[(i-1)/2], h[i]
	}
}

// down restores the order of a heap whose first element is new.
func down(h []uint64) {
	for i := 0; ; {
		c := 2*i + 1
		if c >= len(h) {
			return
		}
		if c+1 < len(h) && h[c+1] > h[c] {
			c++
		}
		if h[i] >= h[c] {
			return
		}
		h[i], h[c] = h[c], h[i]
		i = c
	}
}
