package shuffle

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// sample returns a run file with raw and compressed blocks, small and large
// records and empty partitions, and its records by stream and partition.
func sample(t testing.TB) ([]byte, [][][]record) {
	want := [][][]record{make([][]record, 3), make([][]record, 2), make([][]record, 1)}
	b, _ := encode(t, []Stream{{"fixed", 3, 8, 4}, {"text", 2, 0, 0}, {"none", 1, 4, 0}}, func(add addFunc) {
		put := func(s, p int, key, value []byte) {
			add(s, p, key, value)
			want[s][p] = append(want[s][p], record{string(key), string(value), p})
		}
		for i := range 60 {
			put(0, i%2*2, noise(uint64(i), 8), noise(uint64(i), 4)) // not compressed; partition 1 is empty
			put(1, 0, []byte("a word that repeats"), fmt.Appendf(nil, "%d", i))
		}
		put(1, 1, nil, nil)
		put(1, 1, []byte("k"), noise(7, 300))
		put(1, 1, nil, nil)
	})
	return b, want
}

func TestSegmentReads(t *testing.T) {
	b, want := sample(t)
	for s := range want {
		for p := range want[s] {
			got, err := readBytes(b, s, p)
			if err != nil || !slices.Equal(got, want[s][p]) {
				t.Errorf("partition %d/%d: %d records, %v; want %d", s, p, len(got), err, len(want[s][p]))
			}
		}
	}
	for _, at := range [][2]int{{-1, 0}, {3, 0}, {0, -1}, {0, 3}} {
		var damaged *DamagedError
		if _, err := attach(b, at[0], at[1]); !errors.As(err, &damaged) {
			t.Errorf("partition %v: %v, want a DamagedError", at, err)
		}
	}
	s, err := attach(b, 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	if s.Records() != 3 || s.Bytes() != 2+304+2 || s.Stream() != (Stream{"text", 2, 0, 0}) {
		t.Errorf("%d records, %d bytes, stream %v", s.Records(), s.Bytes(), s.Stream())
	}
}

// A segment reads what was added, whatever the shapes and sizes.
func TestSegmentRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var streams []Stream
		for i := range rapid.IntRange(1, 4).Draw(t, "streams") {
			streams = append(streams, Stream{
				fmt.Sprint("stream ", i), rapid.IntRange(1, 50).Draw(t, "partitions"),
				rapid.SampledFrom([]int{0, 0, 1, 4, 8, 9}).Draw(t, "key width"), rapid.SampledFrom([]int{0, 0, 1, 8, 30}).Draw(t, "value width"),
			})
		}
		var b bytes.Buffer
		w := newWriter(&b, streams, rapid.IntRange(1, 2000).Draw(t, "target"))
		want := map[[2]int][]record{}
		for range rapid.IntRange(0, 300).Draw(t, "records") {
			s := rapid.IntRange(0, len(streams)-1).Draw(t, "stream")
			p := rapid.IntRange(0, streams[s].Partitions-1).Draw(t, "partition")
			r := record{drawBytes(t, streams[s].KeyWidth, 60), drawBytes(t, streams[s].ValueWidth, 3000), p}
			if err := w.Add(s, p, []byte(r.key), []byte(r.value)); err != nil {
				t.Fatal(err)
			}
			want[[2]int{s, p}] = append(want[[2]int{s, p}], r)
		}
		stats, err := w.Close()
		if err != nil {
			t.Fatal(err)
		}
		for s := range streams {
			for p := range streams[s].Partitions {
				got, err := readBytes(b.Bytes(), s, p)
				if err != nil || !slices.Equal(got, want[[2]int{s, p}]) {
					t.Fatalf("partition %d/%d: %v", s, p, err)
				}
				if stats.Partitions[s][p].Records != int64(len(got)) {
					t.Fatalf("partition %d/%d: stats %v, %d records", s, p, stats.Partitions[s][p], len(got))
				}
			}
		}
		if err := verifyBytes(b.Bytes()); err != nil {
			t.Fatal(err)
		}
	})
}

// drawBytes draws width bytes, or up to longest if width is zero, compressible or
// not.
func drawBytes(t *rapid.T, width, longest int) string {
	n := width
	if n == 0 {
		n = rapid.IntRange(0, longest).Draw(t, "length")
	}
	if rapid.Bool().Draw(t, "noise") {
		return string(noise(rapid.Uint64().Draw(t, "seed"), n))
	}
	return string(bytes.Repeat([]byte{byte(rapid.IntRange(0, 3).Draw(t, "byte"))}, n))
}

