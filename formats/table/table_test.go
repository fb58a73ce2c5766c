package table

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/google/go-cmp/cmp"

	"github.com/shardmill/shardmill/formats"
)

type record struct {
	Name  string
	Note  string
	Noted bool
	N     int32
	Flag  bool
	V     []float32
}

func columns() Columns[record] {
	return Columns[record]{
		String("name", func(r *record) string { return r.Name }, func(r *record, v string) { r.Name = v }),
		NullString("note", func(r *record) (string, bool) { return r.Note, r.Noted }, func(r *record, v string, ok bool) { r.Note, r.Noted = v, ok }),
		Int32("n", func(r *record) int32 { return r.N }, func(r *record, v int32) { r.N = v }),
		Bool("flag", func(r *record) bool { return r.Flag }, func(r *record, v bool) { r.Flag = v }),
		Floats("v", func(r *record) []float32 { return r.V }, func(r *record, v []float32) { r.V = v }),
	}
}

func TestBatchAndView(t *testing.T) {
	cols := columns()
	b, err := NewBatch(cols, cols.Schema("x 1"))
	if err != nil {
		t.Fatal(err)
	}
	view := NewView(cols)
	for round := range 3 { // a batch and a view are used again
		want := []record{
			{Name: "a", N: math.MinInt32, Flag: true, V: []float32{1, 2}},
			{Name: "", Note: "", Noted: true, V: []float32{}},
			{Name: "é", Note: "x", Noted: true, N: int32(round), V: []float32{}},
		}
		for _, r := range want {
			if err := b.Append(&r); err != nil {
				t.Fatal(err)
			}
		}
		// name 1+0+2, note 0+0+1, v 8+0+0, offsets 3*3*4, n 3*4, flag 3*1
		if b.Rows() != 3 || b.Bytes() != 3+1+8+36+12+3 {
			t.Errorf("%d rows, %d bytes", b.Rows(), b.Bytes())
		}
		rec := b.Take()
		if b.Rows() != 0 || b.Bytes() != 0 {
			t.Error("Take does not empty the batch")
		}
		if err := view.Load(rec.Columns(), 3); err != nil {
			t.Fatal(err)
		}
		var got []record
		for r := (record{}); view.Read(&r); {
			got = append(got, r)
		}
		rec.Release()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
}

func TestAppendAllOrNothing(t *testing.T) {
	cols := columns()
	b, err := NewBatch(cols, cols.Schema("x 1"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		row    record
		column string
		err    error
	}{
		{record{Name: "caf\xe9"}, "name", formats.ErrNotUTF8},
		{record{Note: "\xff", Noted: true}, "note", formats.ErrNotUTF8},
		{record{Name: strings.Repeat("x", maxValue+1)}, "name", formats.ErrTooLong},
		{record{V: make([]float32, maxValue/4+1)}, "v", formats.ErrTooLong},
	} {
		var v *ValueError
		if err := b.Append(&c.row); !errors.As(err, &v) || v.Column != c.column || !errors.Is(err, c.err) {
			t.Errorf("%s: %v", c.column, err)
		}
	}
	if err := b.Append(&record{Note: "\xff"}); err != nil {
		t.Errorf("the text of a null is not looked at: %v", err)
	}
	if rec := b.Take(); rec.NumRows() != 1 {
		t.Errorf("%d rows, want 1", rec.NumRows())
	}
}

func TestBatchOfAnotherSchema(t *testing.T) {
	cols := columns()
	for i := range cols {
		other := Columns[record]{cols[(i+2)%len(cols)]}
		if _, err := NewBatch(cols[i:i+1], other.Schema("x 1")); err == nil {
			t.Errorf("column %s in a schema of %s", cols[i].Name(), other[0].Name())
		}
	}
}

func TestCheck(t *testing.T) {
	c := columns()
	for _, bad := range []Columns[record]{nil, {c[0], c[1], c[0]}, {c[0], {}}} {
		if err := bad.Check(); !errors.Is(err, ErrColumns) {
			t.Errorf("%d columns: %v", len(bad), err)
		}
	}
	if err := c.Check(); err != nil {
		t.Error(err)
	}
}

func TestDictionary(t *testing.T) {
	want := map[string]bool{"name": true, "note": true, "n": false, "flag": false, "v": false}
	for _, c := range columns() {
		if c.Dictionary() != want[c.Name()] {
			t.Errorf("%s: dictionary %v", c.Name(), c.Dictionary())
		}
		if c.Plain().Dictionary() || c.Plain().Name() != c.Name() {
			t.Errorf("%s: Plain", c.Name())
		}
		if c.Dictionary() != want[c.Name()] {
			t.Errorf("%s: Plain changed the column itself", c.Name())
		}
	}
}

func TestMatch(t *testing.T) {
	cols := columns()
	file := arrow.NewSchema([]arrow.Field{
		{Name: "extra", Type: arrow.BinaryTypes.Binary},
		{Name: "v", Type: arrow.ListOfField(arrow.Field{Name: "element", Type: arrow.PrimitiveTypes.Float32, Nullable: true})},
		{Name: "flag", Type: arrow.FixedWidthTypes.Boolean},
		{Name: "n", Type: arrow.PrimitiveTypes.Int64},
		{Name: "note", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "name", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "twice", Type: arrow.FixedWidthTypes.Boolean},
		{Name: "twice", Type: arrow.FixedWidthTypes.Boolean},
	}, nil)
	got, err := Columns[record]{cols[4], cols[3], cols[1]}.Match("f", file)
	if diff := cmp.Diff([]int{1, 2, 4}, got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	absent := Bool("absent", func(r *record) bool { return r.Flag }, func(r *record, v bool) { r.Flag = v })
	twice := Bool("twice", func(r *record) bool { return r.Flag }, func(r *record, v bool) { r.Flag = v })
	list := Floats("n", func(r *record) []float32 { return r.V }, func(r *record, v []float32) { r.V = v })
	for _, c := range []struct {
		col       Column[record]
		got, want string
	}{
		{cols[0], "utf8 or null", "utf8"},
		{cols[2], "int64", "int32"},
		{list, "int64", "list of float32"},
		{absent, "", "bool"},
		{twice, "", "bool"},
	} {
		_, err := Columns[record]{c.col}.Match("f", file)
		var e *ColumnError
		if !errors.As(err, &e) || e.File != "f" || e.Got != c.got || e.Want != c.want {
			t.Errorf("%s: %v", c.col.Name(), err)
		}
	}
}

func TestCheckMark(t *testing.T) {
	if err := CheckMark("f", Mark("arrow", 3), "arrow", 3); err != nil {
		t.Error(err)
	}
	var v *formats.VersionError
	if err := CheckMark("f", "arrow 12", "arrow", 3); !errors.As(err, &v) || *v != (formats.VersionError{File: "f", Format: "arrow", Got: 12, Want: 3}) {
		t.Errorf("other version: %v", err)
	}
	for _, mark := range []string{"", "arrow", "arrow ", "arrow x", "arrow3", "parquet 3"} {
		if err := CheckMark("f", mark, "arrow", 3); !errors.Is(err, formats.ErrForeign) {
			t.Errorf("%q: %v", mark, err)
		}
	}
}

// TestLoadDamaged gives a view arrays whose buffers do not hold what the arrays claim.
func TestLoadDamaged(t *testing.T) {
	cols := columns()
	ints := func(v ...int32) *memory.Buffer { return memory.NewBufferBytes(arrow.Int32Traits.CastToBytes(v)) }
	text := memory.NewBufferBytes([]byte("abcdef"))
	floats := array.NewData(arrow.PrimitiveTypes.Float32, 2, []*memory.Buffer{nil, ints(0, 0)}, nil, 0, 0)
	nullFloats := array.NewData(arrow.PrimitiveTypes.Float32, 2, []*memory.Buffer{memory.NewBufferBytes([]byte{1}), ints(0, 0)}, nil, 1, 0)
	str := func(n int, bufs ...*memory.Buffer) arrow.Array {
		return array.MakeFromData(array.NewData(arrow.BinaryTypes.String, n, bufs, nil, 0, 0))
	}
	list := func(child arrow.ArrayData, offsets *memory.Buffer) arrow.Array {
		return array.MakeFromData(array.NewData(cols[4].field.Type, 2, []*memory.Buffer{nil, offsets}, []arrow.ArrayData{child}, 0, 0))
	}
	cols = append(cols, Texts("ts", nil, func(*record, [][]byte) {}))
	textLists := func(child arrow.Array, offsets *memory.Buffer) arrow.Array {
		return array.MakeFromData(array.NewData(cols[5].field.Type, 2, []*memory.Buffer{nil, offsets}, []arrow.ArrayData{child.Data()}, 0, 0))
	}
	nullText := array.MakeFromData(array.NewData(arrow.BinaryTypes.String, 2,
		[]*memory.Buffer{memory.NewBufferBytes([]byte{1}), ints(0, 1, 2), text}, nil, 1, 0))
	flags := array.MakeFromData(array.NewData(arrow.FixedWidthTypes.Boolean, 9, []*memory.Buffer{nil, memory.NewBufferBytes([]byte{1})}, nil, 0, 0))
	for name, c := range map[string]struct {
		col   int
		array arrow.Array
		rows  int
	}{
		"string offsets fall":    {0, str(3, nil, ints(0, 5, 1, 6), text), 3},
		"string offset negative": {0, str(2, nil, ints(-1, 5, 6), text), 2},
		"string wrong rows":      {0, str(2, nil, ints(0, 5, 6), text), 3},
		"string wrong type":      {0, flags, 9},
		"null string offsets":    {1, str(3, nil, ints(0, 9, 1, 6), text), 3},
		"null string bitmap":     {1, str(9, memory.NewBufferBytes([]byte{1}), ints(0, 0, 0, 0, 0, 0, 0, 0, 0, 0), text), 9},
		"bool short":             {3, flags, 9},
		"list offsets fall":      {4, list(floats, ints(0, 2, 1)), 2},
		"list beyond its values": {4, list(floats, ints(0, 1, 3)), 2},
		"list negative":          {4, list(floats, ints(-1, 1, 2)), 2},
		"list offsets short":     {4, list(floats, ints(0, 1)), 2},
		"list with null":         {4, list(nullFloats, ints(0, 1, 2)), 2},
		"list of others":         {4, list(str(2, nil, ints(0, 1, 2), text).Data(), ints(0, 1, 2)), 2},
		"texts offsets fall":     {5, textLists(str(2, nil, ints(0, 2, 1), text), ints(0, 1, 2)), 2},
		"texts beyond":           {5, textLists(str(2, nil, ints(0, 1, 2), text), ints(0, 1, 3)), 2},
		"texts with null":        {5, textLists(nullText, ints(0, 1, 2)), 2},
		"texts of others":        {5, textLists(array.MakeFromData(floats), ints(0, 1, 2)), 2},
	} {
		view := NewView(Columns[record]{cols[c.col]})
		err := view.Load([]arrow.Array{c.array}, c.rows)
		if !errors.Is(err, formats.ErrDamaged) || view.Read(new(record)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRecover(t *testing.T) {
	run := func(value any) (err error) {
		defer Recover("f", &err)
		if value != nil {
			panic(value) // as the library does
		}
		return io.EOF
	}
	if err := run(nil); !errors.Is(err, io.EOF) || errors.Is(err, formats.ErrDamaged) {
		t.Errorf("no panic: %v", err)
	}
	if err := run("text"); !errors.Is(err, formats.ErrDamaged) || !strings.Contains(err.Error(), "text") {
		t.Errorf("text: %v", err)
	}
	if err := run(fmt.Errorf("x: %w", io.ErrClosedPipe)); !errors.Is(err, formats.ErrDamaged) || !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("error: %v", err)
	}
}
