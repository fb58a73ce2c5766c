package arrowfile

// recycler is an allocator that keeps the memory of freed buffers for the next, since
// every record batch of a file needs much the same. Memory given out is not zeroed: the
// library fills all that it asks for while it reads. It is not safe for concurrent use.
//
// No buffer has more than max bytes. What Allocate returns instead makes the library panic with
// an index out of range, where a damaged size would end the process with "out of memory".
type recycler struct {
	max  int
	free [][]byte
}

// Allocate implements memory.Allocator.
func (a *recycler) Allocate(size int) []byte {
	if size > a.max {
		return nil
	}
	best := -1
	for i, b := range a.free {
		if cap(b) >= size && (best < 0 || cap(b) < cap(a.free[best])) {
			best = i
		}
	}
	if best < 0 {
		return make([]byte, size)
	}
	b := a.free[best]
	last := len(a.free) - 1
	a.free[best] = a.free[last]
	a.free = a.free[:last]
	return b[:size]
}

// Reallocate implements memory.Allocator.
func (a *recycler) Reallocate(size int, b []byte) []byte {
	if size <= cap(b) {
		return b[:size]
	}
	larger := a.Allocate(size)
	if copy(larger, b) == len(b) {
		a.Free(b)
	}
	return larger
}

// Free implements memory.Allocator.
func (a *recycler) Free(b []byte) {
	if cap(b) > 0 {
		a.free = append(a.free, b)
	}
}
