package jsonl

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"syscall"
	"testing"
)

// ratings is n lines as a recommender reads them.
func ratings(n int) []byte {
	rng := rand.New(rand.NewPCG(1, 2))
	var b bytes.Buffer
	for range n {
		fmt.Fprintf(&b, "{\"user\":%d,\"item\":\"item-%d\",\"tags\":[\"a\",\"b\"],\"title\":\"Some words of text\",\"score\":%.6f}\n",
			rng.IntN(53424), rng.IntN(10000), rng.Float64())
	}
	return b.Bytes()
}

// BenchmarkRead reads the same bytes with this package, with encoding/json, and without a look at what a line says.
func BenchmarkRead(b *testing.B) {
	for name, data := range map[string][]byte{"wide": ratings(200_000), "narrow": narrow(200_000)} {
		b.Run(name+"/jsonl", func(b *testing.B) {
			measure(b, data, func() func() error {
				r, err := NewReader(bytes.NewReader(data), "a", Options{Columns: []string{"user", "score"}})
				if err != nil {
					b.Fatal(err)
				}
				var row Row
				return func() error { return r.Read(&row) }
			})
		})
		b.Run(name+"/encoding-json", func(b *testing.B) {
			measure(b, data, func() func() error {
				d := json.NewDecoder(bytes.NewReader(data))
				var row struct {
					User  json.Number `json:"user"`
					Score json.Number `json:"score"`
				}
				return func() error { return d.Decode(&row) }
			})
		})
		b.Run(name+"/scanner", func(b *testing.B) {
			measure(b, data, func() func() error {
				s := bufio.NewScanner(bytes.NewReader(data))
				return func() error {
					if s.Scan() {
						return nil
					}
					return io.EOF
				}
			})
		})
	}
}

// narrow is n lines of four numbers.
func narrow(n int) []byte {
	rng := rand.New(rand.NewPCG(3, 4))
	var b bytes.Buffer
	for range n {
		fmt.Fprintf(&b, "{\"user\":%d,\"item\":%d,\"rating\":%d,\"score\":%.4f}\n",
			rng.IntN(53424), rng.IntN(10000), rng.IntN(6), rng.Float64())
	}
	return b.Bytes()
}

// measure reads data to its end with each reader that open makes.
func measure(b *testing.B, data []byte, open func() func() error) {
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	rows := -1
	before := cpu(b)
	for b.Loop() {
		read := open()
		var err error
		for rows = -1; err == nil; rows++ {
			err = read()
		}
		if !errors.Is(err, io.EOF) {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(cpu(b)-before)/float64(b.N)/float64(rows), "cpu-ns/row")
}

// cpu returns the CPU time of this process in ns, collector and all: other work on the machine does not count.
func cpu(b *testing.B) int64 {
	b.Helper()
	var use syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &use); err != nil {
		b.Fatal(err)
	}
	return use.Utime.Nano() + use.Stime.Nano()
}
