package dense

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/shardmill/shardmill/jobs/internal/fma"
)

// nearHalf makes a finite number of bits: often one with few bits set or unset, so that sums come near the middle.
func nearHalf(b uint32) float32 {
	switch b >> 20 & 3 {
	case 0:
		b &= 0xff80_0003
	case 1:
		b |= 0x007f_fffc
	}
	if v := math.Float32frombits(b); v-v == 0 {
		return v
	}
	return math.Float32frombits(b &^ (1 << 30)) // exponent below that of infinity
}

// compareTiles runs all kernels on a tile, and compares what they find with the definition, bit for bit.
func compareTiles(t *testing.T, users, panel []float32, thresholds *[tileUsers]float32, wanted *[tileUsers]uint32) {
	t.Helper()
	f := len(panel) / tileItems
	for _, k := range Kernels() {
		var out candidates
		for u := range out.masks {
			out.masks[u] = 0xdead // each must be written
		}
		found := k.tile(users, panel, thresholds, wanted, &out)
		for u := range tileUsers {
			mask := uint32(0)
			var want [tileItems]float32
			for i := range tileItems {
				for j := range f {
					want[i] = fma.Float32(users[j*tileUsers+u], panel[j*tileItems+i], want[i])
				}
				if want[i] >= thresholds[u] {
					mask |= 1 << i
				}
			}
			mask &= wanted[u]
			if out.masks[u] != mask || found>>u&1 == 1 != (mask != 0) || found>>tileUsers != 0 {
				t.Fatalf("%v, f %d: user %d has candidates %#x (found %#x), want %#x", k, f, u, out.masks[u], found, mask)
			}
			for i := range tileItems {
				if mask != 0 && math.Float32bits(out.scores[u][i]) != math.Float32bits(want[i]) {
					t.Fatalf("%v, f %d: user %d, item %d scores %x, want %x", k, f, u, i, out.scores[u][i], want[i])
				}
			}
		}
	}
}

// TestTile compares the kernels with each other on tiles of many sizes, with thresholds that all, some and no scores pass.
func TestTile(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for f := 1; f <= 300; f += 1 + f/30 {
		users, panel := vectors(r, tileUsers, f), vectors(r, tileItems, f)
		var thresholds [tileUsers]float32
		for u := range thresholds {
			thresholds[u] = []float32{float32(math.Inf(-1)), 0, float32(r.NormFloat64() * 2 * math.Sqrt(float64(f))), float32(math.Inf(1)), float32(math.NaN())}[r.IntN(5)]
		}
		wanted := [tileUsers]uint32{r.Uint32(), r.Uint32(), 0, math.MaxUint32, 1 << r.IntN(32), math.MaxUint32, math.MaxUint32, 0xffff, 0xffff0000, 0x00ffff00, 1, 1 << 31}
		r.Shuffle(tileUsers, func(i, j int) { wanted[i], wanted[j] = wanted[j], wanted[i] })
		u, i := r.IntN(tileUsers), r.IntN(tileItems)
		thresholds[u] = score(column(users, u, tileUsers), column(panel, i, tileItems)) // equal is not below
		wanted[u] |= 1 << i
		compareTiles(t, users, panel, &thresholds, &wanted)
	}
}

// column is one vector of a tile.
func column(v []float32, i, width int) []float32 {
	c := []float32{}
	for ; i < len(v); i += width {
		c = append(c, v[i])
	}
	return c
}

// FuzzTile: any finite factors, in any number, have the same bits on all kernels.
func FuzzTile(f *testing.F) {
	f.Add([]byte{}, uint32(0))
	f.Add([]byte{0, 0, 0x80, 0x3f, 0xff, 0xff, 0x7f, 0x7f, 1, 0, 0, 0x80}, uint32(0x7fc00000))
	f.Fuzz(func(t *testing.T, data []byte, threshold uint32) {
		factors := 1 + len(data)/4%300
		users, panel := make([]float32, factors*tileUsers), make([]float32, factors*tileItems)
		if len(data) >= 4 {
			next := 0
			for _, v := range [][]float32{users, panel} {
				for i := range v {
					v[i] = nearHalf(binary.LittleEndian.Uint32(data[next:]) + uint32(i)*0x01000193)
					if next += 4; next+4 > len(data) {
						next = 0
					}
				}
			}
		}
		var thresholds [tileUsers]float32
		var wanted [tileUsers]uint32
		for u := range thresholds {
			thresholds[u] = math.Float32frombits(threshold + uint32(u)<<20)
			wanted[u] = ^(threshold >> u)
		}
		compareTiles(t, users, panel, &thresholds, &wanted)
	})
}

// TestKernels: the one in Go is always there, and the last; the zero Kernel is the first.
func TestKernels(t *testing.T) {
	all := Kernels()
	if got := all[len(all)-1].String(); got != "go" {
		t.Errorf("the last kernel is %s", got)
	}
	if got := (Kernel{}).String(); got != all[0].String() {
		t.Errorf("the zero kernel is %s, want %v", got, all[0])
	}
	t.Logf("kernels: %v", all)
}
