package table

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/formats"
)

type part struct {
	file string
	n    int64
	note string
}

func partColumns() Columns[part] {
	return Columns[part]{
		Repeated("file", func(r *part) string { return r.file }, func(r *part, v string) { r.file = v }),
		Int64("n", func(r *part) int64 { return r.n }, func(r *part, v int64) { r.n = v }),
		String("note", func(r *part) string { return r.note }, func(r *part, v string) { r.note = v }),
	}
}

func newParts(t testing.TB) *Batch[part] {
	t.Helper()
	b, err := NewBatch(partColumns(), partColumns().Schema("x 1"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// runsOf draws rows of which several in a row often have the same file.
func runsOf(t *rapid.T) (rows []part) {
	for range rapid.IntRange(0, 8).Draw(t, "runs") {
		file := rapid.SampledFrom([]string{"", "a", "b.csv", "größer"}).Draw(t, "file")
		for range rapid.IntRange(1, 9).Draw(t, "rows") {
			rows = append(rows, part{file: file, n: int64(len(rows)), note: strings.Repeat("x", len(rows)%5)})
		}
	}
	return rows
}

// TestRepeatedAsBuilder compares runs, which grow in several steps of which some are refused, with those of Arrow's builder.
func TestRepeatedAsBuilder(t *testing.T) {
	b := newParts(t)
	view := NewView(partColumns())
	rapid.Check(t, func(t *rapid.T) {
		rows := runsOf(t)
		builder := array.NewRunEndEncodedBuilder(memory.NewGoAllocator(), arrow.PrimitiveTypes.Int32, arrow.BinaryTypes.String)
		values := of[*array.StringBuilder](builder.ValueBuilder())
		for i, r := range rows {
			if i > 0 && r.file == rows[i-1].file {
				builder.ContinueRun(1)
			} else {
				builder.Append(1)
				values.Append(r.file)
			}
		}
		for rest := rows; len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "n")
			bad := append(slices.Clone(rest[:n]), part{file: rapid.SampledFrom([]string{"a", "c", "\xff"}).Draw(t, "bad"), note: "\xff"})
			var v *ValueError
			if got, err := b.AppendRows(bad, 1<<20); got != 0 || !errors.As(err, &v) || !errors.Is(err, formats.ErrNotUTF8) {
				t.Fatalf("%d rows, %v", got, err)
			}
			if got, err := b.AppendRows(rest[:n], 1<<20); got != n || err != nil {
				t.Fatalf("%d rows of %d, %v", got, n, err)
			}
			rest = rest[n:]
		}
		rec := b.Take()
		if want := builder.NewArray(); !array.Equal(rec.Column(0), want) || rec.Column(0).Len() != len(rows) {
			t.Fatalf("got %v\nwant %v", rec.Column(0), want)
		}
		if err := view.Load(rec.Columns(), len(rows)); err != nil {
			t.Fatal(err)
		}
		got := make([]part, len(rows))
		for n := 0; n < len(rows); {
			n += view.ReadRows(got[n:min(len(got), n+rapid.IntRange(1, 20).Draw(t, "read"))])
		}
		if view.ReadRows(make([]part, 1)) != 0 || !slices.Equal(got, rows) {
			t.Fatalf("got %v\nwant %v", got, rows)
		}
	})
}

// TestAppendRowsLimit checks that rows given together end a batch where they would one by one.
func TestAppendRowsLimit(t *testing.T) {
	together, single := newParts(t), newParts(t)
	rapid.Check(t, func(t *rapid.T) {
		rows := append(runsOf(t), part{file: "last"})
		limit := rapid.IntRange(1, 900).Draw(t, "limit")
		want := 0
		for single.Bytes() < limit && want < len(rows) {
			if err := single.Append(&rows[want]); err != nil {
				t.Fatal(err)
			}
			want++
		}
		got := 0
		for together.Bytes() < limit && got < len(rows) {
			n, err := together.AppendRows(rows[got:], limit)
			if err != nil || n == 0 {
				t.Fatalf("%d rows, %v", n, err)
			}
			got += n
		}
		if got != want || together.Rows() != want || together.Bytes() != single.Bytes() {
			t.Fatalf("%d rows of %d bytes, want %d of %d", got, together.Bytes(), want, single.Bytes())
		}
		together.Take()
		single.Take()
	})
}

// TestManyBytes checks that large values given together are taken a few at a time: Arrow's offsets reach 2 GiB only.
func TestManyBytes(t *testing.T) {
	held := texts{offsets: []int32{0, maxValue + 1}, data: make([]byte, maxValue+1)}
	if err := addText(&held, "x"); !errors.Is(err, errMany) {
		t.Errorf("text: %v", err)
	}
	floats := listBuffer[every, float32]{get: func(r *every) []float32 { return r.v }, width: 4, offsets: []int32{0}, values: make([]float32, maxValue/4+1)}
	if _, err := floats.add(make([]every, 2)); !errors.Is(err, errMany) {
		t.Errorf("floats: %v", err)
	}
	cols := Columns[every]{everyColumns()[0]}
	cols[0].buffer = func() buffer[every] { return &fewBuffer{} }
	b, err := NewBatch(cols, cols.Schema("x 1"))
	if err != nil {
		t.Fatal(err)
	}
	if n, err := b.AppendRows(make([]every, 9), 1000); n != 2 || err != nil || b.Rows() != 2 {
		t.Errorf("%d rows, %v", n, err)
	}
}

// fewBuffer takes at most two values at a time.
type fewBuffer struct{ buffer[every] }

func (*fewBuffer) add(rows []every) (int, error) {
	if len(rows) > 2 {
		return 0, errMany
	}
	return len(rows), nil
}

func (*fewBuffer) truncate(int) {}

// FuzzRepeated loads runs over arbitrary ends and offsets: what Load lets pass can be read.
func FuzzRepeated(f *testing.F) {
	ends, offsets := arrow.GetBytes([]int32{2, 3}), arrow.GetBytes([]int32{0, 1, 4})
	f.Add(3, 2, 2, 0, ends, offsets, []byte("abcd"))
	f.Add(3, 2, 1, 0, ends, offsets, []byte("abcd"))
	f.Add(1, 2, 2, 2, ends, offsets, []byte("abcd"))
	f.Add(9, 2, 2, 0, ends, offsets, []byte("abcd"))
	f.Add(0, 0, 0, 0, []byte(nil), []byte(nil), []byte(nil))
	f.Add(3, 2, 2, 0, arrow.GetBytes([]int32{3, 3}), offsets, []byte("abcd"))
	f.Add(3, 2, 2, 0, arrow.GetBytes([]int32{-1, 3}), offsets, []byte("abcd"))
	f.Fuzz(func(t *testing.T, n, runs, values, offset int, ends, offsets, data []byte) {
		for _, v := range []int{n, runs, values, offset} {
			if v < 0 || v > 1<<20 {
				return
			}
		}
		col := partColumns()[0]
		a := damagedRuns(col.field.Type, n, runs, offset, ends,
			array.NewData(arrow.BinaryTypes.String, values, []*memory.Buffer{nil, memory.NewBufferBytes(offsets), memory.NewBufferBytes(data)}, nil, 0, 0))
		if a == nil {
			return
		}
		view := NewView(Columns[part]{col})
		if view.Load([]arrow.Array{a}, n) != nil {
			return
		}
		if got := view.ReadRows(make([]part, n+1)); got != n {
			t.Fatalf("%d rows, want %d", got, n)
		}
	})
}

func damagedRuns(of arrow.DataType, n, runs, offset int, ends []byte, values arrow.ArrayData) (a arrow.Array) {
	err := func() (err error) {
		defer Recover("f", &err)
		a = array.MakeFromData(array.NewData(of, n, []*memory.Buffer{nil}, []arrow.ArrayData{
			array.NewData(arrow.PrimitiveTypes.Int32, runs, []*memory.Buffer{nil, memory.NewBufferBytes(ends)}, nil, 0, 0), values,
		}, 0, offset))
		return nil
	}()
	if err != nil {
		return nil
	}
	return a
}

// TestRepeatedNulls refuses runs of nulls, which other programs may write.
func TestRepeatedNulls(t *testing.T) {
	builder := array.NewRunEndEncodedBuilder(memory.NewGoAllocator(), arrow.PrimitiveTypes.Int32, arrow.BinaryTypes.String)
	builder.AppendNull()
	view := NewView(partColumns()[:1])
	if err := view.Load([]arrow.Array{builder.NewArray()}, 1); !errors.Is(err, formats.ErrDamaged) || !errors.Is(err, errNulls) {
		t.Error(err)
	}
}
