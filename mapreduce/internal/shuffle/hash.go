package shuffle

import (
	"math/bits"

	"github.com/zeebo/xxh3"
)

// Hash returns the 64-bit XXH3 hash of key, without a seed. It is the same in
// every process and part of the on-disk contract.
func Hash(key []byte) uint64 { return xxh3.Hash(key) }

// PartitionOf maps a hash to a partition from 0 to n-1 by the high word of
// hash*n (Lemire, "Fast random integer generation in an interval", 2019). It
// returns 0 if n < 1.
func PartitionOf(hash uint64, n int) int {
	hi, _ := bits.Mul64(hash, uint64(max(n, 1)))
	return int(hi)
}

// Partition returns the partition, from 0 to n-1, that key belongs to.
func Partition(key []byte, n int) int { return PartitionOf(Hash(key), n) }
