//go:build !amd64

package cholesky

// assembly are the kernels in assembly: none.
func assembly() []Kernel { return nil }
