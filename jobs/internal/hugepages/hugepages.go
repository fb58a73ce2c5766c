// Package hugepages asks the system for large pages below memory that is read in no order, or in many places at once: with
// pages of 4 KiB each place begins with waiting for its address.
package hugepages

// Ask asks for huge pages below s, which has just been made and not been written to. The request stays when the collector has
// taken the memory back, which matters little for what a process makes once. Only Linux has them on request, and
// without them s is only slower.
func Ask[T uint16 | float32](s []T) { ask(s) }
