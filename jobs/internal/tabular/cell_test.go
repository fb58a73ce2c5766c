package tabular

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func word(s string) Cell { return Cell{Kind: Text, Text: []byte(s)} }

func TestInteger(t *testing.T) {
	cases := []struct {
		cell Cell
		want int64
		err  error
	}{
		{word("0"), 0, nil},
		{word("-1"), -1, nil},
		{word("9223372036854775807"), math.MaxInt64, nil},
		{word("-9223372036854775808"), math.MinInt64, nil},
		{word("9223372036854775808"), 0, ErrInt},
		{word(""), 0, ErrInt},
		{word("-"), 0, ErrInt},
		{word("+"), 0, ErrInt},
		{word("-0"), 0, ErrInt},
		{word("007"), 0, ErrInt},
		{word("-07"), 0, ErrInt},
		{word("+7"), 0, ErrInt},
		{word(" 7"), 0, ErrInt},
		{word("1_000"), 0, ErrInt},
		{word("7.0"), 0, ErrInt},
		{word("true"), 0, ErrInt},
		{Cell{Kind: Int, Int: math.MinInt64}, math.MinInt64, nil},
		{Cell{Kind: Float, Float: 7}, 7, nil},
		{Cell{Kind: Float, Float: math.Copysign(0, -1)}, 0, nil},
		{Cell{Kind: Float, Float: 7.5}, 0, ErrInt},
		{Cell{Kind: Float, Float: -(1 << 53)}, -(1 << 53), nil},
		{Cell{Kind: Float, Float: 1 << 54}, 0, ErrInt},
		{Cell{Kind: Float, Float: 1e300}, 0, ErrInt},
		{Cell{Kind: Float, Float: math.Inf(-1)}, 0, ErrInt},
		{Cell{Kind: Float, Float: math.NaN()}, 0, ErrInt},
		{Cell{Kind: Null}, 0, ErrMissing},
		{Cell{}, 0, ErrMissing},
	}
	for _, c := range cases {
		n, err := c.cell.Integer()
		if !errors.Is(err, c.err) || n != c.want {
			t.Errorf("%+v: %d, %v; expected %d, %v", c.cell, n, err, c.want, c.err)
		}
	}
}

func TestNumber(t *testing.T) {
	cases := []struct {
		cell Cell
		want float64
		err  error
	}{
		{word("-0"), 0, nil},
		{word("1e3"), 1000, nil},
		{word("+.5"), 0.5, nil},
		{word("-inf"), math.Inf(-1), nil},
		{word("5e-324"), 5e-324, nil},
		{word("1e400"), 0, ErrFloat},
		{word(""), 0, ErrFloat},
		{word("1,5"), 0, ErrFloat},
		{word("NaN"), 0, ErrNaN},
		{word("-nan"), 0, ErrFloat},
		{Cell{Kind: Int, Int: -3}, -3, nil},
		{Cell{Kind: Int, Int: math.MaxInt64}, 1 << 63, nil},
		{Cell{Kind: Float, Float: 0.1}, 0.1, nil},
		{Cell{Kind: Float, Float: math.NaN()}, 0, ErrNaN},
		{Cell{Kind: Null}, 0, ErrMissing},
		{Cell{}, 0, ErrMissing},
	}
	for _, c := range cases {
		f, err := c.cell.Number()
		if !errors.Is(err, c.err) || f != c.want {
			t.Errorf("%+v: %v, %v; expected %v, %v", c.cell, f, err, c.want, c.err)
		}
	}
}

// Errors show the text, and no more of it than people read.
func TestCellErrors(t *testing.T) {
	long := word(strings.Repeat("x", 5000))
	_, err := long.Number()
	if err == nil || len(err.Error()) > 200 {
		t.Errorf("a long value: %v", err)
	}
	half := Cell{Kind: Float, Float: 7.5}
	if _, err := half.Integer(); err == nil || err.Error() != `"7.5" is not an int64 in plain decimals` {
		t.Errorf("7.5: %v", err)
	}
}

func TestAppendText(t *testing.T) {
	cases := []struct {
		cell Cell
		want string
	}{
		{word("a,b"), "a,b"},
		{Cell{Kind: Int, Int: -12}, "-12"},
		{Cell{Kind: Float, Float: 1234567}, "1234567"},
		{Cell{Kind: Float, Float: 0.1}, "0.1"},
		{Cell{Kind: Float, Float: 1e21}, "1e+21"},
		{Cell{Kind: Float, Float: 1e-7}, "1e-7"},
		{Cell{Kind: Float}, "0"},
		{Cell{Kind: Float, Float: math.Inf(1)}, "+Inf"},
		{Cell{Kind: Float, Float: math.NaN()}, "NaN"},
		{Cell{Kind: Null}, ""},
		{Cell{}, ""},
	}
	for _, c := range cases {
		if got := string(c.cell.AppendText([]byte("x"))); got != "x"+c.want {
			t.Errorf("%+v: %q, expected %q", c.cell, got, c.want)
		}
		if c.cell.OK() != (c.cell.Kind == Text || c.cell.Kind == Int || c.cell.Kind == Float) {
			t.Errorf("%+v: OK is %v", c.cell, c.cell.OK())
		}
	}
}

// A typed number and its text give the same number.
func TestTextOfNumbers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		i := Cell{Kind: Int, Int: rapid.Int64().Draw(t, "int")}
		text := Cell{Kind: Text, Text: i.AppendText(nil)}
		if n, err := text.Integer(); err != nil || n != i.Int {
			t.Fatalf("%d as %q: %d, %v", i.Int, text.Text, n, err)
		}
		f := Cell{Kind: Float, Float: rapid.Float64().Draw(t, "float")}
		text = Cell{Kind: Text, Text: f.AppendText(nil)}
		if n, err := text.Number(); err != nil || n != f.Float {
			t.Fatalf("%v as %q: %v, %v", f.Float, text.Text, n, err)
		}
		if b, err := json.Marshal(f.Float); err != nil || !bytes.Equal(b, text.Text) {
			t.Fatalf("%v as %q, in JSON %s, %v", f.Float, text.Text, b, err)
		}
	})
}

// What Integer takes as text is what strconv writes.
func FuzzInteger(f *testing.F) {
	for _, s := range []string{"0", "-1", "+1", "01", "-0", "9223372036854775807", "x"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c := Cell{Kind: Text, Text: b}
		n, err := c.Integer()
		canonical := false
		if m, err := strconv.ParseInt(string(b), 10, 64); err == nil {
			canonical = strconv.FormatInt(m, 10) == string(b)
		}
		if (err == nil) != canonical || err == nil && !bytes.Equal(strconv.AppendInt(nil, n, 10), b) {
			t.Fatalf("%q: %d, %v", b, n, err)
		}
	})
}

func TestAsText(t *testing.T) {
	cells := []Cell{word("a,b"), {Kind: Int, Int: 7}, {}, word("\"q\"")}
	if got, want := asText(cells), `"a,b",7,,"""q"""`; got != want {
		t.Errorf("%s, expected %s", got, want)
	}
	if got := asText([]Cell{word(strings.Repeat("é", 5000))}); len(got) > 4096+2 || !strings.HasPrefix(got, "éé") {
		t.Errorf("%d bytes", len(got))
	}
}
