// Package vector computes with vectors of float32: dot products, sums of vectors, and what solvers of normal equations spend their
// time with. The lengths of vectors are multiples of Lanes; numbers behind the last block of Lanes are left out. Shorter
// vectors have zeros behind them (Stride).
//
// # Sums
//
// All operations sum in one order, rounded to float32 once a step, fma(a, b, c) being a*b + c rounded once. So the three
// kernels (AVX-512, AVX2, Go) give the same bits, whatever the alignment, and results do not depend on the machine.
//
// Dot sums in 16 lanes, and those by a tree:
//
//	l[j] = 0; for i = 0, 16, 32, ...: l[j] = fma(x[i+j], y[i+j], l[j])
//	l[j] += l[j+8] for j < 8; l[j] += l[j+4] for j < 4; l[j] += l[j+2] for j < 2; the sum is l[0] + l[1]
//
// Combine sums even and odd rows: e = fma(weights[i], rows[i][j], e) from 0 for i = 0, 2, ..., o likewise for i = 1, 3, ...; then
// out[j] = e + o. DotAxpy, with d the Dot of row i and p: out[j] = fma(fma(weights[i], d, bias[i]), rows[i][j], out[j]) for each
// i in turn. Rank: sums[i][j] = fma(left[r][i], right[r][j], sums[i][j]) for each r in turn.
//
// Infinite numbers and NaN come out as the order of the sums makes them; of NaN the bits may differ.
package vector
