package cholesky

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/shardmill/shardmill/jobs/internal/fma"
)

// compareUpdates runs all kernels on a tile, and compares with the definition, bit for bit.
func compareUpdates(t *testing.T, c *tile, a, b []float32, sign float32) {
	t.Helper()
	want := *c
	for i := range want {
		s := float32(0)
		for k := range len(a) / tileSide {
			s = fma.Float32(a[k*tileSide+i%tileSide], b[k*tileSide+i/tileSide], s)
		}
		want[i] += float32(sign * s)
	}
	for _, k := range Kernels() {
		got := *c
		k.update(&got, a, b, sign, &a[0])
		for i, x := range got {
			if math.Float32bits(x) != math.Float32bits(want[i]) && (x == x || want[i] == want[i]) {
				t.Fatalf("%v, %d columns: row %d of column %d is %x, want %x", k, len(a)/tileSide, i%tileSide, i/tileSide, x, want[i])
			}
		}
	}
}

func randoms(r *rand.Rand, n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(r.NormFloat64())
	}
	return v
}

// TestUpdate compares the kernels with each other, on panels of all lengths and at any place in memory.
func TestUpdate(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for columns := tileSide; columns <= 2*blockSide; columns += tileSide {
		for _, sign := range []float32{1, -1} {
			off := r.IntN(16)
			c := tile(randoms(r, tileSize))
			compareUpdates(t, &c, randoms(r, columns*tileSide+off)[off:], randoms(r, columns*tileSide), sign)
		}
	}
}

// FuzzUpdate: any numbers have the same bits on all kernels.
func FuzzUpdate(f *testing.F) {
	f.Add([]byte{}, false)
	f.Add([]byte{0, 0, 0x80, 0x3f, 0xff, 0xff, 0x7f, 0x7f, 1, 0, 0, 0x80, 0, 0, 0x80, 0xff}, true)
	f.Fuzz(func(t *testing.T, data []byte, minus bool) {
		columns := tileSide * (1 + len(data)/8%4)
		var c tile
		a, b := make([]float32, columns*tileSide), make([]float32, columns*tileSide)
		if len(data) >= 4 {
			next := 0
			for _, v := range [][]float32{c[:], a, b} {
				for i := range v {
					v[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[next:]) + uint32(i)*0x01000193)
					if next += 4; next+4 > len(data) {
						next = 0
					}
				}
			}
		}
		sign := float32(1)
		if minus {
			sign = -1
		}
		compareUpdates(t, &c, a, b, sign)
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
