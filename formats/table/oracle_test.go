package table

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/formats"
)

// every has a field for each kind of column.
type every struct {
	s    string
	b    []byte
	ns   string
	nsOK bool
	nb   []byte
	nbOK bool
	i    int32
	l    int64
	f    float32
	d    float64
	t    bool
	v    []float32
	y    []byte
	ls   []int64
	ts   [][]byte
}

func everyColumns() Columns[every] {
	return Columns[every]{
		String("s", func(r *every) string { return r.s }, func(r *every, v string) { r.s = v }),
		Text("b", func(r *every) []byte { return r.b }, func(r *every, v []byte) { r.b = append(r.b[:0], v...) }),
		NullString("ns", func(r *every) (string, bool) { return r.ns, r.nsOK }, func(r *every, v string, ok bool) { r.ns, r.nsOK = v, ok }),
		NullText("nb", func(r *every) ([]byte, bool) { return r.nb, r.nbOK },
			func(r *every, v []byte, ok bool) { r.nb, r.nbOK = append(r.nb[:0], v...), ok }),
		Int32("i", func(r *every) int32 { return r.i }, func(r *every, v int32) { r.i = v }),
		Int64("l", func(r *every) int64 { return r.l }, func(r *every, v int64) { r.l = v }),
		Float32("f", func(r *every) float32 { return r.f }, func(r *every, v float32) { r.f = v }),
		Float64("d", func(r *every) float64 { return r.d }, func(r *every, v float64) { r.d = v }),
		Bool("t", func(r *every) bool { return r.t }, func(r *every, v bool) { r.t = v }),
		Floats("v", func(r *every) []float32 { return r.v }, func(r *every, v []float32) { r.v = v }),
		Bytes("y", func(r *every) []byte { return r.y }, func(r *every, v []byte) { r.y = append(r.y[:0], v...) }),
		Int64s("ls", func(r *every) []int64 { return r.ls }, func(r *every, v []int64) { r.ls = v }),
		Texts("ts", func(r *every) [][]byte { return r.ts }, func(r *every, v [][]byte) { r.ts = cloneTexts(v) }),
	}
}

func cloneTexts(v [][]byte) (own [][]byte) {
	for _, b := range v {
		own = append(own, bytes.Clone(b))
	}
	return own
}

// build gives rows to Arrow's own builders.
func build(b *array.RecordBuilder, rows []every) arrow.Record {
	for _, r := range rows {
		of[*array.StringBuilder](b.Field(0)).Append(r.s)
		of[*array.StringBuilder](b.Field(1)).Append(string(r.b))
		appendNull(of[*array.StringBuilder](b.Field(2)), r.ns, r.nsOK)
		appendNull(of[*array.StringBuilder](b.Field(3)), string(r.nb), r.nbOK)
		of[*array.Int32Builder](b.Field(4)).Append(r.i)
		of[*array.Int64Builder](b.Field(5)).Append(r.l)
		of[*array.Float32Builder](b.Field(6)).Append(r.f)
		of[*array.Float64Builder](b.Field(7)).Append(r.d)
		of[*array.BooleanBuilder](b.Field(8)).Append(r.t)
		list := of[*array.ListBuilder](b.Field(9))
		list.Append(true)
		of[*array.Float32Builder](list.ValueBuilder()).AppendValues(r.v, nil)
		of[*array.BinaryBuilder](b.Field(10)).Append(r.y)
		list = of[*array.ListBuilder](b.Field(11))
		list.Append(true)
		of[*array.Int64Builder](list.ValueBuilder()).AppendValues(r.ls, nil)
		list = of[*array.ListBuilder](b.Field(12))
		list.Append(true)
		for _, v := range r.ts {
			of[*array.StringBuilder](list.ValueBuilder()).Append(string(v))
		}
	}
	return b.NewRecord()
}

// of returns v as a T, or the zero T.
func of[T any](v any) T {
	typed, _ := v.(T)
	return typed
}

func appendNull(b *array.StringBuilder, v string, ok bool) {
	if ok {
		b.Append(v)
	} else {
		b.AppendNull()
	}
}

