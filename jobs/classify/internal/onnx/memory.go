package onnx

// #include <stdlib.h>
// #include <string.h>
import "C"

import (
	"fmt"
	"unsafe"
)

// align suits the widest vector registers and one cache line.
const align = 64

// memory is a block outside the Go heap, because ONNX Runtime keeps its address
// between calls, which cgo does not allow for Go memory. Its slices are valid
// until free.
type memory struct{ bytes []byte }

// newMemory returns size bytes of zeroes.
func newMemory(size int) (memory, error) {
	rounded := C.size_t((size + align - 1) / align * align)
	p := C.aligned_alloc(align, rounded)
	if p == nil {
		return memory{}, fmt.Errorf("no memory for a batch of %d bytes", size)
	}
	C.memset(p, 0, rounded)
	return memory{unsafe.Slice((*byte)(p), size)}, nil
}

func (m *memory) free() {
	C.free(unsafe.Pointer(unsafe.SliceData(m.bytes)))
	m.bytes = nil
}

// The views below share the bytes.

func (m memory) float32s() []float32 {
	return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(m.bytes))), len(m.bytes)/4)
}

func (m memory) uint16s() []uint16 {
	return unsafe.Slice((*uint16)(unsafe.Pointer(unsafe.SliceData(m.bytes))), len(m.bytes)/2)
}
