package text

import (
	"strings"
	"testing"
)

// A scan of a small file takes no memory for a large one, and one of a large file is not read in small blocks.
func TestScanReaderAllocates(t *testing.T) {
	small := testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			if s, err := ScanReader(strings.NewReader("a\nb\n")); err != nil || s.Lines != 2 {
				b.Fatal(s, err)
			}
		}
	})
	if n := small.AllocedBytesPerOp(); n > 2*scanFirst {
		t.Errorf("a file of 4 bytes takes %d bytes", n)
	}
	r := &reads{Reader: strings.NewReader(strings.Repeat("line\n", 8<<20/5))}
	if s, err := ScanReader(r); err != nil || s.Lines != 8<<20/5 || r.n > 20 {
		t.Errorf("%d reads of 8 MiB: %d lines, %v", r.n, s.Lines, err)
	}
}

// reads counts reads.
type reads struct {
	*strings.Reader
	n int
}

func (r *reads) Read(p []byte) (int, error) {
	r.n++
	return r.Reader.Read(p)
}

// A reader of a small file takes no memory for a large one, and one of a large file is not read in small blocks.
func TestReaderAllocates(t *testing.T) {
	small := testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			r := NewReader(strings.NewReader("a\nb\n"), "small", 0)
			for n := range 3 {
				var l Line
				if err := r.Read(&l); (err == nil) != (n < 2) {
					b.Fatal(n, err)
				}
			}
		}
	})
	if n := small.AllocedBytesPerOp(); n > 2*windowFirst {
		t.Errorf("a file of 4 bytes takes %d bytes", n)
	}
	src := &reads{Reader: strings.NewReader(strings.Repeat("line\n", 8<<20/5))}
	r, lines := NewReader(src, "large", 0), 0
	for l := (Line{}); r.Read(&l) == nil; lines++ {
		continue
	}
	if lines != 8<<20/5 || src.n > 45 {
		t.Errorf("%d reads of 8 MiB: %d lines", src.n, lines)
	}
}
