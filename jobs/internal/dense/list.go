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

// A list has the highest keys that add got, as many as its capacity. Once full it is a heap with the least key first.
type list []key

// least is what a key must exceed to be of use.
func (l list) least() key {
	if len(l) < cap(l) {
		return 0
	}
	return l[0]
}

// add takes a key above least. The capacity is at least 1.
func (l *list) add(k key) {
	if len(*l) == cap(*l) {
		(*l).replace(k)
		return
	}
	*l = append(*l, k)
	if len(*l) == cap(*l) {
		slices.Sort(*l) // which makes it a heap
	}
}

// replace puts k in place of the least key.
func (l list) replace(k key) {
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
