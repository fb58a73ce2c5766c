// Package prefetch brings memory into the caches before it is needed, for loops that know better than the processor
// what they read next.
package prefetch

import "unsafe"

// Slice asks for the memory of s, and does not wait for it. On processors other than amd64 it does nothing.
func Slice[T uint16 | uint32 | float32](s []T) {
	lines(unsafe.Pointer(unsafe.SliceData(s)), len(s)*int(unsafe.Sizeof(T(0))))
}
