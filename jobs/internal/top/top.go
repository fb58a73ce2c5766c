// Package top keeps the first rows, by some order, of a stream of rows.
package top

import "slices"

// Rows keeps the first n of the rows that Add gets, and never holds more than twice as many.
type Rows[T any] struct {
	n       int
	compare func(a, b T) int
	rows    []T
}

// New makes an empty Rows. Compare is negative where a comes before b; n is at least 1.
func New[T any](n int, compare func(a, b T) int) *Rows[T] {
	return &Rows[T]{n: max(n, 1), compare: compare}
}

// Add offers a row.
func (r *Rows[T]) Add(row T) {
	if len(r.rows) >= 2*r.n {
		r.cut()
	}
	r.rows = append(r.rows, row)
}

// Sorted returns the first n rows in order. They are valid until the next Add.
func (r *Rows[T]) Sorted() []T {
	r.cut()
	return r.rows
}

func (r *Rows[T]) cut() {
	slices.SortFunc(r.rows, r.compare)
	if len(r.rows) > r.n {
		clear(r.rows[r.n:])
		r.rows = r.rows[:r.n]
	}
}
