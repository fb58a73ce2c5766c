package shuffle

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// huge asks for huge pages below a large slice that has just been made. Sorting and hash tables touch memory
// all over, and with pages of 4 KiB they wait for the address of most of what they touch.
//
// The kernel keeps the request for the addresses when the collector has taken the slice back. What the heap gives back to
// the system is gone all the same, but around small objects that come to lie there the kernel fills up pages, slowly:
// khugepaged looks at 16 MiB in 10 seconds by default. To take the request back one would have to be told that a
// slice is freed before its memory is another's, which the collector does not do.
func huge[T any](s []T) []T {
	const page = 2 << 20
	start := uintptr(unsafe.Pointer(unsafe.SliceData(s)))
	size := uintptr(cap(s)) * unsafe.Sizeof(*new(T))
	skip := (page - start%page) % page
	if size < skip+page {
		return s
	}
	size = (size - skip) / page * page
	b := unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(s)), skip)), size)
	_ = unix.Madvise(b, unix.MADV_HUGEPAGE) // without them it is only slower
	return s
}
