package preprocess

import "golang.org/x/sys/cpu"

// affines are the kernels of this machine, nil where it lacks the instructions.
func affines() (affine[float32], affine[uint16]) {
	if cpu.X86.HasAVX2 && cpu.X86.HasFMA && cpu.X86.HasF16C {
		return affineFloat32, affineFloat16
	}
	return nil, nil
}

//go:noescape
func affineFloat32(dst []float32, samples []byte, scale, offset float64)

//go:noescape
func affineFloat16(dst []uint16, samples []byte, scale, offset float64)
