//go:build !linux

package shuffle

// huge asks for huge pages, where the system has them.
func huge[T any](s []T) []T { return s }
