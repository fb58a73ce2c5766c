package recommend

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"pgregory.net/rapid"
)

// TestSortColumns: the order is that of the numbers, whatever bits of the columns differ, and however many elements there are.
func TestSortColumns(t *testing.T) {
	var sorter columnSorter
	rapid.Check(t, func(r *rapid.T) {
		n := rapid.IntRange(0, 5000).Draw(r, "elements")
		mask := rapid.SampledFrom([]uint32{0, 1, 0xff, 0x3fff, 0x80000001, 0xfffff000, 0xffffffff}).Draw(r, "bits that differ")
		g := rand.New(rand.NewPCG(rapid.Uint64().Draw(r, "seed"), 1))
		base := g.Uint32()
		var order []uint64
		for i := range n {
			order = append(order, uint64(base^g.Uint32()&mask)<<columnShift|uint64(i))
		}
		want := slices.Clone(order)
		slices.Sort(want)
		if got := sorter.sort(order); !slices.Equal(got, want) {
			r.Fatalf("%x, want %x", got, want)
		}
	})
}

// BenchmarkSortColumns sorts the columns of a row of so many entries, of 10,000 columns.
func BenchmarkSortColumns(b *testing.B) {
	for _, n := range []int{32, 118, 1000, 100_000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			g := rand.New(rand.NewPCG(1, 2))
			from := make([]uint64, n)
			for i := range from {
				from[i] = uint64(g.IntN(10_000))<<columnShift | uint64(i)
			}
			var order []uint64
			var sorter columnSorter
			for b.Loop() {
				order = sorter.sort(append(order[:0], from...))
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/entry")
		})
	}
}
