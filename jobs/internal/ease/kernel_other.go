//go:build !amd64

package ease

// assembly are the kernels in assembly: none.
func assembly() []kernel { return nil }
