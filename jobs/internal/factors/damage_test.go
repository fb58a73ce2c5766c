package factors

import (
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/shardmill/shardmill/formats"
	"github.com/shardmill/shardmill/jobs/internal/mapped"
	"github.com/shardmill/shardmill/jobs/internal/mapped/mappedtest"
)

// goldenRows are what testdata/v1.factors holds. The file was written once, and is never written again.
func goldenRows() []Row {
	long := make([]float32, 17)
	for i := range long {
		long[i] = float32(i) - 8.5
	}
	return []Row{
		{Index: 2, Values: long},
		{Index: 3, Values: append([]float32{float32(math.Copysign(0, -1)), math.MaxFloat32, 1e-40}, long[:14]...)},
		{Index: 5, Values: slices.Repeat([]float32{-1}, 17)},
	}
}

func TestGolden(t *testing.T) {
	path := filepath.Join("testdata", "v1.factors")
	golden, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := fileOf(t, goldenRows()...); !bytes.Equal(got, golden) {
		t.Errorf("written now:\n%x\nonce:\n%x", got, golden)
	}
	checkReader(t, path, dense(goldenRows()))
	m, err := Open([]string{path}, 12, 17)
	if err != nil {
		t.Fatal(err)
	}
	checkMatrix(t, m, goldenRows(), 12, 17)
	if err := m.Close(); err != nil {
		t.Error(err)
	}
}

// TestDamage: no file with a byte changed, or cut, is opened.
func TestDamage(t *testing.T) {
	data := fileOf(t, goldenRows()...)
	mappedtest.Damage(t, data, func(path string) error {
		_, err := Open([]string{path}, 12, 17)
		return err
	})
	mappedtest.Damage(t, data, func(path string) error {
		_, err := OpenReader(path)
		return err
	})
}

func uint64s(v ...uint64) []byte { return mapped.Bytes(v) }

// TestSealed opens files that are wrong behind right checksums.
func TestSealed(t *testing.T) {
	numbers := make([]float32, 32)
	numbers[0], numbers[16] = 1, 2
	rows, about := mapped.Bytes(numbers), uint64s(5, 7, 3)
	m, err := Open([]string{writeFile(t, mappedtest.Seal(t, kind(), rows, about))}, 7, 3)
	if err != nil {
		t.Fatal(err) // this one is right
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	behind := slices.Clone(numbers)
	behind[19] = 1
	for _, tt := range []struct {
		name        string
		rows, about []byte
	}{
		{"part of a number", rows[:127], about},
		{"part of a row", rows[:124], about},
		{"less rows", rows[:64], about},
		{"short about", rows, about[:16]},
		{"long about", rows, append(slices.Clone(about), 0)},
		{"nothing", nil, nil},
		{"numbers of no row", rows, uint64s(0, 0, 0)},
		{"rows after the last one", rows, uint64s(1<<32-1, 1<<32+1, 3)},
		{"rows that wrap around", rows, uint64s(math.MaxUint64, 1, 3)},
		{"more rows", rows, uint64s(5, 8, 3)},
		{"no row, but a first", nil, uint64s(5, 5, 0)},
		{"no row, but factors", nil, uint64s(0, 0, 3)},
		{"no factors", rows, uint64s(5, 7, 0)},
		{"more factors", rows, uint64s(5, 7, 17)},
		{"factors that wrap around", rows, uint64s(5, 7, math.MaxUint64-7)},
		{"a number behind a row", mapped.Bytes(behind), about},
	} {
		path := writeFile(t, mappedtest.Seal(t, kind(), tt.rows, tt.about))
		if _, err := Open([]string{path}, 100, 3); !errors.Is(err, formats.ErrDamaged) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

// TestReopen trusts what a process has checked: it does not look at rows.
func TestReopen(t *testing.T) {
	data := fileOf(t, goldenRows()...)
	data[64] ^= 1
	path := writeFile(t, data)
	if _, err := Open([]string{path}, 12, 17); !errors.Is(err, formats.ErrDamaged) {
		t.Errorf("got %v", err)
	}
	m, err := Reopen([]string{path}, 12, 17)
	if err != nil {
		t.Fatal(err)
	}
	if got := m.Row(5)[0]; got != -1 {
		t.Errorf("got %v", got)
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
}

func TestIs(t *testing.T) {
	data := fileOf(t)
	if !Is(data) || !Is(data[:16]) || Is(data[:15]) || Is(nil) {
		t.Error("a file is told by its first 16 bytes")
	}
}

// FuzzOpen opens any bytes: there is a matrix that can be read, or an error that says what is wrong.
func FuzzOpen(f *testing.F) {
	data := fileOf(f, goldenRows()...)
	f.Add(data)
	f.Add(data[:100])
	f.Add([]byte(kind().Magic))
	f.Fuzz(func(t *testing.T, data []byte) { openAny(t, data) })
}

// FuzzSealed opens files of any sections, with right checksums.
func FuzzSealed(f *testing.F) {
	f.Add(mapped.Bytes(make([]float32, 32)), uint64s(5, 7, 3))
	f.Add([]byte{}, uint64s(0, 0, 0))
	f.Fuzz(func(t *testing.T, rows, about []byte) { openAny(t, mappedtest.Seal(t, kind(), rows, about)) })
}

func openAny(t *testing.T, data []byte) {
	path := writeFile(t, data)
	r, err := OpenReader(path)
	if err != nil {
		if !mappedtest.Refused(err) {
			t.Fatal(err)
		}
		return
	}
	about, rows := r.About(), 0
	for row := (Row{}); r.Read(&row) == nil; rows++ {
		if len(row.Values) != about.Factors {
			t.Fatalf("%d factors of %d", len(row.Values), about.Factors)
		}
	}
	if err := r.Close(); err != nil || rows != about.Hi-about.Lo {
		t.Fatalf("%d rows of %+v, %v", rows, about, err)
	}
	m, err := Open([]string{path}, about.Hi, max(1, about.Factors))
	if err != nil {
		t.Fatal(err)
	}
	for i := about.Lo; i < m.Rows(); i++ {
		if got := m.Row(i); len(got) != m.Stride() {
			t.Fatalf("row %d has %d numbers", i, len(got))
		}
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
}