func rowsOf() *rapid.Generator[[]every] {
	texts := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "a", "shards", "größer"}), rapid.StringMatching("[a-z]{0,40}"))
	row := rapid.Custom(func(t *rapid.T) every {
		return every{
			s: texts.Draw(t, "s"), b: []byte(texts.Draw(t, "b")),
			ns: texts.Draw(t, "ns"), nsOK: rapid.Bool().Draw(t, "nsOK"),
			nb: []byte(texts.Draw(t, "nb")), nbOK: rapid.IntRange(0, 20).Draw(t, "nbOK") > 0,
			i: rapid.Int32().Draw(t, "i"), l: rapid.Int64().Draw(t, "l"),
			f: rapid.Float32().Draw(t, "f"), d: rapid.Float64().Draw(t, "d"), t: rapid.Bool().Draw(t, "t"),
			v:  rapid.SliceOfN(rapid.Float32(), 0, 4).Draw(t, "v"),
			y:  rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(t, "y"),
			ls: rapid.SliceOfN(rapid.Int64(), 0, 4).Draw(t, "ls"),
			ts: rapid.SliceOfN(rapid.Map(texts, func(s string) []byte { return []byte(s) }), 0, 4).Draw(t, "ts"),
		}
	})
	return rapid.Custom(func(t *rapid.T) []every {
		rows := rapid.SliceOfN(row, 0, 40).Draw(t, "rows")
		if len(rows) > 0 && rapid.Bool().Draw(t, "many") { // so many that bitmaps have several words
			for n := rapid.IntRange(1, 700).Draw(t, "n"); len(rows) < n; {
				rows = append(rows, rows[len(rows)*7%len(rows)])
			}
		}
		return rows
	})
}

// TestBatchAsBuilders compares a batch, which keeps its memory from one record to the next and refuses some records,
// with Arrow's builders: the arrays are equal, and so are the bytes that they have in a file.
func TestBatchAsBuilders(t *testing.T) {
	schema := everyColumns().Schema("x 1")
	rapid.Check(t, func(t *rapid.T) {
		b, err := NewBatch(everyColumns(), schema)
		if err != nil {
			t.Fatal(err)
		}
		builder := array.NewRecordBuilder(memory.NewGoAllocator(), schema)
		for range rapid.IntRange(1, 3).Draw(t, "batches") {
			rows := rowsOf().Draw(t, "rows")
			for _, r := range rows {
				refuse(t, b, r)
				if err := b.Append(&r); err != nil {
					t.Fatal(err)
				}
			}
			refuse(t, b, every{s: "x", nsOK: true})
			want := build(builder, rows)
			if b.Rows() != len(rows) {
				t.Fatalf("%d rows, want %d", b.Rows(), len(rows))
			}
			got := b.Take()
			if !array.RecordEqual(got, want) {
				t.Fatalf("got %v\nwant %v", got, want)
			}
			if !bytes.Equal(encode(t, got), encode(t, want)) {
				t.Fatalf("%d rows: the bytes in a file differ", len(rows))
			}
		}
	})
}

// refuse offers a record whose value of a late column is bad, which must change nothing.
func refuse(t *rapid.T, b *Batch[every], r every) {
	r.nb, r.nbOK = []byte("\xff"), true
	var v *ValueError
	if err := b.Append(&r); !errors.As(err, &v) || v.Column != "nb" {
		t.Fatalf("a bad value: %v", err)
	}
}

