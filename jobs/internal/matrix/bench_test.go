package matrix

import (
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// benchRows are rows of a matrix of 53,424 x 10,000 with about 6 million entries.
func benchRows(values bool) []Row {
	r := rand.New(rand.NewPCG(5, 6))
	rows := make([]Row, 53_424)
	for i := range rows {
		row := Row{Index: uint32(i)}
		step := 1 + r.IntN(350)
		for c := r.IntN(step); c < 10_000; c += 1 + r.IntN(2*step-1) {
			row.Columns = append(row.Columns, uint32(c))
			if values {
				row.Values = append(row.Values, r.Float32())
			}
		}
		rows[i] = row
	}
	return rows
}

// writeParts writes a matrix in so many files.
func writeParts(tb testing.TB, rows []Row, parts int) []string {
	tb.Helper()
	var paths []string
	for p := range parts {
		paths = append(paths, writeFile(tb, fileOf(tb, rows[len(rows)*p/parts:len(rows)*(p+1)/parts]...)))
	}
	return paths
}

// BenchmarkRow takes rows in order and in any order. The least time is that of a quiet machine.
func BenchmarkRow(b *testing.B) {
	for _, values := range []bool{false, true} {
		rows := benchRows(values)
		for _, parts := range []int{1, 8} {
			m, err := Open(writeParts(b, rows, parts), len(rows), 10_000)
			if err != nil {
				b.Fatal(err)
			}
			inOrder := make([]int, 4096)
			for i := range inOrder {
				inOrder[i] = i * len(rows) / len(inOrder)
			}
			for name, order := range map[string][]int{"in-order": inOrder, "shuffled": rand.New(rand.NewPCG(7, 8)).Perm(len(rows))[:4096]} {
				b.Run(fmt.Sprintf("values=%v-files=%d-%s", values, parts, name), func(b *testing.B) {
					least, n := time.Duration(math.MaxInt64), 0
					for b.Loop() {
						start := time.Now()
						for _, i := range order {
							columns, values := m.Row(i)
							n += len(columns) + len(values)
						}
						least = min(least, time.Since(start))
					}
					b.ReportMetric(float64(least.Nanoseconds())/float64(len(order)), "least-ns/row")
					if n == 0 {
						b.Fatal("no entries")
					}
				})
			}
			if err := m.Close(); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	rows := benchRows(false)
	paths := writeParts(b, rows, 4)
	for name, open := range map[string]func([]string, int, int) (*Matrix, error){"open": Open, "reopen": Reopen} {
		b.Run(name, func(b *testing.B) {
			least, entries := time.Duration(math.MaxInt64), int64(0)
			for b.Loop() {
				start := time.Now()
				m, err := open(paths, len(rows), 10_000)
				if err != nil {
					b.Fatal(err)
				}
				least, entries = min(least, time.Since(start)), m.Entries()
				if err := m.Close(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(least.Nanoseconds())/1e6, "least-ms/open")
			b.ReportMetric(float64(entries)/1e6, "Mentries")
		})
	}
}

func BenchmarkWrite(b *testing.B) {
	rows := benchRows(true)
	least, entries := time.Duration(math.MaxInt64), 0
	for _, r := range rows {
		entries += len(r.Columns)
	}
	for b.Loop() {
		start := time.Now()
		w := NewWriter(io.Discard)
		for _, r := range rows {
			if err := w.Write(r); err != nil {
				b.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			b.Fatal(err)
		}
		least = min(least, time.Since(start))
	}
	b.ReportMetric(float64(least.Nanoseconds())/float64(entries), "least-ns/entry")
}

func BenchmarkRead(b *testing.B) {
	rows := benchRows(false)
	paths := writeParts(b, rows, 1)
	least := time.Duration(math.MaxInt64)
	for b.Loop() {
		start := time.Now()
		r, err := OpenReader(paths[0])
		if err != nil {
			b.Fatal(err)
		}
		var row Row
		for err = r.Read(&row); err == nil; err = r.Read(&row) {
		}
		if !errors.Is(err, io.EOF) {
			b.Fatal(err)
		}
		least = min(least, time.Since(start))
		if err := r.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(least.Nanoseconds())/1e6, "least-ms/file")
}
