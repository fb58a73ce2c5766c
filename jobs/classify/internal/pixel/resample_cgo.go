//go:build cgo

package pixel

// #cgo CFLAGS: -O3
// #include "resample.h"
import "C"

import "unsafe"

func resampleBlock(src []byte, stride, depth int, tx, ty *taps, a, n int, scratch, dst []byte) {
	x0, x1 := tx.span(0, len(tx.start))
	C.shardmill_resample_block(
		bytePtr(src), C.ptrdiff_t(stride), C.ptrdiff_t(depth), C.ptrdiff_t(x1-x0),
		(*C.int32_t)(&tx.start[0]), (*C.int16_t)(&tx.weight[0]), C.ptrdiff_t(tx.n), C.ptrdiff_t(len(tx.start)),
		(*C.int32_t)(&ty.start[a]), (*C.int16_t)(&ty.weight[a*ty.n]), C.ptrdiff_t(ty.n), C.ptrdiff_t(n),
		bytePtr(scratch), bytePtr(dst))
}

// bytePtr gives C the memory of b, which may be empty: &b[0] would panic.
func bytePtr(b []byte) *C.uint8_t { return (*C.uint8_t)(unsafe.Pointer(unsafe.SliceData(b))) }
