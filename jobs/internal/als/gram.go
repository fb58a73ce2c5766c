package als

import (
	"github.com/shardmill/shardmill/jobs/internal/vector"
)

// gramBlock is how many rows are summed in float32 before they are added in float64.
const gramBlock = 256

// Gram sums the products of all pairs of factors over rows: the matrix Y'Y of k x k. The sum of many rows is the sum of those of
// ranges, added in one order, which is the caller's.
type Gram struct {
	kernel    vector.Kernel
	k, stride int
	block     []float32 // [stride][stride] of the rows that pending counts, from the diagonal on
	pending   int
	sums      []float64 // [stride][stride], from the diagonal on
}

// NewGram begins a sum over rows of k factors.
func NewGram(k int) *Gram { return newGram(vector.Best(), k) }

func newGram(kernel vector.Kernel, k int) *Gram {
	stride := vector.Stride(k)
	return &Gram{kernel: kernel, k: k, stride: stride, block: make([]float32, stride*stride), sums: make([]float64, stride*stride)}
}

// Add adds rows, which lie one after the other, each with zeros behind it up to vector.Stride(k). How they come in calls does
// not matter, but their order does, in the last bits.
func (g *Gram) Add(rows []float32) { g.add(rows, rows) }

// add adds the products of left rows and right rows.
func (g *Gram) add(left, right []float32) {
	for len(left) > 0 {
		n := min(len(left)/g.stride, gramBlock-g.pending)
		end := n * g.stride
		g.kernel.Rank(g.block, left[:end], right[:end], g.stride)
		left, right = left[end:], right[end:]
		if g.pending += n; g.pending == gramBlock {
			g.flush()
		}
	}
}

// flush adds the block to the sums.
func (g *Gram) flush() {
	if g.pending == 0 {
		return
	}
	for i := range g.k {
		line := g.sums[i*g.stride:]
		for j, v := range g.block[i*g.stride+i : i*g.stride+g.k] {
			line[i+j] += float64(v)
		}
	}
	clear(g.block)
	g.pending = 0
}

// Sums are the sums of the rows so far: k(k+1)/2 numbers, [0][0], [0][1], ..., [0][k-1], [1][1] and so on.
func (g *Gram) Sums() []float64 {
	g.flush()
	packed := make([]float64, 0, PackedLen(g.k))
	for i := range g.k {
		packed = append(packed, g.sums[i*g.stride+i:i*g.stride+g.k]...)
	}
	return packed
}

// reset begins again.
func (g *Gram) reset() {
	clear(g.block)
	clear(g.sums)
	g.pending = 0
}

// PackedLen is the number of sums of k factors.
func PackedLen(k int) int { return k * (k + 1) / 2 }

// unpack makes a symmetric matrix [stride][stride] of packed sums.
func unpack(packed []float64, k, stride int) []float64 {
	full := make([]float64, stride*stride)
	for i := range k {
		for j := i; j < k; j++ {
			full[i*stride+j], full[j*stride+i] = packed[0], packed[0]
			packed = packed[1:]
		}
	}
	return full
}
