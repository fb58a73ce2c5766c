//go:build !linux

package cholesky

// huge asks for huge pages, which only Linux has on request.
func huge([]float32) {}
