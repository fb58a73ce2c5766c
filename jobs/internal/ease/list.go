package ease

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

// A list has the highest keys that it was offered, as many as it is long: a heap that begins as zeros.
type list []key

// offer takes a key if it is among the highest, and returns the score that no further one may be below.
func (l list) offer(k key) (threshold float32) {
	if k > l[0] {
		l.sift(k)
	}
	return l.threshold()
}

func (l list) threshold() float32 {
	if l[0] == 0 {
		return float32(math.Inf(-1))
	}
	return l[0].score()
}

// sift puts k in place of the first key, which is the least.
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

// appendTo appends the items, best first, and leaves l sorted.
func (l list) appendTo(to []Scored) []Scored {
	slices.Sort(l)
	for _, k := range slices.Backward(l) {
		if k == 0 {
			break
		}
		to = append(to, Scored{Item: ^uint32(k), Score: k.score()})
	}
	return to
}
