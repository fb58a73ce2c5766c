package matrix

import (
	"bytes"
	"errors"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/jobs/internal/mapped"
	"github.com/shardmill/shardmill/jobs/internal/mapped/mappedtest"
	"github.com/shardmill/shardmill/mapreduce"
)

var (
	_ mapreduce.Sink[Row]   = (*Writer)(nil)
	_ mapreduce.Reader[Row] = (*Reader)(nil)
	_ mapreduce.Resetter    = (*Row)(nil)
)

// drawRows draws rows of a matrix, ascending, with gaps and empty rows between them.
func drawRows(t *rapid.T, rows, columns int) []Row {
	var all []Row
	for i := range rows {
		if rapid.IntRange(0, 3).Draw(t, "kind of row") == 0 {
			continue
		}
		row := Row{Index: uint32(i)}
		row.Columns = rapid.SliceOfNDistinct(rapid.Uint32Range(0, uint32(columns-1)), 0, min(columns, 9), rapid.ID).Draw(t, "columns")
		slices.Sort(row.Columns)
		if rapid.Bool().Draw(t, "values") {
			value := rapid.OneOf(rapid.Just(float32(1)), rapid.Float32())
			row.Values = rapid.SliceOfN(value, len(row.Columns), len(row.Columns)).Draw(t, "values")
		}
		all = append(all, row)
	}
	return all
}

// read is the row as it should come back.
func read(r Row) Row {
	if !slices.ContainsFunc(r.Values, func(v float32) bool { return v != 1 }) {
		r.Values = nil
	}
	return r
}

func same(a, b Row) bool {
	return a.Index == b.Index && slices.Equal(a.Columns, b.Columns) && slices.Equal(a.Values, b.Values) && (a.Values == nil) == (b.Values == nil)
}

// TestRoundTrip writes rows to several files, and reads them one after the other and as a matrix.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		rows, columns := rapid.IntRange(0, 40).Draw(rt, "rows"), rapid.IntRange(1, 1000).Draw(rt, "columns")
		all := drawRows(rt, rows, columns)
		cuts := rapid.SliceOfN(rapid.IntRange(0, len(all)), 0, 4).Draw(rt, "cuts")
		slices.Sort(cuts)
		var paths []string
		at := 0
		for _, cut := range append(cuts, len(all)) {
			path := writeFile(t, fileOf(rt, all[at:cut]...))
			checkReader(rt, path, all[at:cut])
			paths = append(paths, path)
			at = cut
		}
		paths = rapid.Permutation(paths).Draw(rt, "order")
		for _, open := range []func([]string, int, int) (*Matrix, error){Open, Reopen} {
			m, err := open(paths, rows, columns)
			if err != nil {
				rt.Fatal(err)
			}
			checkMatrix(rt, m, all, rows, columns)
			if err := m.Close(); err != nil {
				rt.Fatal(err)
			}
		}
	})
}

