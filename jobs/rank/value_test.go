package rank

import (
	"bytes"
	"cmp"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/mapreduce"
)

func TestParse(t *testing.T) {
	cases := []struct {
		kind kind
		text string
		want string
		err  error
	}{
		{text, "", "", nil},
		{text, "a\x00é", "a\x00é", nil},
		{integer, "0", "0", nil},
		{integer, "-1", "-1", nil},
		{integer, "9223372036854775807", "9223372036854775807", nil},
		{integer, "-9223372036854775808", "-9223372036854775808", nil},
		{integer, "9223372036854775808", "", errInt},
		{integer, "", "", errInt},
		{integer, "-", "", errInt},
		{integer, "-0", "", errInt},
		{integer, "007", "", errInt},
		{integer, "-07", "", errInt},
		{integer, "+7", "", errInt},
		{integer, " 7", "", errInt},
		{integer, "1_000", "", errInt},
		{integer, "7.0", "", errInt},
		{float, "-0", "0", nil},
		{float, "1e3", "1000", nil},
		{float, "+.5", "0.5", nil},
		{float, "-inf", "-Inf", nil},
		{float, "5e-324", "5e-324", nil},
		{float, "1e400", "", errFloat},
		{float, "", "", errFloat},
		{float, "1,5", "", errFloat},
		{float, "NaN", "", errNaN},
		{float, "-nan", "", errFloat},
	}
	for _, c := range cases {
		v, err := c.kind.parse([]byte(c.text))
		if !errors.Is(err, c.err) || err == nil && v.String() != c.want {
			t.Errorf("%v %q: %q, %v; expected %q, %v", c.kind, c.text, v, err, c.want, c.err)
		}
		if err == nil && v.kind != c.kind {
			t.Errorf("%v %q has kind %v", c.kind, c.text, v.kind)
		}
	}
}

// Errors say which column and which text, and no more of it than people read.
func TestParseCellErrors(t *testing.T) {
	_, err := integer.parseCell("n", cell{})
	if !errors.Is(err, errMissing) || err.Error() != `column "n": no value` {
		t.Errorf("a missing value: %v", err)
	}
	_, err = float.parseCell("n", cell{[]byte(strings.Repeat("x", 5000)), true})
	if !errors.Is(err, errFloat) || len(err.Error()) > 200 {
		t.Errorf("a long value: %v", err)
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
		return value{text: strings.Join(parts.Draw(t, label), "")}
	}
}

func compareValues(a, b value) int {
	switch a.kind {
	case integer:
		return cmp.Compare(a.int(), b.int())
	case float:
		return cmp.Compare(a.float(), b.float())
	default:
		return strings.Compare(a.text, b.text)
	}
}

func kinds() *rapid.Generator[kind] { return rapid.SampledFrom([]kind{text, integer, float}) }

// The bytes of keys have the order of keys and values, groups are the keys, and nothing is lost.
func TestOrderCodec(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := orderCodec{key: kinds().Draw(t, "key"), by: kinds().Draw(t, "by"), descending: rapid.Bool().Draw(t, "descending")}
		a := orderKey{draw(t, c.key, "key a"), draw(t, c.by, "by a")}
		b := orderKey{draw(t, c.key, "key b"), draw(t, c.by, "by b")}
		want := compareValues(a.by, b.by)
		if c.descending {
			want = -want
		}
		want = cmp.Or(compareValues(a.key, b.key), want)
		x, y := c.Append(nil, a), c.Append(nil, b)
		if got := bytes.Compare(x, y); got != want {
			t.Fatalf("%v and %v: %d, expected %d: %x, %x", a, b, got, want, x, y)
		}
		if same := bytes.Equal(x[:c.group(x)], y[:c.group(y)]); same != (a.key == b.key) {
			t.Fatalf("one group: %v, for the keys %v and %v", same, a.key, b.key)
		}
		before := slices.Clone(x)
		if got, err := c.Decode(x); err != nil || got != a {
			t.Fatalf("%v came back as %v, %v", a, got, err)
		}
		if !bytes.Equal(x, before) {
			t.Fatal("Decode changed its input")
		}
		if w := c.Width(); w != 0 && w != len(x) || (w == 0) != (c.key == text || c.by == text) {
			t.Fatalf("width %d, %d bytes", w, len(x))
		}
	})
}

func TestKeyCodec(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := keyCodec{kinds().Draw(t, "kind")}
		a, b := draw(t, c.kind, "a"), draw(t, c.kind, "b")
		x, y := c.Append(nil, a), c.Append(nil, b)
		if got, want := bytes.Compare(x, y), compareValues(a, b); got != want {
			t.Fatalf("%v and %v: %d, expected %d", a, b, got, want)
		}
		if got, err := c.Decode(x); err != nil || got != a {
			t.Fatalf("%v came back as %v, %v", a, got, err)
		}
		if w := c.Width(); w != 0 && w != len(x) {
			t.Fatalf("width %d, %d bytes", w, len(x))
		}
	})
}

