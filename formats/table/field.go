package table

import "unsafe"

// field is where a field of type T stands in records of type R.
type field[R, T any] struct{ offset uintptr }

// fieldOf finds a field by its address in a record. It is false for what is elsewhere, such as what a record points to.
func fieldOf[R, T any](at func(*R) *T) (field[R, T], bool) {
	r := new(R)
	offset := uintptr(unsafe.Pointer(at(r))) - uintptr(unsafe.Pointer(r)) // wraps around before the record
	size, room := unsafe.Sizeof(*new(T)), unsafe.Sizeof(*r)
	return field[R, T]{offset}, size <= room && offset <= room-size
}

// of is the field in a record.
func (f field[R, T]) of(r *R) *T { return (*T)(unsafe.Add(unsafe.Pointer(r), f.offset)) }
