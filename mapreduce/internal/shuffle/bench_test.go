package shuffle

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// random16 returns n records of an 8-byte big-endian key below users and an
// 8-byte value.
func random16(n, users int) []byte {
	rng := rand.New(rand.NewPCG(1, 2))
	b := make([]byte, 0, 16*n)
	for i := range n {
		b = binary.BigEndian.AppendUint64(b, rng.Uint64N(uint64(users)))
		b = binary.BigEndian.AppendUint64(b, uint64(i))
	}
	return b
}

func BenchmarkAdd16(b *testing.B) {
	records := random16(1<<16, 50_000)
	w, err := NewWriter(io.Discard, []Stream{{"s", 8, 8, 8}})
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(16)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		r := records[i%(1<<16)*16:][:16]
		if err := w.Add(0, Partition(r[:8], 8), r[:8], r[8:]); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSort1M(b *testing.B) {
	const n = 1 << 20
	records := random16(n, 53_424)
	bt := roomyBatch(shape{8, 8}, n, 0)
	for b.Loop() {
		bt.reset()
		for i := 0; i < len(records); i += 16 {
			bt.add(records[i:i+8], records[i+8:i+16])
		}
		bt.sort()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/record")
}

// zipfWords returns n words, the frequent ones short.
func zipfWords(n int) [][]byte {
	z := rand.NewZipf(rand.New(rand.NewPCG(3, 4)), 1.1, 4, 200_000)
	words := make([][]byte, n)
	for i := range words {
		k := z.Uint64()
		words[i] = fmt.Appendf(nil, "%s%d", "shardmilling"[:2+int(math.Log2(float64(k+1)))/2], k)
	}
	return words
}

func BenchmarkSortWords(b *testing.B) {
	const n = 1 << 20
	words := zipfWords(n)
	bt := roomyBatch(shape{0, 8}, n, 40*n)
	for b.Loop() {
		bt.reset()
		for _, w := range words {
			bt.add(w, []byte("12345678"))
		}
		bt.sort()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/record")
}

// BenchmarkSortLabels sorts keys as image classification emits them: label,
// score, id, with few labels.
func BenchmarkSortLabels(b *testing.B) {
	const n = 1 << 20
	rng := rand.New(rand.NewPCG(5, 6))
	keys := make([][]byte, n)
	for i := range keys {
		keys[i] = fmt.Appendf(nil, "label of some length %03d|%04x|photos/%07d.jpg", rng.IntN(10), rng.IntN(1<<16), rng.IntN(n))
	}
	bt := roomyBatch(shape{0, 0}, n, 80*n)
	for b.Loop() {
		bt.reset()
		for _, k := range keys {
			bt.add(k, nil)
		}
		bt.sort()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/record")
}

func BenchmarkTable(b *testing.B) {
	words := zipfWords(1 << 20)
	b.Run("table", func(b *testing.B) {
		for b.Loop() {
			var t Table[uint64]
			for _, w := range words {
				v, _ := t.Upsert(w)
				*v++
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(words)), "ns/word")
	})
	b.Run("map", func(b *testing.B) {
		for b.Loop() {
			m := map[string]uint64{}
			for _, w := range words {
				m[string(w)]++
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(words)), "ns/word")
	})
}

// benchFiles writes 8 run files with n records in all.
func benchFiles(b *testing.B, n int) []string {
	b.Helper()
	records := random16(n, 53_424)
	var paths []string
	for m := range 8 {
		path := filepath.Join(b.TempDir(), fmt.Sprintf("map-%d.run", m))
		part := records[m*len(records)/8:][:len(records)/8]
		writeFile(b, path, []Stream{{"s", 1, 8, 8}}, func(add addFunc) {
			for i := 0; i < len(part); i += 16 {
				add(0, 0, part[i:i+8], part[i+8:i+16])
			}
		})
		paths = append(paths, path)
	}
	return paths
}

// BenchmarkInput reads, sorts and iterates 1M records of 8 run files, in memory
// and through spills of a tenth of it.
func BenchmarkInput(b *testing.B) {
	const n = 1 << 20
	paths := benchFiles(b, n)
	for _, budget := range []int64{1 << 30, n * 32 / 10} {
		b.Run(fmt.Sprintf("budget=%dMiB", budget>>20), func(b *testing.B) {
			for b.Loop() {
				in, err := NewInput(Config{KeyWidth: 8, ValueWidth: 8, Budget: budget, TempDir: b.TempDir()}, each(paths))
				if err != nil {
					b.Fatal(err)
				}
				count := 0
				for in.NextGroup() {
					for _, _, ok := in.Next(); ok; _, _, ok = in.Next() {
						count++
					}
				}
				if count != n || in.Err() != nil || in.Close() != nil {
					b.Fatal(count, in.Err())
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/record")
		})
	}
}

// BenchmarkMerge merges 16 sorted runs.
func BenchmarkMerge(b *testing.B) {
	const n, k = 1 << 20, 16
	cfg := Config{KeyWidth: 8, ValueWidth: 8, Budget: 64 << 20, TempDir: b.TempDir(), MaxFan: k, Beat: func() {}, Stopped: func() error { return nil }}
	s := newSpiller(&cfg, &cutter{})
	records := random16(n, 1<<40)
	for i := range k {
		bt := roomyBatch(shape{8, 8}, n/k, 0)
		for part := records[i*len(records)/k:][:len(records)/k]; len(part) > 0; part = part[16:] {
			bt.add(part[:8], part[8:16])
		}
		bt.sort()
		if err := s.spill(bt); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		m, err := s.merge()
		if err != nil {
			b.Fatal(err)
		}
		for err == nil {
			_, _, err = m.next()
		}
		if !errors.Is(err, io.EOF) || m.close() != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/record")
}

// BenchmarkTableSizes upserts 8-byte keys in random order.
func BenchmarkTableSizes(b *testing.B) {
	const batch = 256
	for _, keys := range []int{50_000, 500_000, 4_000_000} {
		records := random16(1<<22, keys)
		for _, seek := range []bool{false, true} {
			b.Run(fmt.Sprintf("keys=%d/seek=%v", keys, seek), func(b *testing.B) {
				var t Table[[2]uint64]
				hashes := make([]uint64, batch)
				start, n := int64(0), 0
				for i := 0; b.Loop(); i++ {
					if i == 1 {
						start = cpuTime(b) // the table is full
					}
					for at := 0; at < len(records); at += 16 * batch {
						for j := range hashes {
							hashes[j] = Hash(records[at+16*j:][:8])
						}
						if seek {
							t.Seek(hashes)
						}
						for j, h := range hashes {
							v, _ := t.UpsertHash(h, records[at+16*j:][:8])
							v[0]++
						}
					}
					n = i
				}
				b.ReportMetric(float64(cpuTime(b)-start)/float64(n<<22), "cpu-ns/record")
			})
		}
	}
}

// BenchmarkSend sends batches of 512 records with a group and an order of eight bytes each and a value of some five,
// of 53,424 groups, with and without a cut to the first ten of a group.
func BenchmarkSend(b *testing.B) {
	const n, batch, groups = 2 << 20, 512, 53_424
	rng := rand.New(rand.NewPCG(3, 4))
	zipf := rand.NewZipf(rng, 1.1, 20, groups-1)
	for _, kind := range []string{"uniform", "zipf", "one"} {
		all := make([]Pairs, n/batch)
		for i := range n {
			group := uint64(0)
			switch kind {
			case "uniform":
				group = rng.Uint64N(groups)
			case "zipf":
				group = zipf.Uint64()
			}
			key := binary.BigEndian.AppendUint64(make([]byte, 0, 16), group|1<<63)
			key = binary.BigEndian.AppendUint64(key, rng.Uint64())
			all[i/batch].Append(i%batch, key, strconv.AppendInt(make([]byte, 0, 8), int64(rng.IntN(10_000)), 10))
		}
		for _, first := range []int{0, 10} {
			b.Run(fmt.Sprintf("%s/first=%d", kind, first), func(b *testing.B) {
				least, kept, sent := time.Duration(math.MaxInt64), int64(0), make([]Pair, batch)
				for b.Loop() {
					w, err := NewWriter(io.Discard, []Stream{{"s", 8, 16, 0}})
					if err != nil {
						b.Fatal(err)
					}
					s := NewSender(w, 0, func([]byte) int { return 8 }, first)
					start := time.Now()
					kept = 0
					for i := range all {
						copy(sent, all[i].List)
						added, err := s.Send(&Pairs{all[i].Data, sent})
						if err != nil {
							b.Fatal(err)
						}
						kept += added
					}
					least = min(least, time.Since(start))
				}
				b.ReportMetric(float64(least.Nanoseconds())/n, "least-ns/record")
				b.ReportMetric(float64(kept)/n, "kept/record")
			})
		}
	}
}
