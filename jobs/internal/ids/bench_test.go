package ids

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"
)

// benchIDs are n ids of a kind, in the order of their bytes.
var benchIDs = []struct {
	name string
	id   func(i int, r *rand.Rand) string
}{
	{"dense", func(i int, _ *rand.Rand) string { return strconv.Itoa(i + 1) }},
	{"sparse", func(_ int, r *rand.Rand) string { return strconv.Itoa(int(r.Uint64() % 1e12)) }},
	{"text14", func(_ int, r *rand.Rand) string { return fmt.Sprintf("A%013X", r.Uint64()>>12) }},
	{"uuid", func(_ int, r *rand.Rand) string {
		return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", r.Uint32(), r.Uint32()>>16, r.Uint32()>>16, r.Uint32()>>16, r.Uint64()>>16)
	}},
}

func sortedIDs(n int, id func(i int, r *rand.Rand) string) [][]byte {
	r := rand.New(rand.NewPCG(1, 2))
	ids := make([][]byte, n)
	for i := range ids {
		ids[i] = []byte(id(i, r))
	}
	slices.SortFunc(ids, bytes.Compare)
	return slices.CompactFunc(ids, bytes.Equal)
}

func writeIDs(tb testing.TB, w io.Writer, ids [][]byte) {
	d := NewWriter(w, Options{})
	for _, id := range ids {
		if err := d.Write(Entry{ID: id, Rows: 1, Newest: math.MinInt64}); err != nil {
			tb.Fatal(err)
		}
	}
	if err := d.Close(); err != nil {
		tb.Fatal(err)
	}
}

// BenchmarkFind looks 4096 ids up at a time. The least time is that of a quiet machine.
func BenchmarkFind(b *testing.B) {
	for _, n := range []int{10_000, 53_424, 536_000} {
		for _, k := range benchIDs {
			b.Run(fmt.Sprintf("%s-%d", k.name, n), func(b *testing.B) {
				ids := sortedIDs(n, k.id)
				var file bytes.Buffer
				writeIDs(b, &file, ids)
				d := openBytes(b, file.Bytes())
				r := rand.New(rand.NewPCG(3, 4))
				ask := make([][]byte, 1<<12)
				column := make([]byte, 0, 64<<12) // where they lie together
				for i := range ask {
					column = append(column, ids[r.IntN(len(ids))]...)
					ask[i], column = column, column[len(column):]
				}
				least, sum := time.Duration(math.MaxInt64), uint32(0)
				for b.Loop() {
					start := time.Now()
					for _, id := range ask {
						x, _ := d.Find(id)
						sum += x
					}
					least = min(least, time.Since(start))
				}
				b.ReportMetric(float64(least.Nanoseconds())/float64(len(ask)), "least-ns/find")
				if sum == 0 {
					b.Fatal("nothing found")
				}
			})
		}
	}
}

func BenchmarkWrite(b *testing.B) {
	for _, k := range benchIDs {
		b.Run(k.name, func(b *testing.B) {
			ids := sortedIDs(536_000, k.id)
			b.ReportAllocs()
			for b.Loop() {
				writeIDs(b, io.Discard, ids)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(ids)), "ns/id")
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	for _, k := range benchIDs {
		b.Run(k.name, func(b *testing.B) {
			var file bytes.Buffer
			writeIDs(b, &file, sortedIDs(536_000, k.id))
			path := writeFile(b, file.Bytes())
			b.SetBytes(int64(file.Len()))
			for b.Loop() {
				d, err := Open(path)
				if err != nil {
					b.Fatal(err)
				}
				if err := d.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