func verifyBytes(b []byte) error {
	s := Segment{path: "mem.run", file: bytes.NewReader(b)}
	return s.verify(int64(len(b)))
}

// isReported tells whether err is what a caller may get for damaged bytes.
func isReported(err error) bool {
	var damaged *DamagedError
	var version *VersionError
	return errors.As(err, &damaged) || errors.As(err, &version)
}

// Any flipped byte is found by Verify, and makes no reader return other records.
func TestFlippedBytes(t *testing.T) {
	b, want := sample(t)
	for i := range b {
		for _, flip := range []byte{1, 0x80, 0xff} {
			bad := bytes.Clone(b)
			bad[i] ^= flip
			if err := verifyBytes(bad); !isReported(err) {
				t.Fatalf("byte %d of %d: Verify = %v", i, len(b), err)
			}
			for s := range want {
				for p := range want[s] {
					checkPrefix(t, bad, s, p, want[s][p], fmt.Sprintf("byte %d", i))
				}
			}
		}
	}
}

// checkPrefix reads a partition of a damaged file: all records, or fewer and an
// error.
func checkPrefix(t *testing.T, bad []byte, s, p int, want []record, what string) {
	t.Helper()
	got, err := readBytes(bad, s, p)
	switch {
	case err == nil && !slices.Equal(got, want):
		t.Fatalf("%s: partition %d/%d reads %d wrong records", what, s, p, len(got))
	case err != nil && !isReported(err):
		t.Fatalf("%s: partition %d/%d: %v", what, s, p, err)
	case len(got) > len(want) || !slices.Equal(got, want[:len(got)]):
		t.Fatalf("%s: partition %d/%d reads %d wrong records before %v", what, s, p, len(got), err)
	}
}

func TestTruncatedFile(t *testing.T) {
	b, _ := sample(t)
	var damaged *DamagedError
	for n := range b {
		if err := verifyBytes(b[:n]); !errors.As(err, &damaged) {
			t.Fatalf("%d of %d bytes: Verify = %v", n, len(b), err)
		}
		if _, err := attach(b[:n], 0, 0); !errors.As(err, &damaged) {
			t.Fatalf("%d of %d bytes: Open = %v", n, len(b), err)
		}
	}
	if _, err := attach(append(bytes.Clone(b), b...), 0, 0); !errors.As(err, &damaged) {
		t.Errorf("two files in one: Open = %v", err)
	}
	if err := verifyBytes(append(bytes.Clone(b), 0)); !errors.As(err, &damaged) {
		t.Errorf("a byte too many: Verify = %v", err)
	}
}

