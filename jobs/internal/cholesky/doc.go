// Package cholesky inverts symmetric positive definite matrices of some ten thousand rows, in float32, by the factors of Cholesky.
//
// # Steps
//
// A = L L' with L a lower triangle; W = L^-1; then the inverse is W'W (as LAPACK's potrf and potri have it). Each step takes
// n^3/3 operations and works in place, in blocks of 256 x 256; steps.go has the formulas. With V = W' in the place of W, every
// product of blocks is a times the transpose of b, which one kernel computes without packing anything: a block is rows of tiles of 32 x 32, and
// a row of tiles is at once the panel of a kernel's left and of its right factor.
//
// # Bits
//
// The numbers of the result depend on nothing but those of the matrix: not on the number of goroutines, as each block is summed in one
// order, nor on the machine, as all kernels (AVX-512, AVX2, Go) give the same bits.
//
// # Precision
//
// A number of the inverse is off by about 1e-7 times the condition number of the matrix, times the largest number of the inverse.
// Float32 takes half the memory and half the time of float64. A matrix whose pivots are lost in rounding, at
// condition numbers of some millions, is refused with a NotPositiveError.
//
// # Memory
//
// A Matrix takes Bytes(n): 2 n^2 and a little, 451 MB for 15,000 rows. Invert takes 1 KiB a row more, and 256 KiB a goroutine.
package cholesky
