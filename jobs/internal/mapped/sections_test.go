package mapped

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/formats"
)

func testKind(sections int) Kind {
	return Kind{Name: "test", Magic: "shardmill-tst\r\n\x1a", Version: 3, Sections: sections}
}

// write returns a file of sections.
func write(tb rapid.TB, sections ...[]byte) []byte {
	tb.Helper()
	var file bytes.Buffer
	w := NewWriter(&file, testKind(len(sections)))
	for _, s := range sections {
		if n, err := w.Write(s); err != nil || n != len(s) {
			tb.Fatalf("%d of %d bytes: %v", n, len(s), err)
		}
		if err := w.End(); err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return file.Bytes()
}

func writeFile(tb testing.TB, data []byte) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "file")
	if err := os.WriteFile(path, data, 0o644); err != nil {
		tb.Fatal(err)
	}
	return path
}

func TestSectionsRoundTrip(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		want := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 200), 0, 6).Draw(rt, "sections")
		data := write(rt, want...)
		f := &File{path: "file", data: data}
		for _, trusted := range []bool{false, true} {
			got, err := f.Sections(testKind(len(want)), trusted)
			if err != nil {
				rt.Fatal(err)
			}
			if !slices.EqualFunc(got, want, bytes.Equal) {
				rt.Fatalf("got %q, want %q", got, want)
			}
		}
	})
}

