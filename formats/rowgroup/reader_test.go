package rowgroup

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/parquet/compress"
	"github.com/apache/arrow/go/v15/parquet/pqarrow"

	"github.com/shardmill/shardmill/formats"
	"github.com/shardmill/shardmill/formats/table"
)

// empty returns a file of arrow/go without rows; its root is repeated, as arrow/go has it by default.
func empty(t *testing.T, fields ...arrow.Field) []byte {
	t.Helper()
	var buf bytes.Buffer
	w, err := pqarrow.NewFileWriter(arrow.NewSchema(fields, nil), &buf, nil, pqarrow.DefaultWriterProps())
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestEmpty(t *testing.T) {
	data := empty(t, arrow.Field{Name: "a.b", Type: arrow.PrimitiveTypes.Int64})
	info, err := inspect(data)
	want := Info{Columns: []Column{{"a.b", Int, "INT64 Int(bitWidth=64, isSigned=true)"}}, Groups: []Group{}}
	if err != nil || !reflect.DeepEqual(info, want) {
		t.Fatalf("%+v, %v", info, err)
	}
	r, err := open(data, 0, 0, "a.b")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := r.Read(new(Row)); !errors.Is(err, io.EOF) {
			t.Errorf("at the end: %v", err)
		}
	}
}

