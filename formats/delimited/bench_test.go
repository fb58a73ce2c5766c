package delimited

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/shardmill/shardmill/formats/internal/formattest"
)

// ratings is n rows as a recommender reads them: about 25 bytes each.
func ratings(n int) []byte {
	rng := rand.New(rand.NewPCG(1, 2))
	var b bytes.Buffer
	for range n {
		fmt.Fprintf(&b, "%d,%d,%d.%d,%.6f\n", rng.IntN(53424), rng.IntN(10000), rng.IntN(5), 5*rng.IntN(2), rng.Float64())
	}
	return b.Bytes()
}

// BenchmarkRead reads the same bytes with this package and with encoding/csv.
func BenchmarkRead(b *testing.B) {
	for name, rows := range map[string]int{"plain": 1_000_000, "quoted": 500_000} {
		data := ratings(rows)
		if name == "quoted" {
			data = quoted(rows)
		}
		b.Run(name+"/delimited", func(b *testing.B) {
			formattest.BenchRead(b, data, rows, func() func() error {
				r, err := NewReader(bytes.NewReader(data), "a.csv", Options{})
				if err != nil {
					b.Fatal(err)
				}
				var rec Record
				return func() error { return r.Read(&rec) }
			})
		})
		b.Run(name+"/delimited-many", func(b *testing.B) {
			formattest.BenchRead(b, data, rows, func() func() error {
				r, err := NewReader(bytes.NewReader(data), "a.csv", Options{})
				if err != nil {
					b.Fatal(err)
				}
				var recs Records
				i := 0
				return func() error {
					if i++; i < recs.Len() {
						return nil
					}
					i = 0
					return r.ReadRecords(&recs, 256)
				}
			})
		})
		b.Run(name+"/scanner", func(b *testing.B) {
			formattest.BenchRead(b, data, rows, func() func() error {
				s := bufio.NewScanner(bytes.NewReader(data))
				return func() error {
					if s.Scan() {
						return nil
					}
					return io.EOF
				}
			})
		})
		b.Run(name+"/copy", func(b *testing.B) {
			block := make([]byte, windowSize)
			formattest.BenchRead(b, data, rows, func() func() error {
				r := bytes.NewReader(data)
				return func() error {
					_, err := r.Read(block)
					return err
				}
			})
		})
		b.Run(name+"/encoding-csv", func(b *testing.B) {
			formattest.BenchRead(b, data, rows, func() func() error {
				r := csv.NewReader(bytes.NewReader(data))
				r.ReuseRecord = true
				return func() error {
					_, err := r.Read()
					return err
				}
			})
		})
	}
}

// quoted is n rows in which all fields have quotes, and some have line ends and doubled quotes.
func quoted(n int) []byte {
	rng := rand.New(rand.NewPCG(5, 6))
	var b bytes.Buffer
	for range n {
		fmt.Fprintf(&b, "\"%d\",\"%s\",\"a \"\"word\"\",\nand more\",\"%.6f\"\n", rng.IntN(53424), "some words here"[:rng.IntN(15)], rng.Float64())
	}
	return b.Bytes()
}

func BenchmarkScan(b *testing.B) {
	for name, data := range map[string][]byte{"plain": ratings(1_000_000), "quoted": quoted(500_000)} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				if s, err := ScanRange(bytes.NewReader(data), "a", 0, int64(len(data)), ','); err != nil || s.From[AtRecord].End != AtRecord {
					b.Fatal(s, err)
				}
			}
		})
	}
}

// BenchmarkNumbers reads an int and a float of each record, of those that are read together.
func BenchmarkNumbers(b *testing.B) {
	const rows = 1_000_000
	data := ratings(rows)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		r, err := NewReader(bytes.NewReader(data), "a.csv", Options{})
		if err != nil {
			b.Fatal(err)
		}
		var recs Records
		var ints [256]int64
		var floats [256]float64
		for {
			if err := r.ReadRecords(&recs, len(ints)); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				b.Fatal(err)
			}
			if n := recs.Len(); recs.CanonicalInts(0, 0, ints[:n]) != n || recs.Floats(0, 3, floats[:n]) != n {
				b.Fatal("no numbers")
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*rows), "ns/row")
}
