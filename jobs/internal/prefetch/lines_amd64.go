package prefetch

import "unsafe"

// lines asks for the cache lines of n bytes, of which the first may begin before p.
//
//go:noescape
func lines(p unsafe.Pointer, n int)
