package rowgroup

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/compress"
	"github.com/apache/arrow/go/v15/parquet/pqarrow"
	"github.com/google/go-cmp/cmp"

	"github.com/shardmill/shardmill/formats"
	"github.com/shardmill/shardmill/formats/table"
)

// hub is a row of a file as dataset hubs publish it: of null structs and null members there are all kinds.
type hub struct {
	image, data, path bool // not null
	label             int64
}

func (h hub) bytes(i int) []byte {
	return append([]byte{0xff, 0xd8, byte(i)}, bytes.Repeat([]byte{byte(i)}, i%700)...)
}

func hubRows(n int) []hub {
	rows := make([]hub, n)
	for i := range rows {
		rows[i] = hub{image: i%7 != 3, data: i%5 != 2, path: i%3 != 1, label: int64(i % 10)}
	}
	return rows
}

// hubFile writes image: struct<bytes, path>, label, tags: list<string>, meta: struct<more: struct<x>, y>.
func hubFile(t testing.TB, rows []hub, dictionary bool, page parquet.DataPageVersion) []byte {
	t.Helper()
	image := arrow.StructOf(arrow.Field{Name: "bytes", Type: arrow.BinaryTypes.Binary, Nullable: true}, arrow.Field{Name: "path", Type: arrow.BinaryTypes.String, Nullable: true})
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "image", Type: image, Nullable: true},
		{Name: "tags", Type: arrow.ListOf(arrow.BinaryTypes.String), Nullable: true},
		{Name: "label", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
	}, nil)
	values := make([]map[string]any, len(rows))
	for i, r := range rows {
		values[i] = map[string]any{"tags": []string{"a", "b", "c"}[:i%3], "label": r.label}
		if !r.image {
			continue
		}
		image := map[string]any{"bytes": nil, "path": nil}
		if r.data {
			image["bytes"] = r.bytes(i)
		}
		if r.path {
			image["path"] = fmt.Sprintf("%d.jpg", i)
		}
		values[i]["image"] = image
	}
	text, err := json.Marshal(values)
	if err != nil {
		t.Fatal(err)
	}
	record, _, err := array.RecordFromJSON(memory.DefaultAllocator, schema, bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	defer record.Release()
	var buf bytes.Buffer
	props := parquet.NewWriterProperties(parquet.WithDictionaryDefault(dictionary), parquet.WithDataPageVersion(page),
		parquet.WithCompression(compress.Codecs.Snappy), parquet.WithDataPageSize(4000), parquet.WithBatchSize(50))
	w, err := pqarrow.NewFileWriter(schema, &buf, props, pqarrow.DefaultWriterProps())
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []struct{ lo, hi int }{{0, len(rows) / 3}, {len(rows) / 3, len(rows)}} {
		if err := w.Write(record.NewSlice(int64(part.lo), int64(part.hi))); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// TestStruct reads the members of a struct, in which a null may be the member's or the struct's.
func TestStruct(t *testing.T) {
	rows := hubRows(3000)
	for _, dictionary := range []bool{false, true} {
		for _, page := range []parquet.DataPageVersion{parquet.DataPageV1, parquet.DataPageV2} {
			data := hubFile(t, rows, dictionary, page)
			o := Options{Columns: []string{"label", "image.bytes", "image.path"}, Binary: []string{"image.bytes"}, Hi: 2}
			r, err := NewReader(bytes.NewReader(data), int64(len(data)), "x.parquet", o)
			if err != nil {
				t.Fatal(err)
			}
			for i, want := range rows {
				var row Row
				if err := r.Read(&row); err != nil {
					t.Fatal(i, err)
				}
				v := row.Values
				if v[0].Int != want.label || (v[1].Kind == Text) != (want.image && want.data) || (v[2].Kind == Text) != (want.image && want.path) {
					t.Fatalf("row %d: %+v, want %+v", i, v, want)
				}
				if v[1].Kind == Text && !bytes.Equal(v[1].Text, want.bytes(i)) || v[2].Kind == Text && string(v[2].Text) != fmt.Sprintf("%d.jpg", i) {
					t.Fatalf("row %d: %q and %q", i, v[1].Text, v[2].Text)
				}
			}
			if err := r.Read(new(Row)); !errors.Is(err, io.EOF) {
				t.Fatal(err)
			}
		}
	}
}

// TestStructColumns: what is no member is said to be missing, and bytes must be UTF-8 unless they are binary.
func TestStructColumns(t *testing.T) {
	data := hubFile(t, hubRows(20), false, parquet.DataPageV1)
	for _, name := range []string{"image", "image.size", "tags", "tags.list", "tags.list.element", "image.bytes.x"} {
		var missing *table.ColumnError
		if _, err := open(data, 0, 1, name); !errors.As(err, &missing) {
			t.Errorf("%s: %v", name, err)
		}
	}
	r, err := open(data, 0, 1, "image.bytes")
	if err != nil {
		t.Fatal(err)
	}
	var bad *formats.RowError
	if err := r.Read(new(Row)); !errors.As(err, &bad) || !errors.Is(err, formats.ErrNotUTF8) {
		t.Error(err)
	}
	_, err = NewReader(bytes.NewReader(data), int64(len(data)), "x", Options{Columns: []string{"label"}, Binary: []string{"label"}, Hi: 1})
	var wrong *table.ColumnError
	if !errors.As(err, &wrong) {
		t.Error(err)
	}
}

// TestStructDamage changes bytes; there is an error, or as many rows as the footer states.
func TestStructDamage(t *testing.T) {
	data := hubFile(t, hubRows(60), true, parquet.DataPageV1)
	end := bytes.LastIndex(data, []byte("ARROW:schema"))
	if end < 0 {
		end = len(data) / 2
	}
	for at := 4; at < end; at += 3 {
		if t.Context().Err() != nil {
			return
		}
		changed := slices.Clone(data)
		changed[at] ^= 0x41
		if _, err := Outlines(bytes.NewReader(changed), int64(len(changed)), "x"); err != nil && !errors.Is(err, formats.ErrDamaged) && !errors.Is(err, ErrUnsupported) {
			t.Fatal(at, err)
		}
		if at > 4000 && at < end-300 {
			continue
		}
		r, err := NewReader(bytes.NewReader(changed), int64(len(changed)), "x", Options{Columns: []string{"image.bytes"}, Binary: []string{"image.bytes"}, Hi: 2})
		for n := 0; err == nil; n++ {
			if err = r.Read(new(Row)); errors.Is(err, io.EOF) && n != 60 {
				t.Fatalf("byte %d: %d rows", at, n)
			}
		}
	}
}

// TestOutlines compares with what Inspect says, for all files that there are here.
func TestOutlines(t *testing.T) {
	data := hubFile(t, hubRows(4), true, parquet.DataPageV2)
	got, err := Outlines(bytes.NewReader(data), int64(len(data)), "x")
	want := []Outline{{Name: "image", Members: []string{"bytes", "path"}, Binaries: []string{"bytes"}}, {Name: "tags"}, {Name: "label", Scalar: true}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	files, err := filepath.Glob(filepath.Join("testdata", "*.parquet"))
	if err != nil || len(files) == 0 {
		t.Fatal("no files", err)
	}
	for _, name := range files {
		data := load(t, name)
		info, err := inspect(data)
		if err != nil {
			continue // one that is damaged or unsupported
		}
		got, err := Outlines(bytes.NewReader(data), int64(len(data)), name)
		if err != nil || len(got) != len(info.Columns) {
			t.Fatalf("%s: %d columns of %d, %v", name, len(got), len(info.Columns), err)
		}
		for i, c := range info.Columns {
			if got[i].Name != c.Name || c.Kind != Unsupported && !got[i].Scalar || got[i].Binary && c.Type != "BYTE_ARRAY" {
				t.Errorf("%s: %+v, want %+v", name, got[i], c)
			}
		}
	}
	for _, s := range [][]byte{nil, []byte("PAR1"), []byte("no Parquet at all"), data[:len(data)-1], data[4:]} {
		if _, err := Outlines(bytes.NewReader(s), int64(len(s)), "x"); !errors.Is(err, ErrNotParquet) && !errors.Is(err, formats.ErrDamaged) {
			t.Errorf("%.10q: %v", s, err)
		}
	}
}

// FuzzOutlines gives any bytes for a footer.
func FuzzOutlines(f *testing.F) {
	data := hubFile(f, hubRows(4), true, parquet.DataPageV2)
	f.Add(data[len(data)/2:])
	f.Add([]byte("\x15\x02\x19\x1c\x48\x01a\x15\x02\x00"))
	f.Fuzz(func(t *testing.T, footer []byte) {
		file := append([]byte(magic), footer...)
		file = append(file, byte(len(footer)), byte(len(footer)>>8), byte(len(footer)>>16), 0)
		file = append(file, magic...)
		got, err := Outlines(bytes.NewReader(file), int64(len(file)), "x")
		if err != nil && !errors.Is(err, formats.ErrDamaged) && !errors.Is(err, ErrUnsupported) || err == nil && len(got) > len(footer) {
			t.Fatal(len(got), err)
		}
	})
}

func load(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
