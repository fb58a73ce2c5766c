package cholesky

import "github.com/shardmill/shardmill/jobs/internal/fma"

// tileSide is the rows and the columns of a tile.
const (
	tileSide = 32
	tileSize = tileSide * tileSide
)

// A tile is a square of numbers, [column][row].
type tile = [tileSize]float32

// Kernel is an implementation of the inner loop. The zero Kernel is the best of Kernels.
type Kernel struct {
	name   string
	update updateFunc
}

// String names the kernel: avx512, avx2 or go.
func (k Kernel) String() string { return k.orBest().name }

func (k Kernel) orBest() Kernel {
	if k.update == nil {
		return Kernels()[0]
	}
	return k
}

// Kernels are those that this machine runs, the fastest first. The last one is in Go, and runs on all machines.
func Kernels() []Kernel {
	return append(assembly(), Kernel{"go", updateGo})
}

// An updateFunc adds to a tile sign times the product of a panel and of the transpose of another: both have the same number of columns, a
// multiple of 32, and are [column][row]. Each number is summed in the order of the columns, rounded once a step, and only
// then multiplied by sign, 1 or -1, and added:
//
//	s = 0; for k = 0 .. columns-1: s = fma(a[k][row], b[k][column], s)
//	c[column][row] += sign * s
//
// Meanwhile it may fetch into the second-level cache 32 bytes a column, from ahead on: what will be needed next.
type updateFunc func(c *tile, a, b []float32, sign float32, ahead *float32)

// fetched is how many numbers an updateFunc fetches with panels as long as a block.
const fetched = 8 * blockSide

// updateGo is the updateFunc for all machines. It fetches nothing.
func updateGo(c *tile, a, b []float32, sign float32, _ *float32) {
	for column := range tileSide {
		for row := 0; row < tileSide; row += 8 {
			update8(c[column*tileSide+row:], a[row:], b[column:], sign)
		}
	}
}

// update8 is 8 rows of a column.
func update8(c, a, b []float32, sign float32) {
	var s [8]float32
	for len(a) >= 8 && len(b) > 0 {
		p, q := (*[8]float32)(a), b[0]
		for i := range s {
			s[i] = fma.Float32(p[i], q, s[i])
		}
		a, b = a[min(tileSide, len(a)):], b[min(tileSide, len(b)):]
	}
	for i, sum := range s {
		c[i] += float32(sign * sum)
	}
}
