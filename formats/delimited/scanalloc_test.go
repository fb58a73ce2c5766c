package delimited

import (
	"io"
	"strings"
	"testing"
)

// A scan of a small file takes no memory for a large one, and one of a large file is not read in small blocks.
func TestScanReaderAllocates(t *testing.T) {
	small := testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			if s, err := ScanReader(strings.NewReader("a\nb\n"), 0, ','); err != nil || s.Size != 4 {
				b.Fatal(s, err)
			}
		}
	})
	if n := small.AllocedBytesPerOp(); n > 2*scanFirst {
		t.Errorf("a file of 4 bytes takes %d bytes", n)
	}
	r := &reads{Reader: strings.NewReader(strings.Repeat("line\n", 8<<20/5))}
	if s, err := ScanReader(r, 0, ','); err != nil || s.Size != 8<<20/5*5 || r.n > 20 {
		t.Errorf("%d reads of 8 MiB: %d bytes, %v", r.n, s.Size, err)
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
	count := func(r io.Reader) (n int) {
		read, err := NewReader(r, "x", Options{})
		for rec := (Record{}); err == nil; n++ {
			err = read.Read(&rec)
		}
		return n - 1
	}
	small := testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			if n := count(strings.NewReader("a\nb\n")); n != 2 {
				b.Fatal(n)
			}
		}
	})
	if n := small.AllocedBytesPerOp(); n > 2*windowFirst {
		t.Errorf("a file of 4 bytes takes %d bytes", n)
	}
	src := &reads{Reader: strings.NewReader(strings.Repeat("line\n", 8<<20/5))}
	if n := count(src); n != 8<<20/5 || src.n > 45 {
		t.Errorf("%d reads of 8 MiB: %d records", src.n, n)
	}
}
