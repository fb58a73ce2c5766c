package parquetfile

import (
	"math/bits"

	"github.com/apache/arrow/go/v15/arrow"
)

type integer interface{ int32 | int64 }

// numbers is a dictionary of integers, numbered by their first occurrence.
type numbers[T integer] struct {
	slots  []numberSlot[T] // a hash table with open addressing, a power of two long, at most half full
	shift  int             // of a hash, to a slot
	values []T
	last   T // added
	codes
}

// numberSlot is free where its code is 0, and holds value code-1 otherwise.
type numberSlot[T integer] struct {
	value T
	code  int32
}

func newNumbers[T integer]() *numbers[T] {
	d := &numbers[T]{}
	d.resize(1024)
	return d
}

// spareNumbers are dictionaries that are not in use. Their memory goes to the columns of later files.
type spareNumbers[T integer] []*numbers[T]

// get returns an empty dictionary.
func (s *spareNumbers[T]) get() *numbers[T] {
	n := len(*s)
	if n == 0 {
		return newNumbers[T]()
	}
	d := (*s)[n-1]
	*s = (*s)[:n-1]
	return d
}

func (s *spareNumbers[T]) put(d *numbers[T]) {
	clear(d.slots)
	d.values, d.page, d.n = d.values[:0], d.page[:0], 0
	*s = append(*s, d)
}

func (d *numbers[T]) resize(slots int) {
	d.slots, d.shift = make([]numberSlot[T], slots), 64-bits.TrailingZeros(uint(slots))
	for i, v := range d.values {
		d.slots[d.place(v)] = numberSlot[T]{v, int32(i) + 1}
	}
}

// place returns the slot that has a value, or the free one where it belongs.
func (d *numbers[T]) place(v T) int {
	at := int(uint64(v) * 0x9e3779b97f4a7c15 >> d.shift)
	for d.slots[at].code != 0 && d.slots[at].value != v {
		at = (at + 1) & (len(d.slots) - 1)
	}
	return at
}

// add appends values to the open page.
func (d *numbers[T]) add(values []T) {
	code := int32(-1)
	if n := len(d.page); n > 0 {
		code = d.page[n-1]
	}
	for _, v := range values {
		if v != d.last || code < 0 {
			code, d.last = d.code(v), v
		}
		d.page = append(d.page, code)
	}
}

// code returns the number of a value, which it adds if it is new.
func (d *numbers[T]) code(v T) int32 {
	at := d.place(v)
	if code := d.slots[at].code; code != 0 {
		return code - 1
	}
	d.values = append(d.values, v)
	d.n = len(d.values)
	d.slots[at] = numberSlot[T]{v, int32(d.n)}
	if 2*d.n > len(d.slots) {
		d.resize(2 * len(d.slots))
	}
	return int32(d.n) - 1
}

// plain are the values as a dictionary page has them.
func (d *numbers[T]) plain() []byte { return arrow.GetBytes(d.values) }
