package ease

import "golang.org/x/sys/cpu"

// assembly are the kernels in assembly that this machine runs: the processor has the instructions, and the system
// saves the registers.
func assembly() (all []kernel) {
	if cpu.X86.HasAVX512F && cpu.X86.HasAVX512BW {
		all = append(all, kernel{"avx512", scoreAVX512})
	}
	if cpu.X86.HasAVX2 && cpu.X86.HasFMA {
		all = append(all, kernel{"avx2", scoreAVX2})
	}
	return all
}

// scoreAVX512 holds the sums in 8 registers.
//
//go:noescape
func scoreAVX512(l *lanes, panel []float32, index []uint32, values []float32) (mask uint32)

// scoreAVX2 scores 16 columns at a time, with 8 registers of sums.
//
//go:noescape
func scoreAVX2(l *lanes, panel []float32, index []uint32, values []float32) (mask uint32)
