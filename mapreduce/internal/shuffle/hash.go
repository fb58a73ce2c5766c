package shuffle

import (
	"math/bits"

	"github.com/zeebo/xxh3"
)

// Hash returns the 64-bit XXH3 hash of key, without a seed. It is the same in
// every process and part of the on-disk contract.
func Hash(key []byte) uint64 {
	if len(key) == 8 {
		return hashWord(le.Uint64(key))
	}
	return xxh3.Hash(key)
}

// hashWord is XXH3 of eight bytes, which are a little-endian word. It is small enough to be
// inlined. The constants are those of the algorithm; the first is of its default secret, words
// 1 and 2 by exclusive or.
func hashWord(word uint64) uint64 {
	const secret, multiplier = 0x1cad21f72c81017c ^ 0xdb979083e96dd4de, 0x9fb21c651e98df25
	h := bits.RotateLeft64(word, 32) ^ secret
	h ^= bits.RotateLeft64(h, 49) ^ bits.RotateLeft64(h, 24)
	h *= multiplier
	h ^= h>>35 + 8
	h *= multiplier
	return h ^ h>>28
}

// PartitionOf maps a hash to a partition from 0 to n-1 by the high word of
// hash*n (Lemire, "Fast random integer generation in an interval", 2019). It
// returns 0 if n < 1.
func PartitionOf(hash uint64, n int) int {
	hi, _ := bits.Mul64(hash, uint64(max(n, 1)))
	return int(hi)
}

// Partition returns the partition, from 0 to n-1, that key belongs to.
func Partition(key []byte, n int) int { return PartitionOf(Hash(key), n) }
