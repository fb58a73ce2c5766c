package compressed

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"pgregory.net/rapid"
)

type fataler interface {
	Helper()
	Fatal(...any)
}

func gzipped(t fataler, parts ...[]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	for _, p := range parts {
		w := gzip.NewWriter(&b)
		_, err := w.Write(p)
		if err := errors.Join(err, w.Close()); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

func zstded(t fataler, parts ...[]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	for _, p := range parts {
		w, err := zstd.NewWriter(&b, zstd.WithEncoderConcurrency(1), zstd.WithZeroFrames(true))
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.Write(p)
		if err := errors.Join(err, w.Close()); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

func write(t *testing.T, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// readAll opens and reads path to its end or its first error.
func readAll(path string) ([]byte, Kind, error) {
	r, kind, err := Open(path)
	if err != nil {
		return nil, kind, err
	}
	data, err := io.ReadAll(r)
	return data, kind, errors.Join(err, r.Close())
}

var text = []byte(strings.Repeat("user,item,rating\n", 5000))

func TestOpen(t *testing.T) {
	skippable := []byte{0x57, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 'a', 'b', 'c'}
	for _, c := range []struct {
		name string
		data []byte
		want []byte
		kind Kind
	}{
		{"plain.csv", text, text, Plain},
		{"one.csv", []byte("x"), []byte("x"), Plain},
		{"none.csv", nil, nil, Plain},
		{"half-magic.csv", []byte{0x1f}, []byte{0x1f}, Plain},
		{"plain-by-content.gz", text, text, Plain},
		{"a.csv.gz", gzipped(t, text), text, Gzip},
		{"members.gz", gzipped(t, text, nil, []byte("x"), text), slices.Concat(text, []byte("x"), text), Gzip},
		{"gzip-by-content.csv", gzipped(t, text), text, Gzip},
		{"empty.gz", gzipped(t, nil), nil, Gzip},
		{"a.csv.zst", zstded(t, text), text, Zstd},
		{"frames.zstd", zstded(t, text, nil, []byte("x"), text), slices.Concat(text, []byte("x"), text), Zstd},
		{"skippable.zst", slices.Concat(skippable, zstded(t, text), skippable), text, Zstd},
		{"empty.zst", zstded(t, nil), nil, Zstd},
	} {
		got, kind, err := readAll(write(t, c.name, c.data))
		if err != nil || kind != c.kind || !bytes.Equal(got, c.want) {
			t.Errorf("%s: %d bytes of %v, %v; want %d of %v", c.name, len(got), kind, err, len(c.want), c.kind)
		}
	}
}

// TestCut cuts files anywhere. Each cut that does not fall between two members is an error that
// names the file, and what was read before it is a prefix.
func TestCut(t *testing.T) {
	noise := make([]byte, 3000)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range noise {
		noise[i] = byte(rng.IntN(64))
	}
	for name, data := range map[string][]byte{"a.gz": gzipped(t, noise), "a.zst": zstded(t, noise)} {
		path := write(t, name, data)
		for n := range len(data) {
			if err := os.Truncate(path, 0); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, data[:n], 0o600); err != nil {
				t.Fatal(err)
			}
			got, _, err := readAll(path)
			var bad *DataError
			if !errors.As(err, &bad) || bad.File != path || !errors.Is(err, io.ErrUnexpectedEOF) || !bytes.HasPrefix(noise, got) {
				t.Fatalf("%s cut to %d of %d bytes: %d bytes, %v", name, n, len(data), len(got), err)
			}
		}
	}
}

// TestDamage changes one byte anywhere: the result is the same bytes or an error that names the file.
func TestDamage(t *testing.T) {
	data := map[string][]byte{"a.gz": gzipped(t, text), "a.zst": zstded(t, text)}
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom([]string{"a.gz", "a.zst"}).Draw(t, "name")
		broken := bytes.Clone(data[name])
		i := rapid.IntRange(magicSize, len(broken)-1).Draw(t, "at")
		broken[i] ^= byte(1 + rapid.IntRange(0, 254).Draw(t, "change"))
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, broken, 0o600); err != nil {
			t.Fatal(err)
		}
		got, _, err := readAll(path)
		var bad *DataError
		switch {
		case err == nil && !bytes.Equal(got, text):
			t.Fatalf("%s: byte %d: other bytes and no error", name, i)
		case err != nil && (!errors.As(err, &bad) || !strings.HasPrefix(err.Error(), path+": ")):
			t.Fatalf("%s: byte %d: %v", name, i, err)
		}
	})
}

func TestTrailing(t *testing.T) {
	for name, data := range map[string][]byte{
		"text.gz": append(gzipped(t, text), "more"...), "zeros.gz": append(gzipped(t, text), make([]byte, 100)...),
		"text.zst": append(zstded(t, text), "more"...), "zeros.zst": append(zstded(t, text), make([]byte, 100)...),
	} {
		got, _, err := readAll(write(t, name, data))
		var bad *DataError
		if !errors.As(err, &bad) || !bytes.HasPrefix(text, got) {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
	}
}

func TestErrorText(t *testing.T) {
	err := &DataError{File: "a.gz", Kind: Gzip, Err: io.ErrUnexpectedEOF}
	if got := err.Error(); got != "a.gz: gzip data: unexpected EOF" {
		t.Error(got)
	}
	if s := Plain.String() + Zstd.String(); s != "plainzstd" {
		t.Error(s)
	}
}

func TestMissing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "none.csv")
	if _, _, err := Open(path); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), path) {
		t.Error(err)
	}
	if _, _, err := Open(t.TempDir()); err == nil {
		t.Error("a folder opens")
	}
}

