package cholesky

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// huge asks for huge pages below numbers that have just been made: with pages of 4 KiB each panel begins with waiting for
// addresses. The request stays when the collector has taken the memory back, which matters little for a matrix that a process makes once.
func huge(numbers []float32) {
	const page = 2 << 20
	start := uintptr(unsafe.Pointer(unsafe.SliceData(numbers)))
	size, skip := uintptr(len(numbers))*4, -start%page
	if size < skip+page {
		return
	}
	b := unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(numbers)), skip)), (size-skip)/page*page)
	_ = unix.Madvise(b, unix.MADV_HUGEPAGE) // without them it is only slower
}
