package vector

import "golang.org/x/sys/cpu"

// assembly are the kernels in assembly that this machine runs: the processor has the instructions, and the system
// saves the registers.
func assembly() (all []Kernel) {
	if cpu.X86.HasAVX512F && cpu.X86.HasAVX512VL {
		all = append(all, Kernel{&functions{"avx512", dotAVX512, axpyAVX512, aypxAVX512, combineAVX512, dotAxpyAVX512, tileAVX512}})
	}
	if cpu.X86.HasAVX2 && cpu.X86.HasFMA {
		all = append(all, Kernel{&functions{"avx2", dotAVX2, axpyAVX2, aypxAVX2, combineAVX2, dotAxpyAVX2, tileAVX2}})
	}
	return all
}

//go:noescape
func dotAVX512(x, y *float32, blocks int) float32

//go:noescape
func axpyAVX512(a float32, x, y *float32, blocks int)

//go:noescape
func aypxAVX512(a float32, x, y *float32, blocks int)

//go:noescape
func combineAVX512(out, weights, rows *float32, n, blocks int)

//go:noescape
func dotAxpyAVX512(out, p *float32, rows **float32, weights, bias *float32, n, blocks int)

//go:noescape
func tileAVX512(sums, left, right *float32, n, stride int)

//go:noescape
func dotAVX2(x, y *float32, blocks int) float32

//go:noescape
func axpyAVX2(a float32, x, y *float32, blocks int)

//go:noescape
func aypxAVX2(a float32, x, y *float32, blocks int)

//go:noescape
func combineAVX2(out, weights, rows *float32, n, blocks int)

//go:noescape
func dotAxpyAVX2(out, p *float32, rows **float32, weights, bias *float32, n, blocks int)

//go:noescape
func tileAVX2(sums, left, right *float32, n, stride int)
