package als

// Initial sets the first numbers of dst to those that row i begins with, and those behind k to 0: uniform in [0, .01), as in implicit. They depend on
// nothing but seed, i and their place. Number j of row i is the upper 24 bits of output j+1 of SplitMix64 (Steele et
// al., 2014) from the state mix(mix(seed) + i), times .01 / 2^24.
func Initial(seed uint64, i, k int, dst []float32) {
	state := mix(mix(seed) + uint64(i))
	for j := range k {
		state += golden
		dst[j] = float32(mix(state)>>40) * (.01 / (1 << 24))
	}
	clear(dst[k:])
}

// InSample tells whether row i is in a sample of about size of rows, which depends on nothing else but the seed.
func InSample(seed uint64, i, rows, size int) bool {
	return size >= rows || float64(mix(mix(^seed)+uint64(i))>>11)*float64(rows) < float64(size)*(1<<53)
}

const golden = 0x9E3779B97F4A7C15

// mix is the output function of SplitMix64.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
	x = (x ^ x>>27) * 0x94D049BB133111EB
	return x ^ x>>31
}
