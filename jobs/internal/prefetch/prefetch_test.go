package prefetch

import (
	"slices"
	"testing"
)

// TestSlice asks for slices of all lengths and places in a line, and for none: what they hold stays.
func TestSlice(t *testing.T) {
	Slice[uint32](nil)
	Slice[float32](nil)
	all := make([]uint32, 200)
	for i := range all {
		all[i] = uint32(i) * 7919
	}
	want := slices.Clone(all)
	for from := range all {
		for to := from; to <= len(all); to++ {
			Slice(all[from:to])
		}
	}
	if !slices.Equal(all, want) {
		t.Error("the memory has changed")
	}
	if n := testing.AllocsPerRun(10, func() { Slice(all) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkSlice(b *testing.B) {
	row := make([]uint32, 117)
	for b.Loop() {
		Slice(row)
	}
}
