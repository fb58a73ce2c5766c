package rank

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/formats/arrowfile"
	"github.com/shardmill/shardmill/formats/table"
	"github.com/shardmill/shardmill/jobs/internal/tabular"
	"github.com/shardmill/shardmill/mapreduce"
)

// Columns of any format give values of any type, or an error that names the column.
func TestSet(t *testing.T) {
	word := func(s string) tabular.Cell { return tabular.Cell{Kind: tabular.Text, Text: []byte(s)} }
	cases := []struct {
		kind kind
		cell tabular.Cell
		want string
		err  error
	}{
		{text, word(""), "", nil},
		{text, word("a\x00é"), "a\x00é", nil},
		{text, tabular.Cell{Kind: tabular.Int, Int: -7}, "-7", nil},
		{text, tabular.Cell{Kind: tabular.Float, Float: 0.5}, "0.5", nil},
		{text, tabular.Cell{Kind: tabular.Null}, "", tabular.ErrMissing},
		{integer, word("-1"), "-1", nil},
		{integer, word("01"), "", tabular.ErrInt},
		{integer, tabular.Cell{Kind: tabular.Int, Int: math.MinInt64}, "-9223372036854775808", nil},
		{integer, tabular.Cell{Kind: tabular.Float, Float: 3}, "3", nil},
		{integer, tabular.Cell{}, "", tabular.ErrMissing},
		{float, word("-0"), "0", nil},
		{float, word("1e3"), "1000", nil},
		{float, tabular.Cell{Kind: tabular.Float, Float: math.Copysign(0, -1)}, "0", nil},
		{float, tabular.Cell{Kind: tabular.Int, Int: 3}, "3", nil},
		{float, tabular.Cell{Kind: tabular.Float, Float: math.NaN()}, "", tabular.ErrNaN},
		{float, word("x"), "", tabular.ErrFloat},
	}
	for _, c := range cases {
		v := value{kind: c.kind}
		bits, b := []uint64{99}, blockOfCells(tabular.Cell{}, c.cell)
		n, err := new(numbers).read(c.kind, bits, b, 1, "n")
		if v.bits = bits[0]; err == nil && c.kind == text {
			v.text, _ = b.Text(0, 1, nil)
		}
		if !errors.Is(err, c.err) || (n == 1) != (err == nil) || err == nil && v.String() != c.want {
			t.Errorf("%v %+v: %d, %v, %v; expected %q, %v", c.kind, c.cell, n, v, err, c.want, c.err)
		}
		if err != nil && !strings.HasPrefix(err.Error(), `column "n": `) {
			t.Errorf("%v %+v: %v", c.kind, c.cell, err)
		}
	}
}

func TestKindOf(t *testing.T) {
	for _, k := range []kind{text, integer, float} {
		if got, err := kindOf(k.String()); got != k || err != nil {
			t.Errorf("%v: %v, %v", k, got, err)
		}
	}
	if _, err := kindOf("auto"); err == nil {
		t.Error("auto is no type")
	}
}

func intValue(n int64) value { return value{kind: integer, bits: intBits(n)} }

func floatValue(f float64) value { return value{kind: float, bits: floatBits(f)} }

func textValue(s string) value { return value{text: []byte(s)} }

func same(a, b value) bool {
	return a.kind == b.kind && compareValues(a, b) == 0
}

// draw makes a value of a kind, often one that equals or resembles others.
func draw(t *rapid.T, k kind, label string) value {
	switch k {
	case integer:
		return intValue(rapid.OneOf(rapid.Int64(), rapid.SampledFrom([]int64{math.MinInt64, -1, 0, 1, math.MaxInt64})).Draw(t, label))
	case float:
		f := rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{
			math.Inf(-1), -1, math.Copysign(0, -1), 0, math.SmallestNonzeroFloat64, 1, math.Inf(1),
		})).Draw(t, label)
		return floatValue(f)
	default:
		parts := rapid.SliceOfN(rapid.SampledFrom([]string{"", "a", "\x00", "\x01", "\x02", "\xff", "\xfe", "é", "aaaaaaaa"}), 0, 4)
		return textValue(strings.Join(parts.Draw(t, label), ""))
	}
}

func compareValues(a, b value) int {
	switch a.kind {
	case integer:
		return cmp.Compare(intOfBits(a.bits), intOfBits(b.bits))
	case float:
		return cmp.Compare(floatOfBits(a.bits), floatOfBits(b.bits))
	default:
		return bytes.Compare(a.text, b.text)
	}
}

func kinds() *rapid.Generator[kind] { return rapid.SampledFrom([]kind{text, integer, float}) }

func drawOrder(t *rapid.T) order {
	return order{key: kinds().Draw(t, "key"), by: kinds().Draw(t, "by"), descending: rapid.Bool().Draw(t, "descending")}
}

// keyOf writes the key of a row.
func keyOf(o order, key, by value) []byte {
	return appendValue(appendValue(nil, &key, false), &by, o.descending)
}

