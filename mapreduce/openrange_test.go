package mapreduce

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/zeebo/xxh3"
	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

// sumOf is what a range's Sum is to be.
func sumOf(b []byte) string {
	sum := xxh3.Hash128(b).Bytes()
	return "xxh3:" + hex.EncodeToString(sum[:])
}

// noise is n bytes without a pattern.
func noise(n int) []byte {
	b := make([]byte, n)
	x := uint32(1)
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = byte(x >> 24)
	}
	return b
}

func rangeRows() (*Rows[int], *taskRun) {
	t := &taskRun{}
	return &Rows[int]{t: t}, t
}

// Wherever a range begins and ends and however much is read of it: the bytes are those of the file from Offset on, and the digest
// is that of [Lo, Hi).
func TestOpenRange(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	data := noise(3 << 20)
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	at := rapid.OneOf(rapid.IntRange(0, len(data)), rapid.IntRange(0, 100), rapid.IntRange(openBuffer-3, openBuffer+3))
	rows, tr := rangeRows()
	rapid.Check(t, func(r *rapid.T) {
		lo, hi, offset := at.Draw(r, "lo"), at.Draw(r, "hi"), at.Draw(r, "offset")
		if hi < lo {
			lo, hi = hi, lo
		}
		rg := Range{Name: "f", Path: path, Lo: int64(lo), Hi: int64(hi), Offset: int64(offset)}
		want := data[lo:hi]
		if hi == 0 {
			want = data
		}
		if rapid.Bool().Draw(r, "known") {
			rg.Sum = sumOf(want)
		}
		clear(tr.digests)
		in, err := rows.OpenRange(rg)
		if err != nil {
			r.Fatal(err)
		}
		b := make([]byte, rapid.SampledFrom([]int{1, 100, directRead - 1, directRead, 2 << 20}).Draw(r, "buffer"))
		for left := rapid.IntRange(0, 5).Draw(r, "reads"); left > 0; left-- {
			n, err := in.Read(b)
			if err != nil && !errors.Is(err, io.EOF) || !bytes.Equal(b[:n], data[offset:offset+n]) || n == 0 && offset < len(data) {
				r.Fatalf("at %d: %d bytes, %v", offset, n, err)
			}
			offset += n
		}
		if err := in.Close(); err != nil {
			r.Fatal(err)
		}
		if rg.Sum == "" && (len(tr.digests) != 1 || !strings.Contains(strings.Join(values(tr.digests), ""), sumOf(want))) {
			r.Errorf("digests %v, expected %s", tr.digests, sumOf(want))
		}
	})
}

func values(m map[string]string) (all []string) {
	for _, v := range m {
		all = append(all, v)
	}
	return all
}

func TestOpenRangeIsAReader(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	data := noise(5000)
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	rows, _ := rangeRows()
	in, err := rows.OpenRange(Range{Path: path, Lo: 10, Hi: 2000, Offset: 17})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(iotest.TestReader(in, data[17:]), in.Close()); err != nil {
		t.Error(err)
	}
}

// A file that is not what was scanned is an error of the input that names it, wherever the change is within the range, and none
// outside of it. What the source makes of that error does not matter, nor a limit.
func TestOpenRangeChanged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	data := noise(4000)
	rg := Range{Name: "given name", Path: path, Lo: 1000, Hi: 3000, Offset: 1500, Sum: sumOf(data[1000:3000])}
	for name, c := range map[string]struct {
		change  func([]byte) []byte
		changed bool
	}{
		"same":         {func(b []byte) []byte { return b }, false},
		"before":       {func(b []byte) []byte { b[999]++; return b }, false},
		"behind":       {func(b []byte) []byte { b[3000]++; return b }, false},
		"longer":       {func(b []byte) []byte { return append(b, 1) }, false},
		"first":        {func(b []byte) []byte { b[1000]++; return b }, true},
		"not read":     {func(b []byte) []byte { b[2999]++; return b }, true},
		"shorter":      {func(b []byte) []byte { return b[:2999] }, true},
		"much shorter": {func(b []byte) []byte { return b[:1200] }, true},
		"gone by half": {func(b []byte) []byte { return b[:10] }, true},
	} {
		if err := os.WriteFile(path, c.change(bytes.Clone(data)), 0o644); err != nil {
			t.Fatal(err)
		}
		rows, _ := rangeRows()
		rows.err = ErrLimit
		in, err := rows.OpenRange(rg)
		if err != nil {
			t.Fatal(err)
		}
		err = in.Close()
		if (err != nil) != c.changed || c.changed && (ClassOf(err) != Input || !strings.HasPrefix(err.Error(), "given name changed")) {
			t.Errorf("%s: error %v", name, err)
		}
		if c.changed && !errors.Is(rows.err, err) {
			t.Errorf("%s: %v is left of it", name, rows.err)
		}
	}
	rows, _ := rangeRows()
	if _, err := rows.OpenRange(Range{Path: path + ".none"}); ClassOf(err) != Input {
		t.Errorf("error %v", err)
	}
}

// What is left of a file is not read where nothing will be committed: in a probe, after an error, and while a panic unwinds.
func TestOpenRangeFutile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, noise(100), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, futile := range map[string]func(*Rows[int]){
		"probe": func(r *Rows[int]) { r.t.as.Probe = &task.Span{} },
		"error": func(r *Rows[int]) { r.err = io.ErrClosedPipe },
		"panic": func(r *Rows[int]) { r.busy = true },
	} {
		rows, tr := rangeRows()
		in, err := rows.OpenRange(Range{Name: "f", Path: path, Lo: 5, Hi: 50, Sum: "another"})
		if err != nil {
			t.Fatal(err)
		}
		whole, err := rows.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		futile(rows)
		if err := errors.Join(in.Close(), whole.Close()); err != nil || len(tr.digests) > 0 {
			t.Errorf("%s: %v, digests %v", name, err, tr.digests)
		}
	}
}

// The buffer is made once, also when two files are open at a time.
func TestOpenRangeBuffer(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, noise(100), 0o644); err != nil {
		t.Fatal(err)
	}
	rows, _ := rangeRows()
	open := func() io.ReadCloser {
		in, err := rows.OpenRange(Range{Path: path, Hi: 100})
		if err != nil {
			t.Fatal(err)
		}
		return in
	}
	a := open()
	b := open()
	one := make([]byte, 1)
	for _, in := range []io.ReadCloser{a, b, a, b} {
		if _, err := in.Read(one); err != nil {
			t.Fatal(err)
		}
	}
	if one[0] != noise(2)[1] {
		t.Error("the files share a buffer")
	}
	if err := errors.Join(a.Close(), b.Close()); err != nil {
		t.Fatal(err)
	}
	kept := &rows.buf[0]
	c := open()
	if r, ok := c.(*rangeReader); !ok || rows.buf != nil || &r.buf[0] != kept {
		t.Error("another buffer is made")
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

func BenchmarkOpenRange(b *testing.B) {
	path := filepath.Join(b.TempDir(), "f")
	if err := os.WriteFile(path, noise(64<<20), 0o644); err != nil {
		b.Fatal(err)
	}
	rows, _ := rangeRows()
	buf := make([]byte, 1<<20)
	b.SetBytes(64 << 20)
	for b.Loop() {
		in, err := rows.OpenRange(Range{Path: path, Hi: 64 << 20})
		if err != nil {
			b.Fatal(err)
		}
		for err == nil {
			_, err = in.Read(buf)
		}
		if err := in.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
