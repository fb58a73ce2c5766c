package factors

import (
	"bytes"
	"errors"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"

	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/jobs/internal/mapped"
	"github.com/shardmill/shardmill/jobs/internal/mapped/mappedtest"
	"github.com/shardmill/shardmill/jobs/internal/vector"
	"github.com/shardmill/shardmill/mapreduce"
)

var (
	_ mapreduce.Sink[Row]   = (*Writer)(nil)
	_ mapreduce.Reader[Row] = (*Reader)(nil)
	_ mapreduce.Resetter    = (*Row)(nil)
)

// drawRows draws rows of k factors, ascending, with gaps.
func drawRows(t *rapid.T, rows, k int) (all []Row) {
	for i := range rows {
		if rapid.IntRange(0, 3).Draw(t, "kind of row") > 0 {
			all = append(all, Row{Index: uint32(i), Values: rapid.SliceOfN(rapid.Float32(), k, k).Draw(t, "values")})
		}
	}
	return all
}

// TestRoundTrip writes rows to several files, and reads them one after the other and as a matrix.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		rows, k := rapid.IntRange(0, 40).Draw(rt, "rows"), rapid.IntRange(1, 40).Draw(rt, "factors")
		all := drawRows(rt, rows, k)
		cuts := rapid.SliceOfN(rapid.IntRange(0, len(all)), 0, 4).Draw(rt, "cuts")
		slices.Sort(cuts)
		var paths []string
		at := 0
		for _, cut := range append(cuts, len(all)) {
			path := writeFile(t, fileOf(rt, all[at:cut]...))
			checkReader(rt, path, dense(all[at:cut]))
			paths = append(paths, path)
			at = cut
		}
		paths = rapid.Permutation(paths).Draw(rt, "order")
		for _, open := range []func([]string, int, int) (*Matrix, error){Open, Reopen} {
			m, err := open(paths, rows, k)
			if err != nil {
				rt.Fatal(err)
			}
			checkMatrix(rt, m, all, rows, k)
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
	about := About{Version: 1}
	if len(want) > 0 {
		about = About{Version: 1, Lo: int(want[0].Index), Hi: int(want[len(want)-1].Index) + 1, Factors: len(want[0].Values)}
	}
	if got := r.About(); got != about {
		t.Fatalf("got %+v, want %+v", got, about)
	}
	var row Row
	for _, w := range want {
		row.Reset()
		if err := r.Read(&row); err != nil || !same(row, w) || cap(row.Values) != len(row.Values) {
			t.Fatalf("got %v, %v, want %v", row, err, w)
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

// checkMatrix looks at all rows, one by one and at what Point finds of a part of them.
func checkMatrix(t rapid.TB, m *Matrix, want []Row, rows, k int) {
	t.Helper()
	if m.Rows() != rows || m.K() != k || m.Stride() != vector.Stride(k) {
		t.Fatalf("%d rows of %d factors, stride %d; want %d of %d", m.Rows(), m.K(), m.Stride(), rows, k)
	}
	var index []uint32
	for i := range rows {
		values := make([]float32, m.Stride())
		if at, ok := slices.BinarySearchFunc(want, i, func(r Row, i int) int { return int(r.Index) - i }); ok {
			copy(values, want[at].Values)
		}
		if got := m.Row(i); !slices.Equal(got, values) || cap(got) != len(got) {
			t.Fatalf("row %d: got %v, want %v", i, got, values)
		}
		if i%3 != 1 {
			index = append(index, uint32(i))
		}
	}
	pointers := make([]*float32, len(index)+1)
	m.Point(pointers, index)
	for j, i := range index {
		if got := unsafe.Slice(pointers[j], m.Stride()); !slices.Equal(got, m.Row(int(i))) {
			t.Fatalf("row %d: points to %v", i, got)
		}
	}
	if pointers[len(index)] != nil {
		t.Fatal("points to more rows than asked for")
	}
	checkRuns(t, m)
}

// checkRuns compares runs with the rows one by one.
func checkRuns(t rapid.TB, m *Matrix) {
	t.Helper()
	at := 0
	for rows := range m.Runs() {
		for ; len(rows) > 0; rows = rows[m.Stride():] {
			if at == m.Rows() || !slices.Equal(rows[:m.Stride()], m.Row(at)) {
				t.Fatalf("row %d of the runs is another", at)
			}
			at++
		}
	}
	if at != m.Rows() {
		t.Fatalf("runs of %d rows, want %d", at, m.Rows())
	}
	for range m.Runs() {
		break
	}
}

// TestManyRows has more rows than blocks, in files of any ranges.
func TestManyRows(t *testing.T) {
	const rows, k, files = 3*mapped.MaxBlocks + 77, 3, 61
	var all []Row
	for i := range rows {
		if i < 5000 || i > 9000 {
			all = append(all, Row{Index: uint32(i), Values: []float32{float32(i), 1, 2}})
		}
	}
	var paths []string
	for f := range files {
		part := all[f*len(all)/files : (f+1)*len(all)/files]
		cut := slices.IndexFunc(part, func(r Row) bool { return r.Index > 9000 })
		if cut > 0 && part[0].Index < 5000 { // no file bridges the gap
			paths = append(paths, writeFile(t, fileOf(t, part[:cut]...)))
			part = part[cut:]
		}
		paths = append(paths, writeFile(t, fileOf(t, part...)))
	}
	m, err := Open(paths, rows, k)
	if err != nil {
		t.Fatal(err)
	}
	checkMatrix(t, m, all, rows, k)
	pointers, index := make([]*float32, 100), []uint32{1, 77, 5001, 12000}
	if n := testing.AllocsPerRun(100, func() { m.Row(rows / 2); m.Point(pointers, index) }); n != 0 {
		t.Errorf("%v allocations a row", n)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestNew is a matrix in memory, which can be written to.
func TestNew(t *testing.T) {
	m := New(5, 17)
	m.Row(3)[16] = 7
	want := make([]float32, 17)
	want[16] = 7
	checkMatrix(t, m, []Row{{Index: 3, Values: want}}, 5, 17)
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	checkMatrix(t, New(0, 1), nil, 0, 1)
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
		for _, i := range []uint32{uint32(rows), uint32(rows) + 1, uint32(rows) + mapped.MaxBlocks, math.MaxUint32} {
			func() {
				defer func() {
					if recover() == nil {
						t.Errorf("there is row %d of %d to point to", i, rows)
					}
				}()
				m.Point(make([]*float32, 1), []uint32{i})
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
		{"the same row", Row{Index: 7, Values: []float32{1, 2}}, "comes after row 7"},
		{"an earlier row", Row{Index: 0, Values: []float32{1, 2}}, "comes after row 7"},
		{"no factors", Row{Index: 8}, "no factors"},
		{"less factors", Row{Index: 8, Values: []float32{1}}, "has 1 factors, the row before has 2"},
		{"more factors", Row{Index: 8, Values: []float32{1, 2, 3}}, "has 3 factors, the row before has 2"},
		{"not a number", Row{Index: 8, Values: []float32{1, nan}}, "factor 1 is NaN"},
		{"infinite", Row{Index: 8, Values: []float32{inf, 1}}, "factor 0 is -Inf"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var file bytes.Buffer
			w := NewWriter(&file)
			good := []Row{{Index: 7, Values: []float32{1, -2}}, {Index: math.MaxUint32 >> 20, Values: []float32{0, 5}}}
			if err := w.Write(good[0]); err != nil {
				t.Fatal(err)
			}
			if err := w.Write(tt.row); !errors.Is(err, ErrRow) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v", err)
			}
			if err := errors.Join(w.Write(good[1]), w.Close()); err != nil {
				t.Fatal(err)
			}
			checkReader(t, writeFile(t, file.Bytes()), dense(good)) // nothing of the row was written
		})
	}
}

// TestMisfits opens files that are right, and do not make the matrix.
func TestMisfits(t *testing.T) {
	two := []float32{1, 2}
	low := writeFile(t, fileOf(t, Row{Index: 0, Values: two}, Row{Index: 5, Values: two}))
	high := writeFile(t, fileOf(t, Row{Index: 5, Values: two}, Row{Index: 8, Values: two}))
	inside := writeFile(t, fileOf(t, Row{Index: 2, Values: two}))
	for _, tt := range []struct {
		name    string
		paths   []string
		rows, k int
		want    []string
	}{
		{"overlap", []string{high, low}, 9, 2, []string{low, high, "has row 5, which"}},
		{"inside", []string{low, inside}, 9, 2, []string{low, inside, "has row 2, which"}},
		{"twice", []string{low, low}, 9, 2, []string{low, "has row 0, which"}},
		{"too few rows", []string{high}, 8, 2, []string{high, "has row 8, of a matrix of 8 rows"}},
		{"other factors", []string{low}, 9, 3, []string{low, "has rows of 2 factors, of a matrix of 3"}},
		{"negative rows", nil, -1, 2, []string{"-1 rows"}},
		{"no factors", nil, 1, 0, []string{"0 factors"}},
		{"missing", []string{filepath.Join(t.TempDir(), "none")}, 1, 1, []string{"none"}},
	} {
		for _, open := range []func([]string, int, int) (*Matrix, error){Open, Reopen} {
			_, err := open(tt.paths, tt.rows, tt.k)
			for _, want := range tt.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%s: got %v, want %s", tt.name, err, want)
				}
			}
		}
	}
}

func TestReset(t *testing.T) {
	r := Row{Index: 4, Values: []float32{1, 2, 3}}
	first := &r.Values[0]
	r.Reset()
	if r.Index != 0 || len(r.Values) != 0 {
		t.Errorf("got %v", r)
	}
	if r.Values = append(r.Values, 5); &r.Values[0] != first {
		t.Error("the memory is not used again")
	}
	r.lent = true
	if r.Reset(); cap(r.Values) > 0 || r.lent {
		t.Error("the memory of a file is kept")
	}
}

// TestWriteErrors writes to what takes so many bytes and then fails.
func TestWriteErrors(t *testing.T) {
	rows := []Row{{Index: 0, Values: []float32{3, 4}}, {Index: 2, Values: []float32{5, 6}}}
	mappedtest.Full(t, len(fileOf(t, rows...)), func(file io.Writer) (err error) {
		w := NewWriter(file)
		for _, r := range rows {
			err = errors.Join(err, w.Write(r))
		}
		return errors.Join(err, w.Close())
	})
}

// BenchmarkRow looks rows up in a matrix of 13 files.
func BenchmarkRow(b *testing.B) {
	const rows, k, size = 53_424, 64, 4096
	var paths []string
	for lo := 0; lo < rows; lo += size {
		var all []Row
		for i := lo; i < min(lo+size, rows); i++ {
			all = append(all, Row{Index: uint32(i), Values: make([]float32, k)})
		}
		paths = append(paths, writeFile(b, fileOf(b, all...)))
	}
	m, err := Open(paths, rows, k)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = m.Close() }()
	var index []uint32
	for i := uint32(0); i < rows; i += 477 {
		index = append(index, i)
	}
	pointers := make([]*float32, len(index))
	b.Run("Row", func(b *testing.B) {
		sum := float32(0)
		fastest(b, len(index), func() {
			for _, i := range index {
				sum += m.Row(int(i))[0]
			}
		})
		_ = sum
	})
	b.Run("Point", func(b *testing.B) {
		fastest(b, len(index), func() { m.Point(pointers, index) })
	})
}

// fastest tells what a row costs in the fastest of many calls: others use the machine too.
func fastest(b *testing.B, rows int, work func()) {
	least := time.Hour
	for b.Loop() {
		for range 100 {
			start := time.Now()
			work()
			least = min(least, time.Since(start))
		}
	}
	b.ReportMetric(float64(least.Nanoseconds())/float64(rows), "ns/row")
}