// A shard gives back the keys of its rows, and what is carried.
func TestShardColumn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := drawOrder(t)
		cols := table.Columns[rankedRow]{o.shardColumn()}
		var rows []rankedRow
		var file bytes.Buffer
		w, err := arrowfile.Create(&file, cols)
		if err != nil {
			t.Fatal(err)
		}
		for range rapid.IntRange(0, 20).Draw(t, "rows") {
			key := keyOf(o, draw(t, o.key, "key"), draw(t, o.by, "by"))
			carried := rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 0xfe, 0xff, 'a'}), 0, 6).Draw(t, "carried")
			row := rankedRow{bytes: slices.Concat(key, carried), mid: len(key)}
			rows = append(rows, row)
			if err := w.Write(row); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		r, err := arrowfile.NewReader(bytes.NewReader(file.Bytes()), int64(file.Len()), "shard", cols)
		if err != nil {
			t.Fatal(err)
		}
		var row rankedRow
		for i, want := range rows {
			row.Reset()
			if err := r.Read(&row); err != nil || !bytes.Equal(row.key(), want.key()) || !bytes.Equal(row.carried(), want.carried()) {
				t.Fatalf("row %d is %x, %x, %v; %x, %x was written", i, row.key(), row.carried(), err, want.key(), want.carried())
			}
		}
		if err := r.Read(&row); !errors.Is(err, io.EOF) {
			t.Fatalf("after %d rows: %v", len(rows), err)
		}
	})
}

// The length of a key that is cut short is at most that of what there is.
func TestKeyLenOfDamage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := drawOrder(t)
		key := keyOf(o, draw(t, o.key, "key"), draw(t, o.by, "by"))
		cut := key[:rapid.IntRange(0, len(key)-1).Draw(t, "cut")]
		if n := o.keyLen(cut); n != len(cut) {
			t.Fatalf("%d bytes of %x, which has %d", n, cut, len(cut))
		}
		if n := o.keyLen(key); n != len(key) {
			t.Fatalf("%d bytes of %x, which has %d", n, key, len(key))
		}
	})
}

// The bytes of keys have the order of keys and values, groups are the keys, and nothing is lost.
func TestOrderOfKeys(t *testing.T) {
	var key, by value // used again, as a reducer does
	rapid.Check(t, func(t *rapid.T) {
		o := drawOrder(t)
		keyA, byA := draw(t, o.key, "key a"), draw(t, o.by, "by a")
		keyB, byB := draw(t, o.key, "key b"), draw(t, o.by, "by b")
		want := compareValues(byA, byB)
		if o.descending {
			want = -want
		}
		want = cmp.Or(compareValues(keyA, keyB), want)
		x, y := keyOf(o, keyA, byA), keyOf(o, keyB, byB)
		if got := bytes.Compare(x, y); got != want {
			t.Fatalf("%v %v and %v %v: %d, expected %d: %x, %x", keyA, byA, keyB, byB, got, want, x, y)
		}
		if one := bytes.Equal(x[:o.group(x)], y[:o.group(y)]); one != same(keyA, keyB) {
			t.Fatalf("one group: %v, for the keys %v and %v", one, keyA, keyB)
		}
		before := slices.Clone(x)
		if err := o.decode(x, &key, &by); err != nil || !same(key, keyA) || !same(by, byA) {
			t.Fatalf("%v, %v came back as %v, %v, %v", keyA, byA, key, by, err)
		}
		if !bytes.Equal(x, before) {
			t.Fatal("decode changed its input")
		}
		c := orderCodec{o}
		if w := c.Width(); w != 0 && w != len(x) || (w == 0) != (o.key == text || o.by == text) {
			t.Fatalf("width %d, %d bytes", w, len(x))
		}
		k, err := c.Decode(x)
		if err != nil || !bytes.Equal(c.Append(nil, k), x) || k.String() != keyA.String() {
			t.Fatalf("%x came back as %v, %v", x, k, err)
		}
	})
}

func TestKeyCodec(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := keyCodec{kinds().Draw(t, "kind")}
		a, b := draw(t, c.kind, "a"), draw(t, c.kind, "b")
		x, y := c.Append(nil, groupKey{c.kind, a.appendGroup(nil)}), b.appendGroup(nil)
		if got, want := bytes.Compare(x, y), compareValues(a, b); got != want {
			t.Fatalf("%v and %v: %d, expected %d", a, b, got, want)
		}
		got, err := c.Decode(x)
		if err != nil || !same(got.value(), a) || got.String() != a.String() {
			t.Fatalf("%v came back as %v, %v", a, got, err)
		}
		if w := c.Width(); w != 0 && w != len(x) {
			t.Fatalf("width %d, %d bytes", w, len(x))
		}
	})
}

func TestDecodeShort(t *testing.T) {
	var key, by value
	for _, o := range []order{{}, {key: integer}, {by: float}, {key: float, by: integer, descending: true}} {
		for n := range numberBytes {
			if err := o.decode(make([]byte, n), &key, &by); err == nil && n < 4 {
				t.Errorf("%+v: %d bytes are decoded", o, n)
			} else if err != nil && !errors.Is(err, mapreduce.ErrShort) {
				t.Errorf("%+v: %d bytes: %v", o, n, err)
			}
		}
	}
	if _, err := (keyCodec{integer}).Decode([]byte("short")); !errors.Is(err, mapreduce.ErrShort) {
		t.Errorf("a short number: %v", err)
	}
	if s := (orderKey{order{key: integer}, []byte("short")}).String(); s != "73686f7274" {
		t.Errorf("a short key is called %q", s)
	}
}

