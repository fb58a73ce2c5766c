package table

import "unsafe"

// field is where a field of type T stands in records of type R.
type field[R, T any] struct{ offset uintptr }

// fieldOf finds a field by its address in a record.
func fieldOf[R, T any](at func(*R) *T) field[R, T] {
	r := new(R)
	return field[R, T]{uintptr(unsafe.Pointer(at(r))) - uintptr(unsafe.Pointer(r))}
}

// of is the field in a record.
func (f field[R, T]) of(r *R) *T { return (*T)(unsafe.Add(unsafe.Pointer(r), f.offset)) }
