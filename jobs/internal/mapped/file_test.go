package mapped

import (
	"bytes"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"pgregory.net/rapid"
)

func TestOpen(t *testing.T) {
	for _, n := range []int{0, 1, 7, 4096, 4097, 100_000} {
		want := bytes.Repeat([]byte("0123456789abcdef"), n/16+1)[:n]
		f, err := Open(writeFile(t, want))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(f.Bytes(), want) {
			t.Errorf("%d bytes are not what was written", n)
		}
		for range 2 {
			if err := f.Close(); err != nil {
				t.Errorf("%d bytes: %v", n, err)
			}
		}
		if len(f.Bytes()) != 0 {
			t.Error("there are bytes after Close")
		}
	}
}

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), dir) {
		t.Error(err)
	}
}

// TestRemoved maps a file that is removed then, as other processes may do.
func TestRemoved(t *testing.T) {
	path := writeFile(t, []byte("still there"))
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Skip(err) // not on this system
	}
	if string(f.Bytes()) != "still there" || f.Path() != path {
		t.Errorf("%s holds %q", f.Path(), f.Bytes())
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

// TestRead reads a file where it cannot be mapped.
func TestRead(t *testing.T) {
	for n := range 20 {
		want := bytes.Repeat([]byte{1, 2, 3}, n)
		got, err := read(bytes.NewReader(want), len(want))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d bytes: %x, %v", len(want), got, err)
		}
		if uintptr(unsafe.Pointer(unsafe.SliceData(got)))%8 != 0 {
			t.Errorf("%d bytes are not aligned", len(want))
		}
		if _, err := read(bytes.NewReader(want), len(want)+1); err == nil {
			t.Errorf("one byte of %d is missing, and there is no error", len(want)+1)
		}
	}
}

func TestView(t *testing.T) {
	checkView(t, rapid.Uint32())
	checkView(t, rapid.Uint64())
	checkView(t, rapid.Int64())
	checkView(t, rapid.Map(rapid.Uint32(), math.Float32frombits))
}

// checkView views numbers from any byte on, and the bytes of numbers.
func checkView[T Number](t *testing.T, number *rapid.Generator[T]) {
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.SliceOfN(number, 0, 9).Draw(t, "numbers")
		b := encode(v)
		if !bytes.Equal(Bytes(v), b) {
			t.Fatalf("bytes %x, want %x", Bytes(v), b)
		}
		shift, more := rapid.IntRange(0, 9).Draw(t, "shift"), rapid.IntRange(0, 3).Draw(t, "more")
		moved := slices.Concat(make([]byte, shift), b, make([]byte, more))[shift:]
		got := View[T](moved)
		if len(got) != len(v) || !bytes.Equal(encode(got), b) { // not a number is not equal to itself
			t.Fatalf("got %v, want %v", got, v)
		}
		if again := decode[T](b, len(v)); !bytes.Equal(encode(again), b) {
			t.Fatalf("decoded %v, want %v", again, v)
		}
	})
}

func TestLittleEndian(t *testing.T) {
	want := []byte{1, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff}
	if got := Bytes([]uint32{1, 1<<32 - 2}); !bytes.Equal(got, want) {
		t.Errorf("got %x", got)
	}
	if got := encode([]int64{-1<<33 + 1}); !bytes.Equal(got, []byte{1, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff}) {
		t.Errorf("got %x", got)
	}
	if got := View[int64](want); got[0] != -1<<33+1 {
		t.Errorf("got %d", got)
	}
	if got := decode[float32]([]byte{0, 0, 0x80, 0x3f}, 1); got[0] != 1 {
		t.Errorf("got %v", got)
	}
}

// TestViewIsNoCopy: numbers of a mapping are the mapping.
func TestViewIsNoCopy(t *testing.T) {
	b := make([]uint64, 4)
	v := View[uint32](Bytes(b))
	v[2] = 5
	if littleEndian && b[1] != 5 {
		t.Errorf("got %v", b)
	}
	if n := testing.AllocsPerRun(10, func() { v = View[uint32](Bytes(b)) }); littleEndian && n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestOpenScratch: what is written to the memory of a file is there, and stays when its name is gone; other files cannot be written to.
func TestOpenScratch(t *testing.T) {
	path := filepath.Join(t.TempDir(), "scratch")
	if err := os.WriteFile(path, make([]byte, 100_000), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := OpenScratch(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	numbers := View[float32](f.Bytes())
	for i := range numbers {
		numbers[i] = float32(i)
	}
	for i, v := range View[float32](f.Bytes()) {
		if v != float32(i) {
			t.Fatalf("number %d is %v", i, v)
		}
	}
	if len(numbers) != 25_000 {
		t.Errorf("%d numbers", len(numbers))
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if _, err := OpenScratch(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is gone: %v", err)
	}
}
