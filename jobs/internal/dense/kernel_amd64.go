package dense

import "golang.org/x/sys/cpu"

// assembly are the kernels in assembly that this machine runs: the processor has the instructions, and the system
// saves the registers.
func assembly() (all []Kernel) {
	if cpu.X86.HasAVX512F && cpu.X86.HasAVX512BW {
		all = append(all, Kernel{"avx512", tileAVX512})
	}
	if cpu.X86.HasAVX2 && cpu.X86.HasFMA {
		all = append(all, Kernel{"avx2", tileAVX2})
	}
	return all
}

// tileAVX512 holds the sums of the whole tile in 24 registers.
//
//go:noescape
func tileAVX512(users, panel []float32, thresholds *[tileUsers]float32, wanted *[tileUsers]uint32, out *candidates) (found uint32)

// tileAVX2 scores the tile in four parts of 6 users and 16 items, with 12 registers of sums.
//
//go:noescape
func tileAVX2(users, panel []float32, thresholds *[tileUsers]float32, wanted *[tileUsers]uint32, out *candidates) (found uint32)
