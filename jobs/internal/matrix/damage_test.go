package matrix

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

// goldenRows are what testdata/v1.matrix holds. The file was written once, and is never written again.
func goldenRows() []Row {
	return []Row{
		{Index: 2, Columns: []uint32{0, 7, 70_000}},
		{Index: 3, Columns: []uint32{7}, Values: []float32{2.5}},
		{Index: 4},
		{Index: 7, Columns: []uint32{1, 2, 3}, Values: []float32{-1, 0, 1e-40}},
		{Index: 9, Columns: []uint32{math.MaxUint32}},
	}
}

func TestGolden(t *testing.T) {
	path := filepath.Join("testdata", "v1.matrix")
	golden, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := fileOf(t, goldenRows()...); !bytes.Equal(got, golden) {
		t.Errorf("written now:\n%x\nonce:\n%x", got, golden)
	}
	checkReader(t, path, goldenRows())
	m, err := Open([]string{path}, 12, math.MaxUint32+1)
	if err != nil {
		t.Fatal(err)
	}
	checkMatrix(t, m, goldenRows(), 12, math.MaxUint32+1)
	if err := m.Close(); err != nil {
		t.Error(err)
	}
}

// TestDamage: no file with a byte changed, or cut, is opened.
func TestDamage(t *testing.T) {
	data := fileOf(t, goldenRows()...)
	mappedtest.Damage(t, data, func(path string) error {
		_, err := Open([]string{path}, 12, math.MaxUint32+1)
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
	rows := mapped.Bytes([]uint32{1, 2, 3, 4})
	values := uint64(2)<<pointerShift | isWritten | hasValues
	pointers, about := uint64s(isWritten, values, 4<<pointerShift), uint64s(5, 7, 4, 3, 1)
	m, err := Open([]string{writeFile(t, mappedtest.Seal(t, kind(), rows, pointers, about))}, 7, 4)
	if err != nil {
		t.Fatal(err) // this one is right
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	for _, tt := range []struct {
		name                  string
		rows, pointers, about []byte
	}{
		{"part of an entry", rows[:15], pointers, about},
		{"part of a pointer", rows, pointers[:23], about},
		{"short about", rows, pointers, about[:32]},
		{"long about", rows, pointers, append(slices.Clone(about), 0)},
		{"nothing", nil, nil, nil},
		{"no pointer", nil, nil, uint64s(0, 0, 0, 0, 0)},
		{"rows after the last one", rows, pointers, uint64s(1<<32-1, 1<<32+1, 4, 3, 1)},
		{"rows that wrap around", rows, pointers, uint64s(math.MaxUint64, 1, 4, 3, 1)},
		{"more rows", rows, pointers, uint64s(5, 8, 4, 3, 1)},
		{"no row, but a first", nil, uint64s(0), uint64s(5, 5, 0, 0, 0)},
		{"too large a column", rows, pointers, uint64s(5, 7, 1<<32+1, 3, 1)},
		{"too many entries", rows, pointers, uint64s(5, 7, 4, 5, 1)},
		{"other entries", rows, pointers, uint64s(5, 7, 4, 2, 1)},
		{"too many rows with values", rows, pointers, uint64s(5, 7, 4, 3, 3)},
		{"other rows with values", rows, pointers, uint64s(5, 7, 4, 3, 0)},
		{"a later begin", rows, uint64s(1<<pointerShift, values, 4<<pointerShift), uint64s(5, 7, 4, 2, 1)},
		{"an earlier end", rows, uint64s(isWritten, 2<<pointerShift, 3<<pointerShift), uint64s(5, 7, 4, 3, 0)},
		{"a later end", rows, uint64s(isWritten, values, 6<<pointerShift), uint64s(5, 7, 4, 4, 1)},
		{"descending", rows, uint64s(0, 5<<pointerShift, 4<<pointerShift), uint64s(5, 7, 4, 4, 0)},
		{"an odd row with values", rows, uint64s(hasValues, 3<<pointerShift, 4<<pointerShift), uint64s(5, 7, 4, 2, 1)},
	} {
		path := writeFile(t, mappedtest.Seal(t, kind(), tt.rows, tt.pointers, tt.about))
		if _, err := Open([]string{path}, 100, 100); !errors.Is(err, formats.ErrDamaged) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

// TestReopen trusts what a process has checked: it does not look at rows.
func TestReopen(t *testing.T) {
	data := fileOf(t, goldenRows()...)
	data[64] ^= 1
	path := writeFile(t, data)
	if _, err := Open([]string{path}, 12, math.MaxUint32+1); !errors.Is(err, formats.ErrDamaged) {
		t.Errorf("got %v", err)
	}
	m, err := Reopen([]string{path}, 12, math.MaxUint32+1)
	if err != nil {
		t.Fatal(err)
	}
	if columns, _ := m.Row(2); !slices.Equal(columns, []uint32{1, 7, 70_000}) {
		t.Errorf("got %v", columns)
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	r, err := ReopenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	var row Row
	if err := r.Read(&row); err != nil || row.Index != 2 || !slices.Equal(row.Columns, []uint32{1, 7, 70_000}) {
		t.Errorf("a Reader: got %v, %v", row, err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
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
	f.Add(mapped.Bytes([]uint32{1, 2, 3, 4}), uint64s(isWritten, 2<<pointerShift|isWritten|hasValues, 4<<pointerShift), uint64s(5, 7, 4, 3, 1))
	f.Add(mapped.Bytes([]uint32{1}), uint64s(0, 1<<pointerShift), uint64s(0, 1, 2, 1, 0))
	f.Fuzz(func(t *testing.T, rows, pointers, about []byte) {
		openAny(t, mappedtest.Seal(t, kind(), rows, pointers, about))
	})
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
	entries := int64(0)
	for row := (Row{}); r.Read(&row) == nil; {
		if len(row.Values) > 0 && len(row.Values) != len(row.Columns) {
			t.Fatalf("%d values of %d columns", len(row.Values), len(row.Columns))
		}
		entries += int64(len(row.Columns))
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	m, err := Open([]string{path}, r.part.Hi, math.MaxInt)
	if err != nil {
		t.Fatal(err)
	}
	all := int64(0)
	for i := r.part.Lo; i < m.Rows(); i++ {
		all += int64(m.Count(i))
	}
	if entries > all || all != m.Entries() { // what is in gaps of a damaged file, a Reader does not return
		t.Fatalf("%d and %d of %d entries", entries, all, m.Entries())
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
}
