package table

import (
	"slices"
	"testing"

	"github.com/apache/arrow/go/v15/arrow/array"
	"pgregory.net/rapid"
)

// spot is a record with a field in another.
type spot struct {
	n     int32
	where struct {
		line int64
		file string
	}
}

// TestFieldOf finds fields from the first to the last byte of a record, and nothing else.
func TestFieldOf(t *testing.T) {
	type record struct{ first, middle, last int64 }
	for want, at := range []func(*record) *int64{
		func(r *record) *int64 { return &r.first },
		func(r *record) *int64 { return &r.middle },
		func(r *record) *int64 { return &r.last },
	} {
		if f, ok := fieldOf(at); !ok || f.offset != uintptr(8*want) {
			t.Errorf("field %d: at %d, found %v", want, f.offset, ok)
		}
	}
	if f, ok := fieldOf(func(*record) *int64 { return new(int64) }); ok {
		t.Errorf("another number is at %d", f.offset)
	}
	two := new([2]record)
	if f, ok := fieldOf(func(*record) *[2]record { return two }); ok {
		t.Errorf("what is larger than a record is at %d", f.offset)
	}
}

// TestElsewhere: what is no field of the record, but of what it points to, is written and read too.
func TestElsewhere(t *testing.T) {
	type record struct{ *spot }
	of := func(r *record) *spot {
		if r.spot == nil {
			r.spot = new(spot)
		}
		return r.spot
	}
	cols := Columns[record]{
		RepeatedField("file", func(r *record) *string { return &of(r).where.file }),
		StepsField("line", func(r *record) *int64 { return &of(r).where.line }),
	}
	rows := make([]record, 3)
	for i := range rows {
		w := &of(&rows[i]).where
		w.file, w.line = "ab"[:1+i/2], int64(i*i)
	}
	b, err := NewBatch(cols, cols.Schema("x 1"))
	if err != nil {
		t.Fatal(err)
	}
	if n, err := b.AppendRows(rows, 1<<20); n != len(rows) || err != nil {
		t.Fatal(n, err)
	}
	v, got := NewView(cols), make([]record, len(rows))
	if err := v.Load(b.Take().Columns(), len(rows)); err != nil {
		t.Fatal(err)
	}
	if n := v.ReadRows(got); n != len(rows) {
		t.Fatal(n)
	}
	for i := range rows {
		if *got[i].spot != *rows[i].spot {
			t.Errorf("record %d: got %v, want %v", i, *got[i].spot, *rows[i].spot)
		}
	}
}

// TestFields compares columns of fields with those of functions, in batches of which some records are taken back.
func TestFields(t *testing.T) {
	functions := Columns[spot]{
		Repeated("file", func(s *spot) string { return s.where.file }, func(s *spot, v string) { s.where.file = v }),
		Steps("line", func(s *spot) int64 { return s.where.line }, func(s *spot, v int64) { s.where.line = v }),
		Int32("n", func(s *spot) int32 { return s.n }, func(s *spot, v int32) { s.n = v }),
	}
	fields := Columns[spot]{
		RepeatedField("file", func(s *spot) *string { return &s.where.file }),
		StepsField("line", func(s *spot) *int64 { return &s.where.line }),
		functions[2],
	}
	var batches [2]*Batch[spot]
	var views [2]*View[spot]
	for i, c := range []Columns[spot]{functions, fields} {
		var err error
		if batches[i], err = NewBatch(c, c.Schema("x 1")); err != nil {
			t.Fatal(err)
		}
		views[i] = NewView(c)
	}
	rapid.Check(t, func(t *rapid.T) {
		rows := make([]spot, rapid.IntRange(0, 40).Draw(t, "rows"))
		for i := range rows {
			r := &rows[i]
			r.n = int32(i)
			r.where.file = rapid.SampledFrom([]string{"a", "a", "a", "b", ""}).Draw(t, "file")
			r.where.line = rapid.SampledFrom([]int64{0, int64(i), int64(i), 2 * int64(i), -1 << 63, 1<<63 - 1}).Draw(t, "line")
		}
		for rest := rows; len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "n")
			limit := rapid.SampledFrom([]int{1, 50, 1 << 20}).Draw(t, "limit")
			first, err := batches[0].AppendRows(rest[:n], limit)
			second, bad := batches[1].AppendRows(rest[:n], limit)
			if err != nil || bad != nil || first != second || batches[0].Bytes() != batches[1].Bytes() {
				t.Fatalf("%d rows of %d bytes, %v; %d of %d, %v", first, batches[0].Bytes(), err, second, batches[1].Bytes(), bad)
			}
			rest = rest[first:]
		}
		records := [2][]spot{make([]spot, len(rows)), make([]spot, len(rows))}
		want, got := batches[0].Take(), batches[1].Take()
		if !array.RecordEqual(want, got) {
			t.Fatalf("got %v\nwant %v", got, want)
		}
		for i, v := range views {
			if err := v.Load(want.Columns(), len(rows)); err != nil {
				t.Fatal(err)
			}
			for n := 0; n < len(rows); {
				n += v.ReadRows(records[i][n:min(len(rows), n+rapid.IntRange(1, 9).Draw(t, "read"))])
			}
			if !slices.Equal(records[i], rows) {
				t.Fatalf("got %v\nwant %v", records[i], rows)
			}
		}
	})
}
