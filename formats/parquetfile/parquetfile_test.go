package parquetfile

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/compress"
	"github.com/apache/arrow/go/v15/parquet/pqarrow"

	"github.com/shardmill/shardmill/formats"
	"github.com/shardmill/shardmill/formats/internal/formattest"
	"github.com/shardmill/shardmill/formats/table"
)

func TestColumnsOfArrowOnly(t *testing.T) {
	for _, c := range []table.Column[best]{
		table.Repeated("c", func(*best) string { return "" }, func(*best, string) {}),
		table.Steps("c", func(*best) int64 { return 0 }, func(*best, int64) {}),
		table.Bytes("c", func(*best) []byte { return nil }, func(*best, []byte) {}),
	} {
		if _, err := Create(io.Discard, table.Columns[best]{c}); !errors.Is(err, table.ErrColumns) || !strings.Contains(err.Error(), `"c"`) {
			t.Error(err)
		}
	}
}

func TestGolden(t *testing.T) { suite().Golden(t, "testdata/v1.parquet") }

// TestGoldenLists reads a file with lists, which is never written again.
func TestGoldenLists(t *testing.T) { suite().GoldenLists(t, "testdata/v1-lists.parquet") }

func save(t testing.TB, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.parquet")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func source1(t *testing.T, data []byte) *source {
	t.Helper()
	s, err := openSource(save(t, data))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// TestSettings reads from the file itself what the package comment promises.
func TestSettings(t *testing.T) {
	meta := source1(t, suite().Encode(t, formattest.Sample(1000))).raw.MetaData()
	if got := meta.GetCreatedBy(); got != createdBy {
		t.Errorf("created by %q", got)
	}
	if got := meta.Schema.Root().RepetitionType(); got != parquet.Repetitions.Required {
		t.Errorf("root is %v", got)
	}
	group := meta.RowGroup(0)
	dictionary := map[string]bool{"note.text": true}
	for i := range group.NumColumns() {
		chunk, err := group.ColumnChunk(i)
		if err != nil {
			t.Fatal(err)
		}
		if chunk.Compression() != compress.Codecs.Zstd {
			t.Errorf("%s: %v", chunk.PathInSchema(), chunk.Compression())
		}
		if chunk.HasDictionaryPage() != dictionary[chunk.PathInSchema().String()] {
			t.Errorf("%s: dictionary %v", chunk.PathInSchema(), chunk.HasDictionaryPage())
		}
		leaf := meta.Schema.Column(i)
		nullable := leaf.Name() == "note.text" || leaf.Name() == "element"
		if got := leaf.SchemaNode().RepetitionType(); nullable != (got == parquet.Repetitions.Optional) {
			t.Errorf("%s: %v", leaf.Path(), got)
		}
	}
}

// TestVersion changes the version in place; Parquet has no checksum that would mind.
func TestVersion(t *testing.T) {
	data := suite().Encode(t, formattest.Sample(3))
	for _, c := range []struct {
		mark string
		want error
	}{{"parquet 2", nil}, {"arroquet1", formats.ErrForeign}} {
		path := save(t, bytes.Replace(data, []byte("parquet 1"), []byte(c.mark), 1))
		_, err := Open(path, formattest.Columns())
		_, rowsErr := Rows(path)
		for _, err := range []error{err, rowsErr} {
			var v *formats.VersionError
			if c.want == nil && (!errors.As(err, &v) || v.Got != 2 || v.Want != 1 || v.File != path) {
				t.Errorf("%s: %v", c.mark, err)
			}
			if c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("%s: %v", c.mark, err)
			}
		}
	}
}

// TestForeignParquet opens a good Parquet file that is not ours.
func TestForeignParquet(t *testing.T) {
	var buf bytes.Buffer
	w, err := pqarrow.NewFileWriter(formattest.Columns().Schema("other"), &buf, nil, pqarrow.DefaultWriterProps())
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(save(t, buf.Bytes()), formattest.Columns()); !errors.Is(err, formats.ErrForeign) {
		t.Error(err)
	}
}

// TestFooterRows gives a footer that states other counts than the data holds: in thrift,
// the field of 64-bit integers that holds 100 is 0x16, 200 as two bytes of a zigzag varint.
func TestFooterRows(t *testing.T) {
	data := suite().Encode(t, formattest.Sample(100))
	old, more, fewer := []byte{0x16, 0xc8, 0x01, 0x19}, []byte{0x16, 0xca, 0x01, 0x19}, []byte{0x16, 0xc6, 0x01, 0x19}
	if n := bytes.Count(data, old); n != 1 {
		t.Fatalf("the row count stands %d times in the file", n)
	}
	for want, patch := range map[int64][]byte{101: more, 99: fewer} {
		path := save(t, bytes.Replace(data, old, patch, 1))
		var e *formats.RowsError
		if _, err := Rows(path); !errors.As(err, &e) || e.Footer != want || e.Read != 100 || !errors.Is(err, formats.ErrDamaged) {
			t.Errorf("Rows with %d: %v", want, err)
		}
		got, err := suite().ReadAll(t, path, formattest.Columns(), 101)
		if want == 101 && (!errors.As(err, &e) || len(got) != 0) {
			t.Errorf("Read with 101: %d rows, %v", len(got), err)
		}
		if want == 99 && (!errors.As(err, &e) || len(got) != 99) {
			t.Errorf("Read with 99: %d rows, %v", len(got), err)
		}
	}
}