func encode(t *rapid.T, rec arrow.Record) []byte {
	var buf bytes.Buffer
	w := ipc.NewWriter(&buf, ipc.WithSchema(rec.Schema()))
	if err := errors.Join(w.Write(rec), w.Close()); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// TestViewOfSlices reads arrays that begin within their buffers, as slices do.
func TestViewOfSlices(t *testing.T) {
	schema := everyColumns().Schema("x 1")
	view := NewView(everyColumns())
	rapid.Check(t, func(t *rapid.T) {
		rows := rowsOf().Draw(t, "rows")
		rec := build(array.NewRecordBuilder(memory.NewGoAllocator(), schema), rows)
		from := rapid.IntRange(0, len(rows)).Draw(t, "from")
		to := rapid.IntRange(from, len(rows)).Draw(t, "to")
		part := rec.NewSlice(int64(from), int64(to))
		if err := view.Load(part.Columns(), to-from); err != nil {
			t.Fatal(err)
		}
		again, err := NewBatch(everyColumns(), schema)
		if err != nil {
			t.Fatal(err)
		}
		for r := (every{}); view.Read(&r); {
			if err := again.Append(&r); err != nil {
				t.Fatal(err)
			}
		}
		if got := again.Take(); !array.RecordEqual(got, part) {
			t.Fatalf("got %v\nwant %v", got, part)
		}
	})
}

// TestStringsShared checks that a text is allocated once for the rows that follow each other with it,
// and that texts of bytes need no allocation at all.
func TestStringsShared(t *testing.T) {
	type row struct {
		s string
		b []byte
	}
	cols := Columns[row]{
		String("s", func(r *row) string { return r.s }, func(r *row, v string) { r.s = v }),
		Text("b", func(r *row) []byte { return r.b }, func(r *row, v []byte) { r.b = append(r.b[:0], v...) }),
	}
	b, err := NewBatch(cols, cols.Schema("x 1"))
	if err != nil {
		t.Fatal(err)
	}
	in := row{strings.Repeat("folder/", 9), []byte("text")}
	fill := func() {
		for range 1000 {
			if err := b.Append(&in); err != nil {
				t.Fatal(err)
			}
		}
	}
	fill()
	view, out := NewView(cols), row{b: make([]byte, 0, 10)}
	allocs := testing.AllocsPerRun(10, func() {
		b.Take()
		fill()
		rec := b.Take()
		if err := view.Load(rec.Columns(), 1000); err != nil {
			t.Fatal(err)
		}
		for view.Read(&out) {
			if out.s != in.s || string(out.b) != "text" {
				t.Fatal(out)
			}
		}
		fill()
	})
	if allocs > 100 {
		t.Errorf("%v allocations for 2000 rows", allocs)
	}
}

func FuzzText(f *testing.F) {
	for _, s := range []string{"", "a", "größer", "\xff", "12345678", "1234567\xe2\x82", "12345678\xe2\x82\xac"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, b := newTexts(), newTexts()
		err := errors.Join(addText(&a, s), a.check(0))
		if err2 := errors.Join(addText(&b, []byte(s)), b.check(0)); (err == nil) != utf8.ValidString(s) || (err == nil) != (err2 == nil) {
			t.Fatalf("%q: %v, %v", s, err, err2)
		}
		if err == nil && (string(a.data) != s || string(b.data) != s) {
			t.Fatalf("%q: data %q", s, a.data)
		}
	})
}

// FuzzView loads arrays over arbitrary buffers: what Load lets pass, Read can read.
func FuzzView(f *testing.F) {
	offsets := arrow.GetBytes([]int32{0, 1, 1, 4})
	f.Add(uint8(0), 3, 0, 0, []byte{7}, offsets, []byte("abcd"))
	f.Add(uint8(2), 2, 1, 1, []byte{1}, offsets, []byte("abcd"))
	f.Add(uint8(9), 3, 0, 0, []byte(nil), offsets, make([]byte, 16))
	f.Add(uint8(5), 2, 1, 0, []byte(nil), make([]byte, 24), []byte(nil))
	f.Add(uint8(8), 9, 1, 0, []byte(nil), []byte{1}, []byte(nil))
	f.Add(uint8(10), 3, 0, 0, []byte(nil), offsets, []byte("ab\xffd"))
	f.Add(uint8(11), 3, 0, 0, []byte(nil), offsets, make([]byte, 32))
	f.Add(uint8(12), 3, 0, 0, []byte(nil), offsets, []byte("abcdefgh"))
	f.Add(uint8(12), 2, 1, 0, []byte(nil), offsets, append(arrow.GetBytes([]int32{0, 2, 2, 3}), "abc"...))
	f.Fuzz(func(t *testing.T, column uint8, n, offset, nulls int, valid, first, second []byte) {
		cols := everyColumns()
		c := cols[int(column)%len(cols)]
		if n < 0 || n > 1<<20 || offset < 0 || offset > 1<<20 {
			return
		}
		a := damaged(c.field.Type, n, offset, nulls, valid, first, second)
		if a == nil {
			return
		}
		view := NewView(Columns[every]{c})
		if view.Load([]arrow.Array{a}, n) != nil {
			return
		}
		rows := 0
		for r := (every{}); view.Read(&r); {
			rows++
		}
		if rows != n {
			t.Fatalf("%d rows, want %d", rows, n)
		}
	})
}

