package jobs

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shardmill/shardmill/formats"
	"github.com/shardmill/shardmill/jobs/internal/ids"
	"github.com/shardmill/shardmill/jobs/internal/matrix"
)

// sideFile writes a file by the Writer of its kind.
func sideFile[R any, W interface {
	Write(R) error
	Close() error
}](t *testing.T, begin func(io.Writer) W, rows ...R,
) string {
	t.Helper()
	var b bytes.Buffer
	w := begin(&b)
	for _, r := range rows {
		if err := w.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func dictionaryOf(t *testing.T, all ...ids.Entry) string {
	t.Helper()
	return sideFile(t, func(w io.Writer) *ids.Writer { return ids.NewWriter(w, ids.Options{}) }, all...)
}

func matrixOf(t *testing.T, all ...matrix.Row) string {
	t.Helper()
	return sideFile(t, matrix.NewWriter, all...)
}

// inspected is what Inspect says, as JSON without the path and the size, and the cells of the first rows.
func inspected(t *testing.T, path string, n int) (text string, cells [][]string) {
	t.Helper()
	i, err := Inspect(path, n)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if !i.Ours || i.File != path || i.Bytes != info.Size() || i.Checked != checkedSections {
		t.Errorf("%+v", i)
	}
	i.File, i.Bytes, i.Checked = "", 0, ""
	b, err := json.Marshal(i)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range i.First {
		cells = append(cells, r.Cells())
		if len(r.Cells()) != len(i.Names) {
			t.Errorf("%q for columns %q", r.Cells(), i.Names)
		}
	}
	return string(b), cells
}

func TestInspectIDs(t *testing.T) {
	for _, c := range []struct {
		name  string
		ids   []ids.Entry
		n     int
		want  string // behind "ours"
		cells [][]string
	}{
		{"none", nil, 5, `"format":"ids 1","bytes":0,"rows":0,"ids":{"type":"int64","ids":0,"table":"hashed","newest":null}}`, nil},
		{
			"int64, direct",
			[]ids.Entry{{ID: []byte("10"), Rows: 4, Newest: -5}, {ID: []byte("9"), Rows: 1, Newest: math.MinInt64}},
			5,
			`"format":"ids 1","bytes":0,"rows":2,"ids":{"type":"int64","ids":2,"table":"direct","newest":-5},` +
				`"first":[{"index":0,"id":9,"rows":1},{"index":1,"id":10,"rows":4}]}`,
			[][]string{{"0", "9", "1"}, {"1", "10", "4"}},
		},
		{
			"int64, hashed, the first",
			[]ids.Entry{{ID: []byte("-9223372036854775808"), Rows: 2}, {ID: []byte("9223372036854775807"), Rows: 3}},
			1,
			`"format":"ids 1","bytes":0,"rows":2,"ids":{"type":"int64","ids":2,"table":"hashed","newest":0},` +
				`"first":[{"index":0,"id":-9223372036854775808,"rows":2}]}`,
			[][]string{{"0", "-9223372036854775808", "2"}},
		},
		{
			"string",
			[]ids.Entry{{ID: nil, Rows: 1, Newest: math.MinInt64}, {ID: []byte("7"), Rows: 2, Newest: math.MinInt64}, {ID: []byte("ä"), Rows: 3, Newest: math.MinInt64}},
			3,
			`"format":"ids 1","bytes":0,"rows":3,"ids":{"type":"string","ids":3,"table":"hashed","newest":null},` +
				`"first":[{"index":0,"id":"","rows":1},{"index":1,"id":"7","rows":2},{"index":2,"id":"ä","rows":3}]}`,
			[][]string{{"0", "", "1"}, {"1", "7", "2"}, {"2", "ä", "3"}},
		},
		{
			"no rows asked for",
			[]ids.Entry{{ID: []byte("a")}},
			0,
			`"format":"ids 1","bytes":0,"rows":1,"ids":{"type":"string","ids":1,"table":"hashed","newest":0}}`, nil,
		},
	} {
		text, cells := inspected(t, dictionaryOf(t, c.ids...), c.n)
		if d := cmp.Diff(`{"file":"","kind":"dictionary of ids","ours":true,`+c.want, text); d != "" {
			t.Errorf("%s: %s", c.name, d)
		}
		if d := cmp.Diff(c.cells, cells); d != "" {
			t.Errorf("%s: cells: %s", c.name, d)
		}
	}
}

func TestInspectMatrix(t *testing.T) {
	long := matrix.Row{Index: 8}
	for c := range uint32(20) {
		long.Columns, long.Values = append(long.Columns, c+4_000_000_000), append(long.Values, float32(c)/3)
	}
	for _, c := range []struct {
		name  string
		rows  []matrix.Row
		n     int
		want  string // behind "ours"
		cells [][]string
	}{
		{
			"no rows", nil, 5,
			`"format":"matrix 1","bytes":0,"rows":0,"matrix":{"first_row":null,"last_row":null,"rows_written":0,` +
				`"entries":0,"rows_with_values":0,"largest_column":null,"longest_row":0}}`,
			nil,
		},
		{
			"gaps, an empty row and values",
			[]matrix.Row{{Index: 3, Columns: []uint32{1, 9}}, {Index: 5}, {Index: 7, Columns: []uint32{0}, Values: []float32{2.5}}, {Index: 8, Columns: []uint32{4}}},
			3,
			`"format":"matrix 1","bytes":0,"rows":4,"matrix":{"first_row":3,"last_row":8,"rows_written":4,` +
				`"entries":4,"rows_with_values":1,"largest_column":9,"longest_row":2},` +
				`"first":[{"row":3,"entries":2,"first_columns":[1,9]},{"row":5,"entries":0,"first_columns":[]},` +
				`{"row":7,"entries":1,"first_columns":[0],"first_values":[2.5]}]}`,
			[][]string{{"3", "2", "1 9"}, {"5", "0", ""}, {"7", "1", "0=2.5"}},
		},
		{
			"a long row",
			[]matrix.Row{long},
			3,
			`"format":"matrix 1","bytes":0,"rows":1,"matrix":{"first_row":8,"last_row":8,"rows_written":1,` +
				`"entries":20,"rows_with_values":1,"largest_column":4000000019,"longest_row":20},` +
				`"first":[{"row":8,"entries":20,"first_columns":[4000000000,4000000001,4000000002,4000000003,4000000004,4000000005,4000000006,4000000007],` +
				`"first_values":[0,0.33333334,0.6666667,1,1.3333334,1.6666666,2,2.3333333]}]}`,
			[][]string{{"8", "20", "4000000000=0 4000000001=0.333333 ..."}},
		},
	} {
		text, cells := inspected(t, matrixOf(t, c.rows...), c.n)
		if d := cmp.Diff(`{"file":"","kind":"matrix","ours":true,`+c.want, text); d != "" {
			t.Errorf("%s: %s", c.name, d)
		}
		if d := cmp.Diff(c.cells, cells); d != "" {
			t.Errorf("%s: cells: %s", c.name, d)
		}
	}
}

// TestInspectColumnsFit takes rows of the widest columns and values: what is printed of them has a bounded width.
func TestInspectColumnsFit(t *testing.T) {
	wide := matrixRow{Row: math.MaxUint32, Entries: columnsShown}
	for k := range uint32(columnsShown) {
		wide.Columns = append(wide.Columns, math.MaxUint32-columnsShown+1+k)
		wide.Values = append(wide.Values, -1.234567e-38)
	}
	few := []uint32{0, 1, 2, 3, 4, 5, 6, 7}
	for _, c := range []struct {
		row  matrixRow
		want string
	}{
		{wide, "4294967288=-1.23457e-38 4294967289=-1.23457e-38 ..."},
		{matrixRow{Entries: 8, Columns: few}, "0 1 2 3 4 5 6 7"},
		{matrixRow{Entries: 9, Columns: few}, "0 1 2 3 4 5 6 7 ..."},
		{matrixRow{}, ""},
	} {
		if got := c.row.Cells()[2]; got != c.want || len(got) > 52 {
			t.Errorf("%d characters: %s", len(got), got)
		}
	}
}

// TestInspectDamagedSections cuts files at each length: from the magic on they are ours and damaged.
func TestInspectDamagedSections(t *testing.T) {
	for _, path := range []string{
		dictionaryOf(t, ids.Entry{ID: []byte("a"), Rows: 1}),
		matrixOf(t, matrix.Row{Index: 1, Columns: []uint32{2}}),
	} {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for n := range data {
			if err := os.WriteFile(path, data[:n], 0o644); err != nil {
				t.Fatal(err)
			}
			i, err := Inspect(path, 1)
			if n < 16 && (i.Ours || !errors.Is(err, ErrUnknownFile)) || n >= 16 && (!i.Ours || !errors.Is(err, formats.ErrDamaged)) {
				t.Errorf("cut to %d bytes: %+v, %v", n, i, err)
			}
		}
	}
}

func TestInspectLaterVersion(t *testing.T) {
	for format, path := range map[string]string{"ids": dictionaryOf(t), "matrix": matrixOf(t)} {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		data[16] = 7
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		var version *formats.VersionError
		if _, err := Inspect(path, 1); !errors.As(err, &version) || version.Format != format || version.Got != 7 || version.Want != 1 {
			t.Errorf("%s: %v", format, err)
		}
	}
}
