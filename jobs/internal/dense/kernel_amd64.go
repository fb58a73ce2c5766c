package dense

import "golang.org/x/sys/cpu"

// assembly are the kernels in assembly that this machine runs: the processor has the instructions, and the system
// saves the registers.
func assembly() (all []Kernel) {
	if cpu.X86.HasAVX512F && cpu.X86.HasAVX512BW {
		if cpu.X86.HasAVX512VNNI && cpu.X86.HasFMA {
			all = append(all, Kernel{"vnni", tileAVX512, &coarseKernel{coarseVNNI, mostVNNI, placeVNNI, dotsFMA}})
		}
		all = append(all, Kernel{"avx512", tileAVX512, nil})
	}
	if cpu.X86.HasAVX2 && cpu.X86.HasFMA {
		all = append(all, Kernel{"avx2", tileAVX2, nil})
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

// coarseVNNI holds the sums of the whole tile in 24 registers.
//
//go:noescape
func coarseVNNI(users, panel []uint32, limits *limits, perUnit, slack float32, wanted *[tileUsers]uint32, out *coarseFound) (found uint32)

//go:noescape
func mostVNNI(found *coarseFound, limits *limits, unit, slack float32, most *[tileUsers][tileItems]float32)

//go:noescape
func placeVNNI(most *[tileUsers][tileItems]float32, n int, least *[16]float32)

//go:noescape
func dotsFMA(user, rows []float32, at *[settled]int, out *[settled]float32)
