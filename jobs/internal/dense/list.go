package dense

import (
	"math"
	"slices"
)

// Scored is an item of a user's list.
type Scored struct {
	Item  uint32 // its index
	Score float32
}

// A key is a score and an item in one number that is higher the earlier in a list the item stands. No key is 0.
type key uint64

func newKey(score float32, item uint32) key {
	b := math.Float32bits(score + 0) // -0 becomes 0
	if b>>31 == 1 {
		b = ^b
	} else {
		b |= 1 << 31
	}
	return key(b)<<32 | key(^item)
}

func (k key) score() float32 {
	b := uint32(k >> 32)
	if b>>31 == 1 {
		b &^= 1 << 31
	} else {
		b = ^b
	}
	return math.Float32frombits(b)
}

func (k key) scored() Scored { return Scored{Item: ^uint32(k), Score: k.score()} }

// A list has the highest keys that it was given, as many as it is long. It begins as zeros, which are below all keys, and its
// first key is always the least. Short lists are sorted, long ones are heaps.
type list []key

// shortList is the length from which on a heap is faster.
const shortList = 32

// replace puts k in place of the first key, which is less.
func (l list) replace(k key) {
	if len(l) < shortList {
		l.insert(k)
	} else {
		l.sift(k)
	}
}

// insert keeps l sorted. It has no branches to be mispredicted: a place takes the next key if that is below k too, else k.
func (l list) insert(k key) {
	at := l[0]
	for i := 1; i < len(l); i++ {
		next := l[i]
		l[i-1] = max(at, min(next, k))
		at = next
	}
	l[len(l)-1] = max(at, k)
}

// sift keeps l a heap.
func (l list) sift(k key) {
	i := 0
	for {
		child := 2*i + 1
		if child >= len(l) {
			break
		}
		if child+1 < len(l) && l[child+1] < l[child] {
			child++
		}
		if k <= l[child] {
			break
		}
		l[i] = l[child]
		i = child
	}
	l[i] = k
}

// threshold is the score that no further item may be below.
func (l list) threshold() float32 {
	if l[0] == 0 {
		return float32(math.Inf(-1))
	}
	return l[0].score()
}

// appendTo appends the items, best first, and leaves l sorted.
func (l list) appendTo(to []Scored) []Scored {
	if len(l) >= shortList {
		slices.Sort(l)
	}
	for _, k := range slices.Backward(l) {
		if k == 0 {
			break
		}
		to = append(to, k.scored())
	}
	return to
}