func TestColumnErrors(t *testing.T) {
	nested := arrow.StructOf(arrow.Field{Name: "x", Type: arrow.PrimitiveTypes.Int64}, arrow.Field{Name: "y", Type: arrow.PrimitiveTypes.Int64})
	data := empty(t, arrow.Field{Name: "point", Type: nested}, arrow.Field{Name: "id", Type: arrow.PrimitiveTypes.Int64},
		arrow.Field{Name: "tags", Type: arrow.ListOf(arrow.BinaryTypes.String)}, arrow.Field{Name: "same", Type: arrow.BinaryTypes.String},
		arrow.Field{Name: "same", Type: arrow.BinaryTypes.String})
	for name, want := range map[string]*table.ColumnError{
		"absent": {File: "x.parquet", Column: "absent", Want: supported, Has: []string{"point", "id", "tags", "same", "same"}},
		"point":  {File: "x.parquet", Column: "point", Want: supported, Got: "struct", Has: []string{"point", "id", "tags", "same", "same"}},
		"tags":   {File: "x.parquet", Column: "tags", Want: supported, Got: "List", Has: []string{"point", "id", "tags", "same", "same"}},
	} {
		_, err := open(data, 0, 0, "id", name)
		var got *table.ColumnError
		if !errors.As(err, &got) || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := open(data, 0, 0, "same"); !errors.Is(err, table.ErrColumns) {
		t.Errorf("a name of two columns: %v", err)
	}
	r, err := open(data, 0, 0, "id")
	if err != nil {
		t.Fatal(err)
	}
	if c, ok := r.columns[0].(*typed[int64]); !ok || c.field.leaf != 2 {
		t.Errorf("the column after a struct of two is %+v", c)
	}
}

func TestGroupErrors(t *testing.T) {
	data := shape{groups: []int{1, 1}, codec: compress.Codecs.Snappy, pageBytes: 100}.file(t, specs()[:2])
	for _, c := range [][2]int{{-1, 1}, {0, 3}, {2, 1}, {3, 3}} {
		if _, err := open(data, c[0], c[1], "bool"); err == nil || !strings.Contains(err.Error(), "it has 2") {
			t.Errorf("row groups %v: %v", c, err)
		}
	}
}

func TestNotParquet(t *testing.T) {
	good := shape{groups: []int{10}, codec: compress.Codecs.Snappy, pageBytes: 100}.file(t, specs()[:2])
	end := func(tail string) []byte { return append(bytes.Clone(good[:len(good)-len(tail)]), tail...) }
	for name, c := range map[string]struct {
		data []byte
		want error
	}{
		"nothing":       {nil, ErrNotParquet},
		"short":         {[]byte("PAR1PAR1PAR"), ErrNotParquet},
		"text":          {[]byte("user,item,score\n1,2,3\n"), ErrNotParquet},
		"encrypted":     {end("PARE"), ErrUnsupported},
		"cut":           {good[:len(good)-1], formats.ErrDamaged},
		"footer size":   {end("\xff\xff\xff\xffPAR1"), formats.ErrDamaged},
		"empty footer":  {end("\x00\x00\x00\x00PAR1"), formats.ErrDamaged},
		"no footer":     {[]byte("PAR1\x00\x00\x00\x00PAR1"), formats.ErrDamaged},
		"another start": {append([]byte("RAP1"), good[4:]...), ErrNotParquet},
	} {
		if _, err := inspect(c.data); !errors.Is(err, c.want) || !strings.HasPrefix(err.Error(), "x.parquet: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestInfoJSON(t *testing.T) {
	info := Info{Columns: []Column{{"a", Float, "DOUBLE"}, {"b", Unsupported, "List"}}, Groups: []Group{{3, 44}}}
	data, err := json.Marshal(info)
	want := `{"columns":[{"name":"a","kind":"float","type":"DOUBLE"},{"name":"b","kind":"unsupported","type":"List"}],"groups":[{"rows":3,"bytes":44}]}`
	if err != nil || string(data) != want {
		t.Fatalf("%s, %v", data, err)
	}
	var back Info
	if err := json.Unmarshal(data, &back); err != nil || !reflect.DeepEqual(back, info) {
		t.Errorf("%+v, %v", back, err)
	}
	if err := json.Unmarshal([]byte(`{"columns":[{"kind":"list"}]}`), &back); err == nil {
		t.Error("a kind of another name was taken")
	}
	if got := Kind(9).String(); got != "Kind(9)" {
		t.Error(got)
	}
}

var errDisk = errors.New("disk on fire")

// flaky fails from the n-th read on; then it may also read less than is there.
type flaky struct {
	data  []byte
	reads int
	short bool
}

func (f *flaky) ReadAt(p []byte, at int64) (int, error) {
	if f.reads--; f.reads >= 0 {
		return bytes.NewReader(f.data).ReadAt(p, at)
	}
	if f.short {
		return 0, io.EOF
	}
	return len(p) / 2, errDisk
}

// TestReadErrors fails each read once: the error is passed on, and no value is made of what was not read.
func TestReadErrors(t *testing.T) {
	columns := specs()[:8]
	for _, s := range []shape{{groups: []int{300, 300}, codec: compress.Codecs.Snappy, pageBytes: 20000}, {groups: []int{300, 300}, page: 1, pageBytes: 300}} {
		data := s.file(t, columns)
		reads := 0
		for ; ; reads++ {
			err := readFlaky(&flaky{data: data, reads: reads}, columns)
			if err == nil {
				break
			}
			if !errors.Is(err, errDisk) || errors.Is(err, formats.ErrDamaged) {
				t.Fatalf("read %d: %v", reads, err)
			}
			if err := readFlaky(&flaky{data: data, reads: reads, short: true}, columns); !errors.Is(err, formats.ErrDamaged) {
				t.Fatalf("nothing at read %d: %v", reads, err)
			}
		}
		if reads < 10 {
			t.Errorf("%v: only %d reads", s, reads)
		}
	}
}

func readFlaky(f *flaky, columns []spec) error {
	var names []string
	for _, c := range columns {
		names = append(names, c.name)
	}
	r, err := NewReader(f, int64(len(f.data)), "x.parquet", Options{Columns: names, Hi: 2})
	if err != nil {
		return err
	}
	rows := 0
	err = drain(r, func(row *Row, err error) {
		for i, v := range row.Values {
			if want := columns[i].want(rows); err != nil || !same(v, want) {
				panic(fmt.Sprint(rows, columns[i].name, v, want, err))
			}
		}
		rows++
	})
	if again := r.Read(new(Row)); err != nil && !errors.Is(again, err) {
		return fmt.Errorf("after %w: %w", err, again)
	}
	return err
}

// TestTextIsGood checks that texts of a row last until the next Read, where pages end in different rows.
func TestTextIsGood(t *testing.T) {
	columns := byteSpecs()
	for _, codec := range []compress.Compression{compress.Codecs.Uncompressed, compress.Codecs.Snappy} {
		for _, dictionary := range []bool{false, true} {
			data := shape{groups: []int{2000}, dictionary: dictionary, codec: codec, pageBytes: 700}.file(t, columns)
			rows := 0
			err := each(data, func(row *Row, err error) {
				for i, v := range row.Values {
					if want := columns[i].want(rows); !same(v, want) {
						t.Fatalf("row %d, %s: %q, want %q", rows, columns[i].name, v.Text, want.Text)
					}
				}
				rows++
			})
			if err != nil || rows != 2000 {
				t.Fatal(rows, err)
			}
		}
	}
}

func TestOSErrors(t *testing.T) {
	path := save(t, []byte("PAR1"))
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Inspect(f, 100, path); !errors.Is(err, os.ErrClosed) {
		t.Errorf("a closed file: %v", err)
	}
}