// TestLongSection writes more than the Writer buffers, in pieces.
func TestLongSection(t *testing.T) {
	want := make([]byte, 3*writeSize+5)
	for i := range want {
		want[i] = byte(i * i >> 3)
	}
	var file bytes.Buffer
	w := NewWriter(&file, testKind(2))
	for piece := range slices.Chunk(want, 777) {
		if _, err := w.Write(piece); err != nil {
			t.Fatal(err)
		}
	}
	numbers := w.End()
	for i := range uint64(20_000) {
		numbers = errors.Join(numbers, w.Uint64s(i, i<<40), w.Uint32(uint32(i)), w.Uint32(7))
	}
	if err := errors.Join(numbers, w.End(), w.Close()); err != nil {
		t.Fatal(err)
	}
	f, err := Open(writeFile(t, file.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	sections, err := f.Sections(testKind(2), false)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(sections[0], want) {
		t.Error("the first section is not what was written")
	}
	for i, v := range View[uint64](sections[1]) {
		if n := uint64(i / 3); v != [...]uint64{n, n << 40, 7<<32 | n}[i%3] {
			t.Fatalf("number %d is %x", i, v)
		}
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

// TestLayout compares with the format as the package comment has it.
func TestLayout(t *testing.T) {
	data := write(t, []byte("abc"), nil, bytes.Repeat([]byte{'x'}, 64))
	want := append([]byte("shardmill-tst\r\n\x1a\x03\x00\x00\x00"), make([]byte, 44)...)
	want = append(append(want, "abc"...), make([]byte, 61)...)
	want = append(want, bytes.Repeat([]byte{'x'}, 64)...)
	trailer := data[len(want):]
	if !bytes.Equal(data[:len(want)], want) || len(trailer) != 3*16+4 {
		t.Fatalf("got %q", data)
	}
	for i, n := range []uint64{3, 0, 64} {
		if got := le.Uint64(trailer[16*i:]); got != n {
			t.Errorf("section %d has %d bytes, want %d", i, got, n)
		}
	}
	if got := bitwise([]byte("123456789")); got != 0xe3069283 { // the check value of CRC-32C
		t.Fatalf("got %#x", got)
	}
	if got := bitwise(want[64:128]); got != le.Uint32(trailer[8:]) {
		t.Errorf("bit by bit the checksum of section 0 is %#x", got)
	}
	if got := bitwise(append(slices.Clone(want[:64]), trailer[:48]...)); got != le.Uint32(trailer[48:]) {
		t.Errorf("bit by bit the checksum of header and trailer is %#x", got)
	}
}

// bitwise is CRC-32C by its definition.
func bitwise(b []byte) uint32 {
	crc := ^uint32(0)
	for _, c := range b {
		crc ^= uint32(c)
		for range 8 {
			crc = crc>>1 ^ 0x82f63b78&-(crc&1)
		}
	}
	return ^crc
}

// TestEveryByte changes each byte of a file in turn: each change is found, and named as what it is.
func TestEveryByte(t *testing.T) {
	data := write(t, []byte("some text"), []byte{1, 2, 3, 4, 5, 6, 7, 8}, nil)
	for i := range data {
		for _, mask := range []byte{1, 0x80, 0xff} {
			damaged := bytes.Clone(data)
			damaged[i] ^= mask
			_, err := (&File{path: "file", data: damaged}).Sections(testKind(3), false)
			var version *formats.VersionError
			switch {
			case i < 16 && errors.Is(err, formats.ErrForeign):
			case i >= 16 && i < 20 && errors.As(err, &version) && version.Want == 3 && version.Got != 3:
			case i >= 20 && errors.Is(err, formats.ErrDamaged):
			default:
				t.Errorf("byte %d ^ %x: %v", i, mask, err)
			}
		}
	}
}

func TestEveryLength(t *testing.T) {
	data := write(t, []byte("some text"), make([]byte, 100))
	for n := range data {
		_, err := (&File{path: "file", data: data[:n]}).Sections(testKind(2), false)
		if n < 16 && !errors.Is(err, formats.ErrForeign) || n >= 16 && !errors.Is(err, formats.ErrDamaged) {
			t.Errorf("cut to %d bytes: %v", n, err)
		}
		if is := testKind(2).Is(data[:n]); is != (n >= 16) {
			t.Errorf("cut to %d bytes: Is returns %v", n, is)
		}
	}
	for _, more := range [][]byte{{0}, make([]byte, 64), data} {
		if _, err := (&File{path: "file", data: append(slices.Clone(data), more...)}).Sections(testKind(2), false); !errors.Is(err, formats.ErrDamaged) {
			t.Errorf("%d bytes more: %v", len(more), err)
		}
	}
}

// TestTrusted leaves out the checksums of sections, but not that of the trailer.
func TestTrusted(t *testing.T) {
	data := write(t, []byte("some text"))
	data[headerSize] ^= 1
	f := &File{path: "file", data: data}
	if _, err := f.Sections(testKind(1), true); err != nil {
		t.Error(err)
	}
	if _, err := f.Sections(testKind(1), false); !errors.Is(err, formats.ErrDamaged) {
		t.Error(err)
	}
	data[len(data)-1] ^= 1
	if _, err := f.Sections(testKind(1), true); !errors.Is(err, formats.ErrDamaged) {
		t.Error(err)
	}
}

// reseal makes the checksum of header and trailer right.
func reseal(data []byte, sections int) {
	trailer := data[len(data)-testKind(sections).trailerSize():]
	le.PutUint32(trailer[16*sections:], bitwise(append(slices.Clone(data[:headerSize]), trailer[:16*sections]...)))
}

// TestLengths puts lengths that do not fit behind a right checksum.
func TestLengths(t *testing.T) {
	for _, n := range []uint64{0, 65, 1 << 20, 1 << 63, ^uint64(0), ^uint64(0) - 63} {
		data := write(t, []byte("some text"), []byte("x"))
		le.PutUint64(data[len(data)-testKind(2).trailerSize():], n)
		reseal(data, 2)
		if _, err := (&File{path: "file", data: data}).Sections(testKind(2), true); !errors.Is(err, formats.ErrDamaged) {
			t.Errorf("length %d: %v", n, err)
		}
	}
}

func FuzzSections(f *testing.F) {
	f.Add(write(f, []byte("some text"), make([]byte, 70)), true)
	f.Add(write(f, nil, nil), false)
	f.Add([]byte(testKind(2).Magic), false)
	f.Fuzz(func(t *testing.T, data []byte, sealed bool) {
		if sealed && len(data) >= headerSize+testKind(2).trailerSize() {
			reseal(data, 2)
		}
		file := &File{path: "file", data: data}
		sections, err := file.Sections(testKind(2), sealed)
		var version *formats.VersionError
		switch {
		case err == nil && len(sections) == 2:
		case errors.Is(err, formats.ErrForeign), errors.Is(err, formats.ErrDamaged), errors.As(err, &version):
		default:
			t.Fatalf("%d sections, %v", len(sections), err)
		}
		if err != nil || sealed {
			return
		}
		if again := write(t, sections...); !bytes.Equal(again[:20], data[:20]) || len(again) != len(data) {
			t.Fatalf("read and written again: %q from %q", again, data)
		}
	})
}

// failing takes a number of bytes and then fails.
type failing struct{ left int }

var errFull = errors.New("full")

func (f *failing) Write(p []byte) (int, error) {
	if len(p) > f.left {
		n := f.left
		f.left = 0
		return n, errFull
	}
	f.left -= len(p)
	return len(p), nil
}

// TestWriteErrors fails at every byte: some call returns the error.
func TestWriteErrors(t *testing.T) {
	try := func(left int) error {
		w := NewWriter(&failing{left}, testKind(2))
		for range 2 {
			_, err := w.Write([]byte("0123456789"))
			if err := errors.Join(err, w.Uint64s(1), w.Uint32(1), w.End()); err != nil {
				return err
			}
		}
		return w.Close()
	}
	size := headerSize + 2*align + testKind(2).trailerSize()
	for left := range size {
		if err := try(left); !errors.Is(err, errFull) {
			t.Errorf("full after %d bytes: %v", left, err)
		}
	}
	if err := try(size); err != nil {
		t.Error(err)
	}
}

func TestCloseTooEarly(t *testing.T) {
	for ended := range 3 {
		for _, open := range []bool{false, true} {
			w := NewWriter(&bytes.Buffer{}, testKind(3))
			var err error
			for range ended {
				err = errors.Join(err, w.End())
			}
			if open {
				err = errors.Join(err, w.Uint32(1))
			}
			if err != nil {
				t.Fatal(err)
			}
			if w.Close() == nil {
				t.Errorf("%d sections have ended, one is open: %v; the file is closed", ended, open)
			}
		}
	}
}