// TestRowsOfKinds counts files with and without a column of fixed width, and one whose pages do not hold what they state.
func TestRowsOfKinds(t *testing.T) {
	all := formattest.Columns()
	for name, cols := range map[string]table.Columns[formattest.Row]{
		"all": all, "texts": all[:2], "null": all[1:2], "int": all[2:3], "double": all[5:6], "bool": all[6:7], "list": all[7:],
	} {
		for _, rows := range []int{0, 1, 3000} {
			var buf bytes.Buffer
			w, err := Create(&buf, cols)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range formattest.Sample(rows) {
				if err := w.Write(r); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			if n, err := Rows(save(t, buf.Bytes())); err != nil || n != int64(rows) {
				t.Errorf("%s, %d rows: %d, %v", name, rows, n, err)
			}
		}
	}
}

// TestRowsOfDamagedPage puts pages of the column that is counted under another width.
func TestRowsOfDamagedPage(t *testing.T) {
	s := source1(t, suite().Encode(t, formattest.Sample(100)))
	for leaf, want := range map[int]error{0: errPageSize, 1: errPageSize, 2: nil, 3: nil, 6: errPageSize} {
		n, err := s.countPages(leaf)
		if !errors.Is(err, want) || want != nil && !errors.Is(err, formats.ErrDamaged) || want == nil && n != 100 {
			t.Errorf("column %d: %d, %v", leaf, n, err)
		}
	}
}

type wide struct {
	text string
	n    int32
}

func wideColumns() table.Columns[wide] {
	return table.Columns[wide]{
		table.String("text", func(r *wide) string { return r.text }, func(r *wide, v string) { r.text = v }).Plain(),
		table.Int32("n", func(r *wide) int32 { return r.n }, func(r *wide, v int32) { r.n = v }),
	}
}

// TestRowGroups checks that row groups end by rows and by bytes, and that all of them are read.
func TestRowGroups(t *testing.T) {
	for _, c := range []struct {
		rows, size int
		groups     []int64
	}{
		{groupRows + 10, 0, []int64{groupRows, 10}},
		{40, 8 << 20, []int64{16, 16, 8}},
	} {
		text := strings.Repeat("x", c.size)
		var buf bytes.Buffer
		w, err := Create(&buf, wideColumns())
		if err != nil {
			t.Fatal(err)
		}
		for i := range c.rows {
			if err := w.Write(wide{text, int32(i)}); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		s := source1(t, buf.Bytes())
		var groups []int64
		for _, g := range s.raw.MetaData().GetRowGroups() {
			groups = append(groups, g.GetNumRows())
		}
		if len(groups) != len(c.groups) || groups[0] != c.groups[0] || groups[len(groups)-1] != c.groups[len(groups)-1] {
			t.Errorf("row groups of %v rows, want %v", groups, c.groups)
		}
		checkWide(t, s.name, c.rows, c.size)
	}
}

func checkWide(t *testing.T, path string, rows, size int) {
	t.Helper()
	if n, err := Rows(path); err != nil || n != int64(rows) {
		t.Errorf("Rows: %d, %v", n, err)
	}
	r, err := Open(path, wideColumns())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	for i := range rows {
		var row wide
		if err := r.Read(&row); err != nil || row.n != int32(i) || len(row.text) != size {
			t.Fatalf("row %d: n %d, %d bytes, %v", i, row.n, len(row.text), err)
		}
	}
	if err := r.Read(new(wide)); !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %v", err)
	}
}

func BenchmarkWrite(b *testing.B) {
	rows := formattest.Sample(4096)
	w, err := Create(io.Discard, formattest.Columns())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for i := range b.N {
		if err := w.Write(rows[i%len(rows)]); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRead(b *testing.B) {
	const n = 1 << 16
	path := save(b, suite().Encode(b, formattest.Sample(n)))
	b.ReportAllocs()
	var row formattest.Row
	for b.Loop() {
		r, err := Open(path, formattest.Columns())
		if err != nil {
			b.Fatal(err)
		}
		for err == nil {
			err = r.Read(&row)
		}
		if !errors.Is(err, io.EOF) {
			b.Fatal(err)
		}
		if err := r.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/row")
}
