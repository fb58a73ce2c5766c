package table

import (
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/formats"
)

// numbered is a row with a number, and a text that can be refused.
type numbered struct {
	n    int64
	text string
}

func numberedColumns() Columns[numbered] {
	return Columns[numbered]{
		Steps("n", func(r *numbered) int64 { return r.n }, func(r *numbered, v int64) { r.n = v }),
		String("text", func(r *numbered) string { return r.text }, func(r *numbered, v string) { r.text = v }),
	}
}

// risingOf draws rows whose numbers have the same steps for a while, and sometimes wrap around.
func risingOf(t *rapid.T) (rows []numbered) {
	n := rapid.SampledFrom([]int64{0, 1, -5, math.MaxInt64 - 3, math.MinInt64}).Draw(t, "first")
	for range rapid.IntRange(0, 8).Draw(t, "runs") {
		step := rapid.SampledFrom([]int64{1, 1, 0, 2, -7, math.MaxInt64, math.MinInt64}).Draw(t, "step")
		for range rapid.IntRange(1, 9).Draw(t, "rows") {
			rows = append(rows, numbered{n: n})
			n += step
		}
	}
	return rows
}

// stepsOf gives the differences of numbers to Arrow's own builder.
func stepsOf(rows []numbered) arrow.Array {
	builder := array.NewRunEndEncodedBuilder(memory.NewGoAllocator(), arrow.PrimitiveTypes.Int32, arrow.PrimitiveTypes.Int64)
	values := of[*array.Int64Builder](builder.ValueBuilder())
	var last, step int64
	for i, r := range rows {
		if d := r.n - last; i > 0 && d == step {
			builder.ContinueRun(1)
		} else {
			builder.Append(1)
			values.Append(d)
			step = d
		}
		last = r.n
	}
	return builder.NewArray()
}

// TestStepsAsBuilder compares steps, which grow several at a time and after some that are refused, with those of Arrow's
// builder, and reads the numbers back.
func TestStepsAsBuilder(t *testing.T) {
	b, err := NewBatch(numberedColumns(), numberedColumns().Schema("x 1"))
	if err != nil {
		t.Fatal(err)
	}
	view := NewView(numberedColumns())
	rapid.Check(t, func(t *rapid.T) {
		rows := risingOf(t)
		for rest := rows; len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "n")
			bad := append(slices.Clone(rest[:n]), numbered{n: rapid.Int64Range(-2, 2).Draw(t, "bad"), text: "\xff"})
			if got, err := b.AppendRows(bad, 1<<20); got != 0 || !errors.Is(err, formats.ErrNotUTF8) {
				t.Fatalf("%d rows, %v", got, err)
			}
			if got, err := b.AppendRows(rest[:n], 1<<20); got != n || err != nil {
				t.Fatalf("%d rows of %d, %v", got, n, err)
			}
			rest = rest[n:]
		}
		rec := b.Take()
		if want := stepsOf(rows); !array.Equal(rec.Column(0), want) || rec.Column(0).Len() != len(rows) {
			t.Fatalf("got %v\nwant %v", rec.Column(0), want)
		}
		if err := view.Load(rec.Columns(), len(rows)); err != nil {
			t.Fatal(err)
		}
		got := make([]numbered, len(rows))
		for n := 0; n < len(rows); {
			n += view.ReadRows(got[n:min(len(got), n+rapid.IntRange(1, 20).Draw(t, "read"))])
		}
		if view.ReadRows(make([]numbered, 1)) != 0 || !slices.Equal(got, rows) {
			t.Fatalf("got %v\nwant %v", got, rows)
		}
	})
}

// TestStepsLimit checks that rows given together end a batch where they would one by one.
func TestStepsLimit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := append(risingOf(t), numbered{n: 9})
		limit := rapid.IntRange(1, 200).Draw(t, "limit")
		fill := func(most int) (sizes []int) {
			b, err := NewBatch(numberedColumns(), numberedColumns().Schema("x 1"))
			for rest := rows; len(rest) > 0 && err == nil; {
				var n int
				n, err = b.AppendRows(rest[:min(len(rest), most)], limit)
				if rest = rest[n:]; b.Bytes() >= limit {
					sizes = append(sizes, b.Rows())
					b.Take()
				}
			}
			if err != nil {
				t.Fatal(err)
			}
			return append(sizes, b.Rows())
		}
		if got, want := fill(len(rows)), fill(1); !slices.Equal(got, want) {
			t.Fatalf("batches of %v rows, want %v", got, want)
		}
	})
}

// TestStepsAreFew checks what numbers that rise by one cost.
func TestStepsAreFew(t *testing.T) {
	b, err := NewBatch(numberedColumns()[:1], numberedColumns()[:1].Schema("x 1"))
	if err != nil {
		t.Fatal(err)
	}
	for n := range int64(1000) {
		if err := b.Append(&numbered{n: n + 100}); err != nil {
			t.Fatal(err)
		}
	}
	if b.Bytes() != 2*runBytes { // that from 0 to the first, and those by one
		t.Errorf("%d bytes", b.Bytes())
	}
}

// TestStepsOfAnotherType refuses arrays that are no runs, or are runs of something else, or of nulls.
func TestStepsOfAnotherType(t *testing.T) {
	texts := array.NewRunEndEncodedBuilder(memory.NewGoAllocator(), arrow.PrimitiveTypes.Int32, arrow.BinaryTypes.String)
	texts.Append(1)
	of[*array.StringBuilder](texts.ValueBuilder()).Append("x")
	nulls := array.NewRunEndEncodedBuilder(memory.NewGoAllocator(), arrow.PrimitiveTypes.Int32, arrow.PrimitiveTypes.Int64)
	nulls.AppendNull()
	plain := array.NewInt64Builder(memory.NewGoAllocator())
	plain.Append(1)
	for _, a := range []arrow.Array{texts.NewArray(), nulls.NewArray(), plain.NewArray()} {
		if err := NewView(numberedColumns()[:1]).Load([]arrow.Array{a}, 1); !errors.Is(err, formats.ErrDamaged) {
			t.Errorf("%v: %v", a, err)
		}
	}
}

// FuzzSteps loads runs over arbitrary ends and steps: what Load lets pass can be read.
func FuzzSteps(f *testing.F) {
	ends, steps := arrow.GetBytes([]int32{2, 3}), arrow.GetBytes([]int64{7, 1})
	f.Add(3, 2, 2, 0, ends, steps)
	f.Add(3, 2, 1, 0, ends, steps)
	f.Add(1, 2, 2, 2, ends, steps)
	f.Add(9, 2, 2, 0, ends, steps)
	f.Add(3, 2, 2, 0, ends, steps[:9])
	f.Add(0, 0, 0, 0, []byte(nil), []byte(nil))
	f.Add(3, 2, 2, 0, arrow.GetBytes([]int32{3, 3}), steps)
	f.Fuzz(func(t *testing.T, n, runs, values, offset int, ends, steps []byte) {
		for _, v := range []int{n, runs, values, offset} {
			if v < 0 || v > 1<<20 {
				return
			}
		}
		col := numberedColumns()[0]
		a := damagedRuns(col.field.Type, n, runs, offset, ends,
			array.NewData(arrow.PrimitiveTypes.Int64, values, []*memory.Buffer{nil, memory.NewBufferBytes(steps)}, nil, 0, 0))
		if a == nil {
			return
		}
		view := NewView(Columns[numbered]{col})
		if view.Load([]arrow.Array{a}, n) != nil {
			return
		}
		if got := view.ReadRows(make([]numbered, n+1)); got != n {
			t.Fatalf("%d rows, want %d", got, n)
		}
	})
}
