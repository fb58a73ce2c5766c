//go:build !amd64

package dense

// assembly are the kernels in assembly: none.
func assembly() []Kernel { return nil }
