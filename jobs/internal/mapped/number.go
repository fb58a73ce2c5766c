package mapped

import (
	"encoding/binary"
	"io"
	"unsafe"
)

// Number is what sections consist of, besides text.
type Number interface {
	uint32 | uint64 | int64 | float32
}

var littleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

// View returns b as the little-endian numbers that it holds; bytes behind the last whole one are left out. It is b itself
// if b begins at a multiple of the size of T and the machine is little-endian, and a copy otherwise.
func View[T Number](b []byte) []T {
	size := int(unsafe.Sizeof(*new(T)))
	n := len(b) / size
	if n == 0 {
		return nil
	}
	p := unsafe.Pointer(unsafe.SliceData(b))
	if littleEndian && uintptr(p)%uintptr(size) == 0 {
		return unsafe.Slice((*T)(p), n)
	}
	return decode[T](b, n)
}

// Bytes returns numbers as a section holds them: v itself if the machine is little-endian, and a copy otherwise.
func Bytes[T Number](v []T) []byte {
	if len(v) == 0 {
		return nil
	}
	if littleEndian {
		return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), len(v)*int(unsafe.Sizeof(v[0])))
	}
	return encode(v)
}

func decode[T Number](b []byte, n int) []T {
	v := make([]T, n)
	_, _ = binary.Decode(b, binary.LittleEndian, v) // b has n numbers
	return v
}

func encode[T Number](v []T) []byte {
	b, _ := binary.Append(nil, binary.LittleEndian, v) // numbers have a size
	return b
}

// read returns the first size bytes of r, in memory that is aligned for all numbers.
func read(r io.ReaderAt, size int) ([]byte, error) {
	words := make([]uint64, (size+7)/8)
	b := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), size)
	if _, err := io.ReadFull(io.NewSectionReader(r, 0, int64(size)), b); err != nil {
		return nil, err
	}
	return b, nil
}
