// Package hugepages makes memory on large pages, for what is read in no order, or in many places at once: with pages of 4 KiB
// each place begins with waiting for its address.
package hugepages

// Make is make([]T, n) on huge pages, where the system has them on request: only Linux has, and elsewhere the memory is only
// slower. The request stays when the collector has taken the memory back, which matters little for what a process makes once.
func Make[T uint16 | float32](n int) []T {
	s := make([]T, n)
	ask(s)
	return s
}
