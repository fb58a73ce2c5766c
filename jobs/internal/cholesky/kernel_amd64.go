package cholesky

import "golang.org/x/sys/cpu"

// assembly are the kernels in assembly that this machine runs: the processor has the instructions, and the system
// saves the registers.
func assembly() (all []Kernel) {
	if cpu.X86.HasAVX512F {
		all = append(all, Kernel{"avx512", updateAVX512})
	}
	if cpu.X86.HasAVX2 && cpu.X86.HasFMA {
		all = append(all, Kernel{"avx2", updateAVX2})
	}
	return all
}

// updateAVX512 sums 32 rows and 8 columns at a time, in 16 registers.
//
//go:noescape
func updateAVX512(c *tile, a, b []float32, sign float32, ahead *float32)

// updateAVX2 sums 16 rows and 4 columns at a time, in 8 registers.
//
//go:noescape
func updateAVX2(c *tile, a, b []float32, sign float32, ahead *float32)