func TestDecodeShort(t *testing.T) {
	for _, c := range []orderCodec{{}, {key: integer}, {by: float}, {key: float, by: integer, descending: true}} {
		for n := range numberBytes {
			if _, err := c.Decode(make([]byte, n)); err == nil && n < 4 {
				t.Errorf("%+v: %d bytes are decoded", c, n)
			} else if err != nil && !errors.Is(err, mapreduce.ErrShort) {
				t.Errorf("%+v: %d bytes: %v", c, n, err)
			}
		}
	}
	if _, err := (keyCodec{integer}).Decode([]byte("short")); !errors.Is(err, mapreduce.ErrShort) {
		t.Errorf("a short number: %v", err)
	}
}

// Damaged bytes give an error or a key, never a panic, and what is decoded has a group.
func FuzzOrderDecode(f *testing.F) {
	for _, c := range []orderCodec{{}, {descending: true}, {key: integer, by: float}} {
		f.Add(c.Append(nil, orderKey{value{kind: c.key, text: "a\x00b"}, value{kind: c.by, text: "c"}}), byte(c.key), byte(c.by), c.descending)
	}
	f.Add([]byte("a\x00"), byte(0), byte(0), false)
	f.Fuzz(func(t *testing.T, b []byte, key, by byte, descending bool) {
		c := orderCodec{kind(key % 3), kind(by % 3), descending}
		if n := c.group(b); n > len(b) || n < min(len(b), 1) {
			t.Fatalf("a group of %d bytes in %d", n, len(b))
		}
		k, err := c.Decode(b)
		if err != nil {
			return
		}
		if again, err := c.Decode(c.Append(nil, k)); err != nil || again != k {
			t.Fatalf("%v became %v, %v", k, again, err)
		}
	})
}

func TestPack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var want []note
		var cells []cell
		for range rapid.IntRange(0, 6).Draw(t, "cells") {
			n := note{ok: rapid.Bool().Draw(t, "ok")}
			if n.ok {
				n.text = rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "-", "1:", ":", strings.Repeat("x", 1000)})).Draw(t, "text")
			}
			want, cells = append(want, n), append(cells, cell{[]byte(n.text), n.ok})
		}
		got, err := unpack(nil, pack(cells))
		if err != nil || !slices.Equal(got, want) {
			t.Fatalf("%v, %v; expected %v", got, err, want)
		}
	})
}

func TestUnpackDamaged(t *testing.T) {
	for _, s := range []string{"x", "1", "1:", "2:a", ":a", "+1:a", "99999999999999999999:a", "3:abcx"} {
		if _, err := unpack(nil, s); !errors.Is(err, errPacked) {
			t.Errorf("%q: %v", s, err)
		}
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add("-3:abc0:")
	f.Add("1:")
	f.Fuzz(func(t *testing.T, s string) {
		notes, err := unpack(nil, s)
		if err != nil {
			return
		}
		cells := make([]cell, len(notes))
		for i, n := range notes {
			cells[i] = cell{[]byte(n.text), n.ok}
		}
		again, err := unpack(nil, pack(cells))
		if err != nil || !slices.Equal(again, notes) {
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

func TestShrink(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(1, 5).Draw(t, "n")
		by := kinds().Draw(t, "by")
		descending := rapid.Bool().Draw(t, "descending")
		s := newShrinker(n, descending)
		for range 2 { // the second batch must not see the first
			var rows []rankedRow
			for i := range rapid.IntRange(0, 60).Draw(t, "rows") {
				key := value{text: strconv.Itoa(rapid.IntRange(0, 3).Draw(t, "key"))}
				rows = append(rows, rankedRow{place: place{line: int64(i)}, key: key, by: draw(t, by, "by")})
			}
			bad := rapid.IntRange(0, 60).Draw(t, "bad")
			skip := func(i int) bool { return i == bad }
			drop := s.shrink(rows, skip)
			for i := range rows {
				better, left := 0, 0
				for j := range rows {
					c := compareValues(rows[j].by, rows[i].by)
					if descending {
						c = -c
					}
					if rows[j].key != rows[i].key || skip(j) {
						continue
					}
					if c < 0 || c == 0 && j < i {
						better++
					}
					if !drop[j] {
						left++
					}
				}
				if !skip(i) && drop[i] && better < int(n) {
					t.Fatalf("row %d, %v of %v, is dropped, and %d are better", i, rows[i].by, rows[i].key, better)
				}
				if by != text && left >= 2*int(n) {
					t.Fatalf("%d rows of the key %v are left", left, rows[i].key)
				}
			}
		}
	})
}
