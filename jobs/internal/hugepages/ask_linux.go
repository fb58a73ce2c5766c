package hugepages

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

const page = 2 << 20

// ask takes a slice that is zero.
func ask[T uint16 | float32](s []T) {
	if b := within(s); len(b) > 0 {
		_ = unix.Madvise(b, unix.MADV_HUGEPAGE)
		// Where the heap has been in use before, small pages are there already, and would stay. Memory that is let go is zero too,
		// and what comes in its place when it is written to is large.
		_ = unix.Madvise(b, unix.MADV_DONTNEED)
	}
}

// within is the memory of the whole pages of s.
func within[T uint16 | float32](s []T) []byte {
	p := unsafe.Pointer(unsafe.SliceData(s))
	size, skip := uintptr(len(s))*unsafe.Sizeof(T(0)), -uintptr(p)%page
	if size < skip+page {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Add(p, skip)), (size-skip)/page*page)
}
