package text

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
)

// prose is lines of about 70 bytes, n bytes in all.
func prose(n int) []byte {
	rng := rand.New(rand.NewPCG(1, 2))
	var b bytes.Buffer
	for b.Len() < n {
		for line := 0; line < 63; {
			word := "the quick brown fox jumps over a lazy dog "[rng.IntN(20):][:2+rng.IntN(8)]
			b.WriteString(word)
			line += len(word)
		}
		b.WriteByte('\n')
	}
	return b.Bytes()
}

// BenchmarkRead compares with bufio.Scanner, which checks no text, and with a copy of the bytes.
func BenchmarkRead(b *testing.B) {
	data := prose(16 << 20)
	lines := float64(bytes.Count(data, []byte{'\n'}))
	run := func(name string, read func(b *testing.B)) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				read(b)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/lines, "ns/line")
		})
	}
	run("text", func(b *testing.B) {
		r := NewReader(bytes.NewReader(data), "in.txt", 0)
		for {
			if _, _, err := r.ReadBytes(); errors.Is(err, io.EOF) {
				return
			} else if err != nil {
				b.Fatal(err)
			}
		}
	})
	run("scanner", func(b *testing.B) {
		s := bufio.NewScanner(bytes.NewReader(data))
		s.Buffer(make([]byte, windowSize), windowSize)
		for s.Scan() {
			_ = s.Bytes()
		}
		if s.Err() != nil {
			b.Fatal(s.Err())
		}
	})
	run("copy", func(*testing.B) {
		block := make([]byte, windowSize)
		for r := bytes.NewReader(data); r.Len() > 0; {
			_, _ = r.Read(block)
		}
	})
	run("scan", func(b *testing.B) {
		if s, err := ScanReader(bytes.NewReader(data)); err != nil || s.Lines != int64(lines) {
			b.Fatal(s, err)
		}
	})
}
