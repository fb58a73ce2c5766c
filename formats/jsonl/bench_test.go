package jsonl

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/shardmill/shardmill/formats/internal/formattest"
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

const benchRows = 200_000

// BenchmarkRead reads the same bytes with this package, with encoding/json, and without a look at what a line says.
func BenchmarkRead(b *testing.B) {
	for name, data := range map[string][]byte{"wide": ratings(benchRows), "narrow": narrow(benchRows)} {
		b.Run(name+"/jsonl", func(b *testing.B) {
			formattest.BenchRead(b, data, benchRows, func() func() error {
				r, err := NewReader(bytes.NewReader(data), "a", Options{Columns: []string{"user", "score"}})
				if err != nil {
					b.Fatal(err)
				}
				var row Row
				return func() error { return r.Read(&row) }
			})
		})
		b.Run(name+"/encoding-json", func(b *testing.B) {
			formattest.BenchRead(b, data, benchRows, func() func() error {
				d := json.NewDecoder(bytes.NewReader(data))
				var row struct {
					User  json.Number `json:"user"`
					Score json.Number `json:"score"`
				}
				return func() error { return d.Decode(&row) }
			})
		})
		b.Run(name+"/scanner", func(b *testing.B) {
			formattest.BenchRead(b, data, benchRows, func() func() error {
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
