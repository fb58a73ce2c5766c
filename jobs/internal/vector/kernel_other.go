//go:build !amd64

package vector

// assembly are the kernels in assembly: none.
func assembly() []Kernel { return nil }
