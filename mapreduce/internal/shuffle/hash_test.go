package shuffle

import (
	"testing"

	"github.com/zeebo/xxh3"
	"pgregory.net/rapid"
)

// Eight bytes are hashed here, all else by the module.
func TestHashIsXXH3(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.SliceOfN(rapid.Byte(), 8, rapid.SampledFrom([]int{8, 8, 300}).Draw(t, "most")).Draw(t, "key")
		if got, want := Hash(key), xxh3.Hash(key); got != want {
			t.Fatalf("Hash(%x) = %#x, want %#x", key, got, want)
		}
	})
}

// The values are part of the on-disk contract: a change moves keys to other
// partitions than the run files have them in.
func TestPartitionIsFixed(t *testing.T) {
	for _, c := range []struct {
		key  string
		hash uint64
		of   map[int]int
	}{
		{"", 0x2d06800538d394c2, map[int]int{1: 0, 7: 1, 1000: 175}}, // both as in the reference implementation
		{"a", 0xe6c632b61e964e1f, map[int]int{1: 0, 7: 6, 1000: 901}},
		{"shard", 0x47a558bfd3486fc3, map[int]int{1: 0, 7: 1, 1000: 279}},
		{"a key of more than sixteen bytes", 0x27258608776bc78a, map[int]int{1: 0, 7: 1, 1000: 152}},
		{"\x00\x00\x00\x00\x00\x00\x00\x01", 0xf36b4a1a44f78bf3, map[int]int{1: 0, 7: 6, 1000: 950}},
		{string(noise(1, 300)), 0xe12c1a04a9e03018, map[int]int{1: 0, 7: 6, 1000: 879}},
	} {
		if got := Hash([]byte(c.key)); got != c.hash {
			t.Errorf("Hash(%.20q) = %#x, want %#x", c.key, got, c.hash)
		}
		for n, want := range c.of {
			if got := Partition([]byte(c.key), n); got != want {
				t.Errorf("Partition(%.20q, %d) = %d, want %d", c.key, n, got, want)
			}
		}
	}
}

func TestPartitionRange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.SliceOf(rapid.Byte()).Draw(t, "key")
		n := rapid.IntRange(1, 1<<20).Draw(t, "n")
		p := Partition(key, n)
		if p < 0 || p >= n {
			t.Fatalf("partition %d of %d", p, n)
		}
		if PartitionOf(Hash(key), n) != p {
			t.Fatal("Partition differs from PartitionOf(Hash)")
		}
	})
	for _, n := range []int{-1, 0} {
		if got := PartitionOf(1<<63, n); got != 0 {
			t.Errorf("PartitionOf(_, %d) = %d, want 0", n, got)
		}
	}
}

func TestPartitionSpreads(t *testing.T) {
	const keys, n = 100_000, 16
	var counts [n]int
	for i := range keys {
		counts[Partition([]byte{byte(i), byte(i >> 8), byte(i >> 16)}, n)]++
	}
	for p, c := range counts {
		if c < keys/n*9/10 || c > keys/n*11/10 {
			t.Errorf("partition %d has %d of %d keys", p, c, keys)
		}
	}
}
