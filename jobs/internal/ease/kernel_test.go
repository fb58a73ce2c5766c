package ease

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/jobs/internal/fma"
)

// compareScores runs all kernels, and compares with the definition, bit for bit.
func compareScores(t *testing.T, l lanes, panel []float32, index []uint32, values []float32) {
	t.Helper()
	want, mask := [width]float32{}, uint32(0)
	for c := range width {
		var s [4]float32
		for q, i := range index {
			s[q%4] = fma.Float32(float32(weight(values, q)), panel[int(i)*width+c], s[q%4])
		}
		want[c] = ((s[0] + s[1]) + (s[2] + s[3])) * l.scales[c]
		if want[c] >= l.thresholds[c] {
			mask |= 1 << c
		}
	}
	for _, k := range kernels() {
		got := l
		if m := k.score(&got, panel, index, values); m != mask {
			t.Fatalf("%s, %d entries: candidates %#x, want %#x", k.name, len(index), m, mask)
		}
		for c, x := range got.scores {
			if math.Float32bits(x) != math.Float32bits(want[c]) && (x == x || want[c] == want[c]) {
				t.Fatalf("%s, %d entries: column %d is %x, want %x", k.name, len(index), c, x, want[c])
			}
		}
		for c, x := range got.scales {
			if math.Float32bits(x) != math.Float32bits(l.scales[c]) {
				t.Fatalf("%s has changed a scale", k.name)
			}
		}
	}
}

// TestKernel compares the kernels on all small numbers of entries, with thresholds that all, some and no scores pass.
func TestKernel(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	panel := make([]float32, 50*width)
	for i := range panel {
		panel[i] = float32(r.NormFloat64())
	}
	for n := range 40 {
		var l lanes
		for c := range width {
			l.scales[c] = -float32(r.ExpFloat64())
			l.thresholds[c] = []float32{lowest(), 0, float32(r.NormFloat64()), float32(math.Inf(1)), float32(math.NaN())}[r.IntN(5)]
			l.scores[c] = 77 // each must be written
		}
		index, values := make([]uint32, n), make([]float32, n)
		for q := range index {
			index[q], values[q] = uint32(r.IntN(50)), float32(r.NormFloat64())
		}
		compareScores(t, l, panel, index, values)
		compareScores(t, l, panel, index, nil)
		scoreGo(&l, panel, index, values)
		l.thresholds = l.scores // equal is not below
		compareScores(t, l, panel, index, values)
	}
}

// FuzzKernel: any numbers have the same bits on all kernels.
func FuzzKernel(f *testing.F) {
	f.Add([]byte{}, uint32(0), false)
	f.Add([]byte{0, 0, 0x80, 0x3f, 0xff, 0xff, 0x7f, 0x7f, 1, 0, 0, 0x80}, uint32(0x7fc00000), true)
	f.Fuzz(func(t *testing.T, data []byte, threshold uint32, valued bool) {
		const rows = 9
		next := 0
		number := func() uint32 {
			if len(data) < 4 {
				return 0
			}
			if next += 4; next+4 > len(data) {
				next = 0
			}
			return binary.LittleEndian.Uint32(data[next:]) + uint32(next)*0x01000193
		}
		panel := make([]float32, rows*width)
		for i := range panel {
			panel[i] = math.Float32frombits(number())
		}
		var l lanes
		for c := range width {
			l.scales[c], l.thresholds[c] = math.Float32frombits(number()), math.Float32frombits(threshold+uint32(c)<<20)
		}
		index := make([]uint32, len(data)%21)
		var values []float32
		for q := range index {
			index[q] = number() % rows
			if valued {
				values = append(values, math.Float32frombits(number()))
			}
		}
		compareScores(t, l, panel, index, values)
	})
}

// TestList: a list has what is first when all are sorted.
func TestList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := make(list, rapid.IntRange(1, 20).Draw(t, "length"))
		scores := rapid.SliceOfN(rapid.SampledFrom([]float32{-1e30, -2, -1, float32(math.Copysign(0, -1)), 0, 1e-40, .5, 3}), 0, 60).Draw(t, "scores")
		var want []Scored
		threshold := lowest()
		for i, x := range scores {
			item := uint32(i*7919) % 61
			want = append(want, Scored{item, x + 0})
			threshold = l.offer(newKey(x, item))
		}
		slices.SortFunc(want, before)
		want = want[:min(len(l), len(want))]
		if len(want) == len(l) && threshold != want[len(l)-1].Score || len(want) < len(l) && threshold != lowest() {
			t.Fatalf("the threshold of %v is %v", want, threshold)
		}
		if got := l.appendTo([]Scored{{Item: 5}})[1:]; !slices.Equal(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	})
}

// before is the order of lists.
func before(a, b Scored) int {
	if a.Score != b.Score {
		if a.Score > b.Score {
			return -1
		}
		return 1
	}
	return int(a.Item) - int(b.Item)
}
