package dense

import "math"

// tileFLOP are the floating-point operations of a tile of f factors: two for each product that is added.
func tileFLOP(f int) float64 { return 2 * tileUsers * tileItems * float64(f) }

// Peak works as a Scorer of f factors that scores all items would if it did nothing else, for a benchmark to time: it scores one tile,
// which stays in the cache and has no candidates, so many times. A Scorer that finds what it scores by whole numbers can be above it. It returns the number of floating-point operations.
func (k Kernel) Peak(f, tiles int) float64 {
	users, panel := make([]float32, tileUsers*f), make([]float32, tileItems*f)
	for _, v := range [][]float32{users, panel} {
		for i := range v {
			v[i] = 1 + float32(i%7)/8
		}
	}
	var thresholds [tileUsers]float32
	for u := range thresholds {
		thresholds[u] = float32(math.Inf(1))
	}
	var wanted [tileUsers]uint32
	tile, out := k.orBest().tile, new(candidates)
	for range tiles {
		tile(users, panel, &thresholds, &wanted, out)
	}
	return float64(tiles) * tileFLOP(f)
}