// A file that loses its end after it was opened is damaged too.
func TestFileShrinks(t *testing.T) {
	b, _ := encode(t, []Stream{{"s", 1, 8, 0}}, func(add addFunc) {
		for i := range 40 {
			add(0, 0, noise(uint64(i), 8), noise(uint64(i), 20<<10))
		}
	})
	s, err := attach(b, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	s.file = bytes.NewReader(b[:len(b)/2])
	var damaged *DamagedError
	if _, err := readSegment(s); !errors.As(err, &damaged) {
		t.Errorf("got %v", err)
	}
}

// The checks come in the order magic, version, checksum.
func TestVersionBeforeChecksum(t *testing.T) {
	b, _ := sample(t)
	for _, c := range []struct {
		name           string
		magic, version int
	}{
		{"header", 0, len(magic)},
		{"trailer", len(b) - len(magic), len(b) - len(magic) - 4},
	} {
		newer := bytes.Clone(b)
		newer[c.version] = 2
		var version *VersionError
		if err := verifyBytes(newer); !errors.As(err, &version) || version.Version != 2 {
			t.Errorf("%s: %v, want a VersionError", c.name, err)
		}
		newer[c.magic] ^= 1
		var damaged *DamagedError
		if err := verifyBytes(newer); !errors.As(err, &damaged) {
			t.Errorf("%s: %v, want a DamagedError", c.name, err)
		}
	}
}

// With many partitions the footer exceeds the part that is read at once.
func TestLargeFooter(t *testing.T) {
	const partitions = 5000
	b, _ := encode(t, []Stream{{"first", partitions, 0, 0}, {"second", partitions, 4, 4}}, func(add addFunc) {
		for i := range 3 * partitions {
			add(0, i*7%partitions, fmt.Append(nil, i*7%partitions), fmt.Append(nil, i))
			add(1, i%partitions, noise(uint64(i%partitions), 4), noise(uint64(i), 4))
		}
	})
	if err := verifyBytes(b); err != nil {
		t.Fatal(err)
	}
	for p := 0; p < partitions; p += 71 {
		got, err := readBytes(b, 0, p)
		if err != nil || len(got) != 3 || got[0].key != fmt.Sprint(p) {
			t.Fatalf("partition 0/%d: %v, %v", p, got, err)
		}
		got, err = readBytes(b, 1, p)
		if err != nil || len(got) != 3 || got[2].key != string(noise(uint64(p), 4)) {
			t.Fatalf("partition 1/%d: %v, %v", p, got, err)
		}
	}
	for i := 0; i < len(b); i += 4999 {
		bad := bytes.Clone(b)
		bad[i] ^= 4
		if err := verifyBytes(bad); !isReported(err) {
			t.Fatalf("byte %d of %d: Verify = %v", i, len(b), err)
		}
	}
}

// A directory entry or block list of another partition is not taken for the one
// wanted.
func TestEntriesAreBoundToTheirPartition(t *testing.T) {
	b, _ := sample(t)
	s, err := attach(b, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	at := s.trailer.directory
	swapped := bytes.Clone(b)
	copy(swapped[at:], b[at+2*int64(entrySize):at+3*int64(entrySize)]) // partition 2 in place of 0
	var damaged *DamagedError
	if _, err := attach(swapped, 0, 0); !errors.As(err, &damaged) {
		t.Errorf("got %v", err)
	}
}

func TestOpenFiles(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(filepath.Join(dir, "none.run"), 0, 0); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
	if err := Verify(filepath.Join(dir, "none.run")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
	if _, err := Open(dir, 0, 0); err == nil {
		t.Error("a folder opens")
	}
	path := filepath.Join(dir, "a.run")
	b, want := sample(t)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Open(path, 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	got, err := readSegment(s)
	if err != nil || !slices.Equal(got, want[1][0]) {
		t.Errorf("%d records, %v", len(got), err)
	}
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Error(err)
	}
	if err := Verify(path); err != nil {
		t.Error(err)
	}
	var damaged *DamagedError
	if err := os.WriteFile(path, b[1:], 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Verify(path); !errors.As(err, &damaged) || damaged.Path != path {
		t.Errorf("Verify = %v, want a DamagedError that names the file", err)
	}
}

type failingReader struct{ err error }

func (r failingReader) ReadAt([]byte, int64) (int, error) { return 0, r.err }

// An error of the filesystem is not damage: the file may be whole.
func TestReadErrorIsNotDamage(t *testing.T) {
	broken := errors.New("input/output error")
	s := &Segment{}
	err := s.attach("x.run", failingReader{broken}, 1<<20, 0, 0)
	if !errors.Is(err, broken) || isReported(err) {
		t.Errorf("got %v", err)
	}
	err = s.attach("x.run", failingReader{io.ErrUnexpectedEOF}, 1<<20, 0, 0)
	if !isReported(err) {
		t.Errorf("got %v, want a DamagedError", err)
	}
}

func TestSegmentDoesNotAllocate(t *testing.T) {
	b, _ := encode(t, []Stream{{"s", 1, 8, 8}}, func(add addFunc) {
		for i := range 200_000 {
			add(0, 0, noise(uint64(i), 8), []byte("a value."))
		}
	})
	s, err := attach(b, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	for range 50_000 { // some blocks, to grow the buffers
		if _, _, err := s.Next(); err != nil {
			t.Fatal(err)
		}
	}
	if n := testing.AllocsPerRun(100_000, func() {
		if _, _, err := s.Next(); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations a record", n)
	}
}

func TestErrorTexts(t *testing.T) {
	for want, err := range map[string]error{
		"run file a.run is damaged: block checksum":                    &DamagedError{Path: "a.run", What: "block checksum"},
		"spill b.run is damaged: missing":                              &DamagedError{Path: "b.run", What: "missing", Spill: true},
		"run file a.run has format version 9, this build reads 1":      &VersionError{Path: "a.run", Version: 9},
		"run file a.run is damaged: block list ends early":             readError("a.run", "block list", io.EOF),
		"read block: file already closed":                              readError("a.run", "block", fs.ErrClosed),
		"run file mem.run is damaged: shorter than header and trailer": verifyBytes(appendHeader(nil)),
	} {
		if err.Error() != want {
			t.Errorf("%q, want %q", err, want)
		}
	}
}