// Damaged bytes give an error or a key, never a panic, and what is decoded has a group.
func FuzzOrderDecode(f *testing.F) {
	for _, o := range []order{{}, {descending: true}, {key: integer, by: float}} {
		key, by := value{kind: o.key, text: []byte("a\x00b")}, value{kind: o.by, text: []byte("c")}
		f.Add(keyOf(o, key, by), byte(o.key), byte(o.by), o.descending)
	}
	f.Add([]byte("a\x00"), byte(0), byte(0), false)
	f.Fuzz(func(t *testing.T, b []byte, keyKind, byKind byte, descending bool) {
		o := order{kind(keyKind % 3), kind(byKind % 3), descending}
		if n := o.group(b); n > len(b) || n < min(len(b), 1) {
			t.Fatalf("a group of %d bytes in %d", n, len(b))
		}
		var key, by, key2, by2 value
		if o.decode(b, &key, &by) != nil {
			return
		}
		err := o.decode(keyOf(o, key, by), &key2, &by2)
		if err != nil || !same(key, key2) || !same(by, by2) {
			t.Fatalf("%v, %v became %v, %v, %v", key, by, key2, by2, err)
		}
	})
}

func TestPack(t *testing.T) {
	var notes []note
	rapid.Check(t, func(t *rapid.T) {
		var want []note
		var cells []tabular.Cell
		for range rapid.IntRange(0, 6).Draw(t, "cells") {
			n := note{ok: rapid.Bool().Draw(t, "ok")}
			c := tabular.Cell{Kind: rapid.SampledFrom([]tabular.Kind{tabular.Absent, tabular.Null}).Draw(t, "none")}
			if n.ok {
				n.text = []byte(rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{
					"", "-", "1:", strings.Repeat("x", 62), strings.Repeat("é", 32), strings.Repeat("x", 4095), strings.Repeat("é", 150000),
				})).Draw(t, "text"))
				c = tabular.Cell{Kind: tabular.Text, Text: n.text}
			}
			want, cells = append(want, n), append(cells, c)
		}
		b := pack([]byte("before"), blockOfCells(cells...), 0, 0)
		if !utf8.Valid(b) {
			t.Fatalf("%x is no UTF-8", b)
		}
		var err error
		notes, err = unpack(notes[:0], b[len("before"):])
		if err != nil || !slices.EqualFunc(notes, want, sameNote) {
			t.Fatalf("%v, %v; expected %v", notes, err, want)
		}
	})
}

func sameNote(a, b note) bool { return a.ok == b.ok && bytes.Equal(a.text, b.text) }

// Numbers of Parquet are carried as text.
func TestPackNumbers(t *testing.T) {
	b := pack(nil, blockOfCells(tabular.Cell{Kind: tabular.Int, Int: -12}, tabular.Cell{Kind: tabular.Float, Float: 1e6}), 0, 0)
	if want := "\x04-12\x081000000"; string(b) != want {
		t.Errorf("%q, expected %q", b, want)
	}
}

func TestUnpackDamaged(t *testing.T) {
	for _, s := range []string{"\x02", "\x41", "\x80", "\x01\x03a", "\x40\x40\x40", "\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x3f", "\x40\x40\x40\x40\x40\x40\x40\x40\x40\x20"} {
		if _, err := unpack(nil, []byte(s)); !errors.Is(err, errPacked) {
			t.Errorf("%q: %v", s, err)
		}
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add([]byte("\x00\x04abc\x01"))
	f.Add([]byte("\x41"))
	f.Fuzz(func(t *testing.T, b []byte) {
		notes, err := unpack(nil, b)
		if err != nil {
			return
		}
		cells := make([]tabular.Cell, len(notes))
		for i, n := range notes {
			if n.ok {
				cells[i] = tabular.Cell{Kind: tabular.Text, Text: n.text}
			}
		}
		again, err := unpack(nil, pack(nil, blockOfCells(cells...), 0, 0))
		if err != nil || !slices.EqualFunc(again, notes, sameNote) {
			t.Fatalf("%v became %v, %v", notes, again, err)
		}
	})
}

func TestRenamed(t *testing.T) {
	cases := []struct{ ours, theirs, want []string }{
		{[]string{"rank"}, []string{"user", "score"}, []string{"user", "score"}},
		{[]string{"rank"}, []string{"rank", "score", "in_rank"}, []string{"in_in_rank", "score", "in_rank"}},
		{[]string{"count", "sum_x"}, []string{"sum_x"}, []string{"in_sum_x"}},
	}
	for _, c := range cases {
		if got := renamed(c.ours, c.theirs); !slices.Equal(got, c.want) {
			t.Errorf("%q: %q, expected %q", c.theirs, got, c.want)
		}
	}
}
