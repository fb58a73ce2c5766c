package jsonl

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// TestSpecial compares with a search by bytes.
func TestSpecial(t *testing.T) {
	near := rapid.SampledFrom([]byte{'a', 'a', 'a', 'a', 'a', '"' - 1, '"', '"' + 1, '\\', '\\' + 1, 0, 0x1f, 0x20, 0x80, 0xa2, 0xdc, 0xff})
	rapid.Check(t, func(t *rapid.T) {
		b := rapid.SliceOfN(near, 0, 40).Draw(t, "text")
		from := rapid.IntRange(0, len(b)).Draw(t, "from")
		want := len(b)
		for i := len(b) - 1; i >= from; i-- {
			if c := b[i]; c == '"' || c == '\\' || c < ' ' {
				want = i
			}
		}
		if got := special(b, from); got != want {
			t.Fatalf("%q from %d: %d, want %d", b, from, got, want)
		}
	})
}

// TestNumber compares with encoding/json, which takes or refuses the whole text.
func TestNumber(t *testing.T) {
	shape := rapid.StringMatching(`-?[0-9]{0,3}\.?[0-9]{0,2}[eE]?[-+]?[0-9]{0,2}`)
	rapid.Check(t, func(t *rapid.T) {
		s := shape.Draw(t, "number")
		end, err := number([]byte(s), 0)
		if got := err == nil && end == len(s); got != json.Valid([]byte(s)) {
			t.Fatalf("%q: %v after %d bytes, %v", s, got, end, err)
		}
	})
}

// TestUnescape compares with encoding/json on strings with and without broken escapes.
func TestUnescape(t *testing.T) {
	pieces := rapid.SampledFrom([]string{"a", "é", "\\n", "\\\"", "\\\\", "\\/", "\\b", "\\f", "\\r", "\\t", "\\u0041", "\\u00E9", "\\ud83d", "\\uDE00", "\\ud83d\\ude00", "\\uFFFD", "\\u0000", "\\x", "\\u12", "\\u00g0", "\\"})
	rapid.Check(t, func(t *rapid.T) {
		var b []byte
		for _, p := range rapid.SliceOfN(pieces, 0, 8).Draw(t, "pieces") {
			b = append(b, p...)
		}
		written := append(append([]byte{'"'}, b...), '"')
		var want string
		wantErr := json.Unmarshal(written, &want)
		kind, end, err := quoted(written, 0)
		if ok := err == nil && end == len(written); ok != (wantErr == nil) {
			t.Fatalf("%s: %v after %d bytes, encoding/json says %v", written, err, end, wantErr)
		}
		if wantErr != nil {
			return
		}
		if got := unescape(nil, b); string(got) != want || !utf8.Valid(got) {
			t.Fatalf("%s: %q, want %q", written, got, want)
		}
		if (kind == escaped) != (bytes.IndexByte(b, '\\') >= 0) {
			t.Fatalf("%s: kind %d", written, kind)
		}
	})
}

func TestValue(t *testing.T) {
	for _, c := range []struct {
		text      string
		kind      Kind
		from, end int
	}{
		{" 12,", Number, 1, 3},
		{"\t\"a\" ", String, 1, 4},
		{`"\n"`, escaped, 0, 4},
		{"true}", Bool, 0, 4},
		{"false", Bool, 0, 5},
		{" null", Null, 1, 5},
		{`{"a":[1,{}]},`, nested, 0, 12},
		{"[ ]x", nested, 0, 3},
	} {
		kind, from, end, err := value([]byte(c.text), 0, 0)
		if kind != c.kind || from != c.from || end != c.end || err != nil {
			t.Errorf("%s: kind %d from %d to %d, %v", c.text, kind, from, end, err)
		}
	}
	for _, s := range []string{"", " ", "x", "tru", "nulL", "fals", "-", "[", "[1", "[1 2]", "{1:2}", `{"a"}`, `{"a":}`, `{"a":1]`, `"a`, `"\`, `"\u`, "]", "\x00"} {
		if _, _, end, err := value([]byte(s), 0, 0); !errors.Is(err, ErrSyntax) || end > len(s) {
			t.Errorf("%q: %v at %d", s, err, end)
		}
	}
}