func checkReader(t rapid.TB, path string, want []Row) {
	t.Helper()
	r, err := OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	var row Row
	for _, w := range want {
		row.Reset()
		if err := r.Read(&row); err != nil || !same(row, read(w)) {
			t.Fatalf("got %v, %v, want %v", row, err, read(w))
		}
	}
	for range 2 {
		if err := r.Read(&row); !errors.Is(err, io.EOF) {
			t.Fatalf("at the end: %v", err)
		}
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if err := r.Read(&row); !errors.Is(err, io.EOF) {
		t.Fatalf("after Close: %v", err)
	}
}

func checkMatrix(t rapid.TB, m *Matrix, want []Row, rows, columns int) {
	t.Helper()
	entries, binary := int64(0), true
	for i := range rows {
		w := Row{Index: uint32(i)}
		if k, ok := slices.BinarySearchFunc(want, i, func(r Row, i int) int { return int(r.Index) - i }); ok {
			w = read(want[k])
		}
		got := Row{Index: uint32(i)}
		got.Columns, got.Values = m.Row(i)
		if !same(got, w) || m.Count(i) != len(w.Columns) {
			t.Fatalf("got %v, %d entries, want %v", got, m.Count(i), w)
		}
		if cap(got.Columns) != len(got.Columns) || cap(got.Values) != len(got.Values) {
			t.Fatalf("row %d: append would write into the file", i)
		}
		entries += int64(len(w.Columns))
		binary = binary && w.Values == nil
	}
	if m.Rows() != rows || m.Columns() != columns || m.Entries() != entries || m.Binary() != binary {
		t.Fatalf("%d rows, %d columns, %d entries, binary %v; want %d, %d, %d, %v",
			m.Rows(), m.Columns(), m.Entries(), m.Binary(), rows, columns, entries, binary)
	}
}

// TestManyRows has more rows than blocks, in more files than most.
func TestManyRows(t *testing.T) {
	const rows = 3*mapped.MaxBlocks + 77
	var all []Row
	for i := range rows {
		if i%7 != 3 && (i < 5000 || i > 9000) {
			all = append(all, Row{Index: uint32(i), Columns: []uint32{uint32(i), rows}})
		}
	}
	m, err := Open(writeParts(t, all, 61), rows, rows+1)
	if err != nil {
		t.Fatal(err)
	}
	checkMatrix(t, m, all, rows, rows+1)
	if n := testing.AllocsPerRun(100, func() { m.Row(rows / 2) }); n != 0 {
		t.Errorf("%v allocations a row", n)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestOutside asks for rows that there are not.
func TestOutside(t *testing.T) {
	for _, rows := range []int{0, 1, 100, 3 * mapped.MaxBlocks} {
		m, err := Open([]string{writeFile(t, fileOf(t))}, rows, 5)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range []int{-1, rows, rows + 1, rows + mapped.MaxBlocks, math.MaxInt, math.MinInt} {
			func() {
				defer func() {
					if recover() == nil {
						t.Errorf("there is row %d of %d", i, rows)
					}
				}()
				m.Row(i)
			}()
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestRefusedRows(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(-1))
	for _, tt := range []struct {
		name string
		row  Row
		want string
	}{
		{"the same row", Row{Index: 7}, "comes after row 7"},
		{"an earlier row", Row{Index: 0}, "comes after row 7"},
		{"a column twice", Row{Index: 8, Columns: []uint32{1, 2, 2}}, "column 2 comes after column 2"},
		{"descending columns", Row{Index: 8, Columns: []uint32{3, 1}}, "column 1 comes after column 3"},
		{"too few values", Row{Index: 8, Columns: []uint32{1, 2}, Values: []float32{1}}, "1 values for 2 columns"},
		{"too many values", Row{Index: 8, Values: []float32{1}}, "1 values for 0 columns"},
		{"not a number", Row{Index: 8, Columns: []uint32{1, 4}, Values: []float32{1, nan}}, "the value of column 4 is NaN"},
		{"infinite", Row{Index: 8, Columns: []uint32{1, 4}, Values: []float32{inf, 1}}, "the value of column 1 is -Inf"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var file bytes.Buffer
			w := NewWriter(&file)
			good := []Row{{Index: 7, Columns: []uint32{5}, Values: []float32{-2}}, {Index: 9, Columns: []uint32{math.MaxUint32}}}
			if err := w.Write(good[0]); err != nil {
				t.Fatal(err)
			}
			if err := w.Write(tt.row); !errors.Is(err, ErrRow) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v", err)
			}
			if err := errors.Join(w.Write(good[1]), w.Close()); err != nil {
				t.Fatal(err)
			}
			checkReader(t, writeFile(t, file.Bytes()), good) // nothing of the row was written
		})
	}
}

// TestMisfits opens files that are right, and do not make the matrix.
func TestMisfits(t *testing.T) {
	low := writeFile(t, fileOf(t, Row{Index: 0, Columns: []uint32{1}}, Row{Index: 5, Columns: []uint32{9}}))
	high := writeFile(t, fileOf(t, Row{Index: 5, Columns: []uint32{1}}, Row{Index: 8}))
	inside := writeFile(t, fileOf(t, Row{Index: 2}))
	for _, tt := range []struct {
		name          string
		paths         []string
		rows, columns int
		want          []string
	}{
		{"overlap", []string{high, low}, 9, 10, []string{low, high, "has row 5, which"}},
		{"inside", []string{low, inside}, 9, 10, []string{low, inside, "has row 2, which"}},
		{"twice", []string{low, low}, 9, 10, []string{low, "has row 0, which"}},
		{"too few rows", []string{high}, 8, 10, []string{high, "has row 8, of a matrix of 8 rows"}},
		{"too few columns", []string{low}, 9, 9, []string{low, "has column 9, of a matrix of 9 columns"}},
		{"no rows", []string{low}, 0, 10, []string{low, "has row 5, of a matrix of 0 rows"}},
		{"negative rows", nil, -1, 10, []string{"-1 rows"}},
		{"negative columns", nil, 1, -10, []string{"-10 columns"}},
		{"missing", []string{filepath.Join(t.TempDir(), "none")}, 1, 1, []string{"none"}},
	} {
		for _, open := range []func([]string, int, int) (*Matrix, error){Open, Reopen} {
			_, err := open(tt.paths, tt.rows, tt.columns)
			for _, want := range tt.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%s: got %v, want %s", tt.name, err, want)
				}
			}
		}
	}
	m, err := Open([]string{high}, 9, 2)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
}

// TestSameBytes writes the same rows in two ways.
func TestSameBytes(t *testing.T) {
	a := fileOf(t, Row{Index: 3, Columns: []uint32{1, 2}}, Row{Index: 4, Columns: []uint32{1}, Values: []float32{3}})
	b := fileOf(t, Row{Index: 3, Columns: []uint32{1, 2}, Values: []float32{1, 1}}, Row{Index: 4, Columns: []uint32{1}, Values: []float32{3}})
	if !bytes.Equal(a, b) {
		t.Errorf("%x and %x", a, b)
	}
}

func TestReset(t *testing.T) {
	r := Row{Index: 4, Columns: []uint32{1, 2, 3}, Values: []float32{1, 2, 3}}
	columns := &r.Columns[0]
	r.Reset()
	if r.Index != 0 || len(r.Columns) != 0 || len(r.Values) != 0 {
		t.Errorf("got %v", r)
	}
	if r.Columns = append(r.Columns, 5); &r.Columns[0] != columns {
		t.Error("the memory is not used again")
	}
	r = Row{Columns: make([]uint32, keepEntries+1)}
	if r.Reset(); cap(r.Columns) > 0 {
		t.Error("the memory of a long row is kept")
	}
}

// TestResetOfRead appends to a row that came from a file, which is read-only memory.
func TestResetOfRead(t *testing.T) {
	want := Row{Index: 1, Columns: []uint32{4, 5}, Values: []float32{2, 3}}
	r, err := OpenReader(writeFile(t, fileOf(t, want)))
	if err != nil {
		t.Fatal(err)
	}
	var row Row
	if err := r.Read(&row); err != nil {
		t.Fatal(err)
	}
	row.Reset()
	row.Columns, row.Values = append(row.Columns, 9), append(row.Values, 9)
	if columns, _ := r.part.Data.row(0); !slices.Equal(columns, want.Columns) {
		t.Errorf("got %v", columns)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

// TestWriteErrors writes to what takes so many bytes and then fails.
func TestWriteErrors(t *testing.T) {
	rows := []Row{{Index: 0, Columns: nil}, {Index: 1, Columns: []uint32{1, 2}, Values: []float32{3, 4}}}
	mappedtest.Full(t, len(fileOf(t, rows...)), func(file io.Writer) (err error) {
		w := NewWriter(file)
		for _, r := range rows {
			err = errors.Join(err, w.Write(r))
		}
		return errors.Join(err, w.Close())
	})
}
