package shuffle

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"syscall"
	"testing"
)

// topFiles writes 8 run files of n records: 8 bytes of a group, 8 of its order and
// a value of some 7 bytes, about 110 records a group.
func topFiles(b *testing.B, n int, s Stream, record func(rng *rand.Rand, i int) (key, value []byte)) (paths []string) {
	b.Helper()
	rng := rand.New(rand.NewPCG(7, 8))
	dir := b.TempDir()
	for m := range 8 {
		path := filepath.Join(dir, fmt.Sprintf("map-%d.run", m))
		writeFile(b, path, []Stream{s}, func(add addFunc) {
			for i := range n / 8 {
				key, value := record(rng, i)
				add(0, 0, key, value)
			}
		})
		paths = append(paths, path)
	}
	return paths
}

func ranked(rng *rand.Rand, _ int) (key, value []byte) {
	user := rng.Uint64N(18_000)*30 | 1<<63
	key = binary.BigEndian.AppendUint64(nil, user)
	key = binary.BigEndian.AppendUint64(key, rng.Uint64N(1<<50))
	return key, fmt.Appendf(nil, "%d", rng.IntN(10_000_000))
}

func rankedString(rng *rand.Rand, _ int) (key, value []byte) {
	key = fmt.Appendf(nil, "user-%d\x00", rng.Uint64N(18_000)*30)
	key = binary.BigEndian.AppendUint64(key, rng.Uint64N(1<<50))
	return key, fmt.Appendf(nil, "%d", rng.IntN(10_000_000))
}

func summed(rng *rand.Rand, _ int) (key, value []byte) {
	return binary.BigEndian.AppendUint64(nil, rng.Uint64N(500_000)), make([]byte, 24)
}

// BenchmarkTop reads, sorts and iterates what a rank of 2M records brings to one
// partition, in memory, through spills, and with memory that is used again.
func BenchmarkTop(b *testing.B) {
	const n = 2 << 20
	eight := func([]byte) int { return 8 }
	zero := func(key []byte) int {
		for i, c := range key {
			if c == 0 {
				return i
			}
		}
		return len(key)
	}
	for _, c := range []struct {
		name   string
		s      Stream
		record func(*rand.Rand, int) (key, value []byte)
		cfg    Config
	}{
		{"int/first=10", Stream{"s", 1, 16, 0}, ranked, Config{First: 10, Group: eight}},
		{"int/all", Stream{"s", 1, 16, 0}, ranked, Config{Group: eight}},
		{"string/first=10", Stream{"s", 1, 0, 0}, rankedString, Config{First: 10, Group: zero}},
		{"string/all", Stream{"s", 1, 0, 0}, rankedString, Config{Group: zero}},
		{"sum", Stream{"s", 1, 8, 24}, summed, Config{}},
	} {
		paths := topFiles(b, n, c.s, c.record)
		for _, budget := range []int64{1 << 30, 16 << 20} {
			for _, buffers := range []*Buffers{nil, {}} {
				cfg := c.cfg
				cfg.KeyWidth, cfg.ValueWidth, cfg.Budget, cfg.Buffers, cfg.TempDir = c.s.KeyWidth, c.s.ValueWidth, budget, buffers, b.TempDir()
				b.Run(fmt.Sprintf("%s/budget=%dMiB/buffers=%v", c.name, budget>>20, buffers != nil), func(b *testing.B) {
					least := int64(math.MaxInt64)
					for b.Loop() {
						start := cpuTime(b)
						in, err := NewInput(cfg, each(paths))
						if err != nil {
							b.Fatal(err)
						}
						for in.NextGroup() {
							for _, _, ok := in.Next(); ok; _, _, ok = in.Next() {
							}
						}
						if in.Err() != nil || in.Close() != nil || in.Delivered()+in.Cut() != n {
							b.Fatal(in.Err(), in.Delivered(), in.Cut())
						}
						least = min(least, cpuTime(b)-start)
						b.ReportMetric(float64(in.Spilled())/(1<<20), "MiB-spilled")
					}
					b.ReportMetric(float64(least)/n, "cpu-ns/record") // the least disturbed
				})
			}
		}
	}
}

// cpuTime returns the processor time of this process in nanoseconds.
func cpuTime(b *testing.B) int64 {
	b.Helper()
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return r.Utime.Nano() + r.Stime.Nano()
}