// damaged returns an array over buffers, nil where Arrow itself refuses them.
func damaged(t arrow.DataType, n, offset, nulls int, buffers ...[]byte) arrow.Array {
	var a arrow.Array
	err := func() (err error) {
		defer Recover("f", &err)
		over := make([]*memory.Buffer, len(buffers))
		for i, b := range buffers {
			over[i] = memory.NewBufferBytes(b)
		}
		over[0] = nil
		if len(buffers[0]) > 0 {
			over[0] = memory.NewBufferBytes(buffers[0])
		}
		var children []arrow.ArrayData
		switch list := t.(type) {
		case *arrow.ListType:
			over, children = over[:2], []arrow.ArrayData{damagedElements(list.Elem(), buffers[2])}
		case *arrow.StringType, *arrow.BinaryType:
		default:
			over = over[:2]
		}
		a = array.MakeFromData(array.NewData(t, n, over, children, nulls, offset))
		return nil
	}()
	if err != nil {
		return nil
	}
	return a
}

// damagedElements are elements of a list: of texts, b has their offsets and then the texts, as one value can tell.
func damagedElements(t arrow.DataType, b []byte) arrow.ArrayData {
	over := memory.NewBufferBytes(b)
	switch t.ID() {
	case arrow.STRING:
		n := min(len(b)/4, 4)
		text := memory.NewBufferBytes(b[4*n:])
		return array.NewData(t, max(n-1, 0), []*memory.Buffer{nil, memory.NewBufferBytes(b[:4*n]), text}, nil, 0, 0)
	case arrow.INT64:
		return array.NewData(t, len(b)/8, []*memory.Buffer{nil, over}, nil, 0, 0)
	default:
		return array.NewData(t, len(b)/4, []*memory.Buffer{nil, over}, nil, 0, 0)
	}
}

// TestTextsDoNotAllocate checks that lists of texts cost no memory of their own, neither when written nor when read.
func TestTextsDoNotAllocate(t *testing.T) {
	type row struct{ ts [][]byte }
	n := 0
	cols := Columns[row]{Texts("ts", func(r *row) [][]byte { return r.ts }, func(_ *row, v [][]byte) { n += len(v) })}
	b, err := NewBatch(cols, cols.Schema("x 1"))
	if err != nil {
		t.Fatal(err)
	}
	in, view := make([]row, 1000), NewView(cols)
	for i := range in {
		in[i].ts = [][]byte{[]byte("a"), []byte("größer"), nil}[:i%4]
	}
	out := make([]row, 1000)
	pass := func() {
		if _, err := b.AppendRows(in, 1<<20); err != nil {
			t.Fatal(err)
		}
		if err := view.Load(b.Take().Columns(), 1000); err != nil {
			t.Fatal(err)
		}
		view.ReadRows(out)
	}
	pass()
	if n != 1500 {
		t.Errorf("%d texts", n)
	}
	if allocs := testing.AllocsPerRun(10, pass); allocs > 50 {
		t.Errorf("%v allocations for 1000 rows", allocs)
	}
}

// TestTextsRefused checks that a list with a text that cannot be stored leaves nothing behind, nor one that is too long.
func TestTextsRefused(t *testing.T) {
	type row struct{ ts [][]byte }
	cols := Columns[row]{Texts("ts", func(r *row) [][]byte { return r.ts }, nil)}
	b, err := NewBatch(cols, cols.Schema("x 1"))
	if err != nil {
		t.Fatal(err)
	}
	good := row{[][]byte{[]byte("a"), []byte("b")}}
	huge := make([]byte, maxValue/2)
	for _, c := range []struct {
		bad  row
		want error
	}{{row{[][]byte{[]byte("c"), []byte("\xff")}}, formats.ErrNotUTF8}, {row{[][]byte{huge, huge}}, formats.ErrTooLong}} {
		if err := b.Append(&good); err != nil {
			t.Fatal(err)
		}
		var v *ValueError
		if n, err := b.AppendRows([]row{good, c.bad}, 1<<20); n != 0 || !errors.As(err, &v) || !errors.Is(err, c.want) {
			t.Errorf("%d rows, %v", n, err)
		}
	}
	rec := b.Take()
	if rec.NumRows() != 2 || rec.Column(0).String() != `[["a" "b"] ["a" "b"]]` {
		t.Error(rec)
	}
}