// TestReadError checks that an error of the file is not taken for damage, wherever it comes.
func TestReadError(t *testing.T) {
	disk := errors.New("disk")
	for kind, data := range map[Kind][]byte{Plain: text, Gzip: gzipped(t, text), Zstd: zstded(t, text)} {
		for n := 0; n < len(data); n += 7 {
			f := io.NopCloser(io.MultiReader(bytes.NewReader(data[:n]), iotest.ErrReader(disk)))
			r, _, err := NewReader(f, "a")
			if err == nil {
				_, err = io.Copy(io.Discard, r)
				if _, again := r.Read(make([]byte, 1)); !errors.Is(again, disk) {
					t.Fatalf("%v: after %d bytes: the error does not stay: %v", kind, n, again)
				}
			}
			var bad *DataError
			if !errors.Is(err, disk) || errors.As(err, &bad) {
				t.Fatalf("%v: after %d bytes: %v", kind, n, err)
			}
		}
	}
}

type closer struct {
	io.Reader
	closed int
}

func (c *closer) Close() error {
	c.closed++
	return nil
}

func TestClose(t *testing.T) {
	for kind, data := range map[Kind][]byte{Plain: text, Gzip: gzipped(t, text), Zstd: zstded(t, text)} {
		f := &closer{Reader: bytes.NewReader(data)}
		r, _, err := NewReader(f, "a")
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Close(); err != nil || f.closed != 1 {
			t.Errorf("%v: closed %d times, %v", kind, f.closed, err)
		}
		if n, err := r.Read(make([]byte, 1)); n != 0 || !errors.Is(err, os.ErrClosed) {
			t.Errorf("%v: read %d bytes after Close, %v", kind, n, err)
		}
	}
}

// TestWindow opens frames that ask for windows of all sizes.
// TestNewReaderLeavesTheFileOpen has no reader that could close it.
func TestNewReaderLeavesTheFileOpen(t *testing.T) {
	for name, head := range map[string]string{"a.gz": "", "b": "\x1f\x8b\x08", "c.zst": "(\xb5"} {
		f := &closer{Reader: strings.NewReader(head)}
		r, kind, err := NewReader(f, name)
		var bad *DataError
		if r != nil || kind == Plain || !errors.As(err, &bad) || bad.File != name || bad.Kind != kind || !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: %v, %v", name, kind, err)
		}
		if f.closed != 0 {
			t.Errorf("%s: closed %d times", name, f.closed)
		}
	}
}

func TestWindow(t *testing.T) {
	for log := 10; log <= 31; log++ {
		frame := []byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, byte(log-10) << 3, 0x09, 0, 0, 'x'} // one last raw block of 1 byte
		got, _, err := readAll(write(t, "a.zst", frame))
		if ok := 1<<log <= maxWindow; ok != (err == nil) || ok && string(got) != "x" || !ok && !errors.Is(err, zstd.ErrWindowSizeExceeded) {
			t.Errorf("window of 2^%d: %q, %v", log, got, err)
		}
	}
}

// TestMemory reads much with the largest window.
func TestMemory(t *testing.T) {
	var b bytes.Buffer
	w, err := zstd.NewWriter(&b, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(maxWindow), zstd.WithEncoderLevel(zstd.SpeedFastest))
	if err != nil {
		t.Fatal(err)
	}
	for range 200 {
		if _, err := w.Write(make([]byte, 1<<20)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	path := write(t, "a.zst", b.Bytes())
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	r, _, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	n, err := io.Copy(io.Discard, r)
	runtime.GC()
	runtime.ReadMemStats(&after)
	if err := errors.Join(err, r.Close()); err != nil || n != 200<<20 {
		t.Fatal(n, err)
	}
	if held := int64(after.HeapAlloc) - int64(before.HeapAlloc); held > 2*maxWindow {
		t.Errorf("holds %d MiB, the window is %d MiB", held>>20, maxWindow>>20)
	} else {
		t.Logf("holds %d MiB", held>>20)
	}
}

func FuzzReader(f *testing.F) {
	f.Add([]byte("plain"))
	f.Add(gzipped(f, []byte("x"), []byte("y")))
	f.Add(zstded(f, []byte("x"), []byte("y")))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, kind, err := NewReader(io.NopCloser(bytes.NewReader(data)), "a")
		var got []byte
		if err == nil {
			got, err = io.ReadAll(io.LimitReader(r, 1<<20))
		}
		var bad *DataError
		if err != nil && !errors.As(err, &bad) || kind == Plain && (err != nil || !bytes.Equal(got, data)) {
			t.Fatalf("%v: %d bytes, %v", kind, len(got), err)
		}
	})
}

func BenchmarkRead(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	var data []byte
	for range 200_000 {
		data = append(data, "user,item,rating,score\n"[rng.IntN(20):]...)
	}
	for kind, packed := range map[string][]byte{"plain": data, "gzip": gzipped(b, data), "zstd": zstded(b, data)} {
		b.Run(kind, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				r, _, err := NewReader(io.NopCloser(bytes.NewReader(packed)), "a")
				if err != nil {
					b.Fatal(err)
				}
				if n, err := io.Copy(io.Discard, r); n != int64(len(data)) || err != nil {
					b.Fatal(n, err)
				}
			}
		})
	}
}
