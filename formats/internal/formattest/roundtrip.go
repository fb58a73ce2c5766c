package formattest

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/formats"
	"github.com/shardmill/shardmill/formats/table"
)

func testRoundTrip(t *testing.T, f Format) {
	path := save(t, nil)
	rapid.Check(t, func(t *rapid.T) {
		rows := rapid.SliceOfN(generator(), 0, 60).Draw(t, "rows")
		f.checkRoundTrip(t, path, rows)
	})
}

func testBatches(t *testing.T, f Format) {
	f.checkRoundTrip(t, save(t, nil), Sample(f.Batch))
}

func testEmpty(t *testing.T, f Format) {
	f.checkRoundTrip(t, save(t, nil), nil)
}

// checkRoundTrip keeps all rows that it reads, so it fails too when they are not safe to keep.
func (f Format) checkRoundTrip(t TB, path string, rows []Row) {
	data := f.Encode(t, rows)
	if !bytes.Equal(data, f.Encode(t, rows)) {
		t.Fatal("the same rows gave different bytes")
	}
	overwrite(t, path, data)
	got, err := f.ReadAll(t, path, Columns(), len(rows))
	if err != nil {
		t.Fatal(err)
	}
	compare(t, got, rows)
	if n, err := f.Rows(path); err != nil || n != int64(len(rows)) {
		t.Fatalf("Rows: %d, %v; want %d", n, err, len(rows))
	}
}

func testSomeColumns(t *testing.T, f Format) {
	rows := Sample(100)
	path := save(t, f.Encode(t, rows))
	all := Columns()
	got, err := f.ReadAll(t, path, table.Columns[Row]{all[6], all[0]}, len(rows))
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range rows {
		rows[i] = Row{ID: r.ID, Flag: r.Flag}
	}
	compare(t, got, rows)
}

func testWrongColumns(t *testing.T, f Format) {
	path := save(t, f.Encode(t, Sample(3)))
	small := func(r *Row) int32 { return r.Small }
	setSmall := func(r *Row, v int32) { r.Small = v }
	id := func(r *Row) string { return r.ID }
	setID := func(r *Row, v string) { r.ID = v }
	for _, c := range []struct {
		col  table.Column[Row]
		text []string
	}{
		{table.Int32("absent", small, setSmall), []string{path, `no column "absent"`, `"note.text"`}},
		{table.Int32("big", small, setSmall), []string{path, `"big"`, "int64", "want int32"}},
		{table.String("note.text", id, setID), []string{path, `"note.text"`, "utf8 or null, want utf8"}},
	} {
		_, err := f.Open(path, append(Columns()[:1], c.col))
		var col *table.ColumnError
		if !errors.As(err, &col) || col.Column != c.col.Name() {
			t.Fatalf("%s: %v", c.col.Name(), err)
		}
		for _, text := range c.text {
			if !strings.Contains(err.Error(), text) {
				t.Errorf("%q lacks %q", err, text)
			}
		}
	}
}

func testInvalidColumns(t *testing.T, f Format) {
	path := save(t, f.Encode(t, Sample(3)))
	id := Columns()[0]
	unnamed := table.Bool("", func(r *Row) bool { return r.Flag }, func(r *Row, v bool) { r.Flag = v })
	for name, cols := range map[string]table.Columns[Row]{
		"none": nil, "twice": {id, id}, "unnamed": {id, unnamed},
	} {
		if _, err := f.Create(new(bytes.Buffer), cols); !errors.Is(err, table.ErrColumns) {
			t.Errorf("%s: Create: %v", name, err)
		}
		if _, err := f.Open(path, cols); !errors.Is(err, table.ErrColumns) {
			t.Errorf("%s: Open: %v", name, err)
		}
	}
}

// testRefusedValues checks that a row that cannot be stored leaves no trace.
func testRefusedValues(t *testing.T, f Format) {
	rows := Sample(10)
	var buf bytes.Buffer
	w, err := f.Create(&buf, Columns())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		bad := r
		bad.Note, bad.HasNote = "caf\xe9", true
		var value *table.ValueError
		if err := w.Write(bad); !errors.As(err, &value) || value.Column != "note.text" || !errors.Is(err, formats.ErrNotUTF8) {
			t.Fatalf("invalid UTF-8: %v", err)
		}
		if err := w.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(buf.Bytes(), f.Encode(t, rows)) {
		t.Error("refused rows changed the file")
	}
}

func testClosed(t *testing.T, f Format) {
	var buf bytes.Buffer
	w, err := f.Create(&buf, Columns())
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	size := buf.Len()
	if err := w.Write(Row{}); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Write after Close: %v", err)
	}
	if err := w.Close(); !errors.Is(err, os.ErrClosed) || buf.Len() != size {
		t.Errorf("second Close: %v, %d more bytes", err, buf.Len()-size)
	}
	r, err := f.Open(save(t, f.Encode(t, Sample(3))), slices.Clone(Columns()))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(r.Read(new(Row)), r.Close()); err != nil {
		t.Fatal(err)
	}
	if err := r.Read(new(Row)); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Read after Close: %v", err)
	}
}
