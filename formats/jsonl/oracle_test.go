package jsonl

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/formats"
	"github.com/shardmill/shardmill/formats/internal/input"
	"github.com/shardmill/shardmill/formats/text"
)

var columns = []string{"a", "b", "", "é\n"}

// expect says with encoding/json what a line that is not blank must give.
func expect(t failer, line string) ([]string, error) {
	t.Helper()
	switch {
	case strings.Contains(line, "\x00"):
		return nil, formats.ErrNUL
	case !utf8.ValidString(line):
		return nil, formats.ErrNotUTF8
	case !json.Valid([]byte(line)):
		return nil, ErrSyntax
	case strings.TrimLeft(line, " \t\r")[0] != '{':
		return nil, ErrNotObject
	}
	var m map[string]json.RawMessage
	if err := json.Unmarshal([]byte(line), &m); err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	var all []string
	for _, c := range columns {
		raw, ok := m[c]
		if !ok {
			all = append(all, "absent")
			continue
		}
		switch raw[0] {
		case '{', '[':
			return nil, ErrNested
		case '"':
			var s string
			if err := json.Unmarshal(raw, &s); err != nil {
				t.Fatalf("%q: %v", raw, err)
			}
			all = append(all, "string "+s)
		case 'n':
			all = append(all, "null")
		case 't', 'f':
			all = append(all, "bool "+string(raw))
		default:
			all = append(all, "number "+string(raw))
		}
	}
	return all, nil
}

func checkOracle(t failer, data string) {
	t.Helper()
	got := readAll(t, data, Options{Columns: columns})
	for i, line := range strings.Split(strings.TrimPrefix(data, input.Mark), "\n") {
		if strings.Trim(line, " \t\r") == "" {
			continue
		}
		want, err := expect(t, line)
		if len(got) == 0 || got[0].Line != int64(i+1) || !errors.Is(got[0].Err, err) || !slices.Equal(got[0].Values, want) {
			t.Fatalf("line %d, %q: %+v, want %q, %v", i+1, line, got[:min(1, len(got))], want, err)
		}
		got = got[1:]
	}
	if len(got) > 0 {
		t.Fatalf("%q: more rows: %+v", data, got)
	}
}

var seeds = []string{
	`{"a":1,"b":"x"}`, `{"a":"\u00e9\ud83d\ude00\ud800","":null,"\u00e9\n":true}`, `{"a":{"a":[1,{}]},"a":2}`, `{"a":[1],"b"}`,
	"{\"a\":1}\r\n\r\n \t\n{\"b\":-0.1e-5}\n", `{"a":01}`, `{"a":-}`, `{"a":1.}`, `{"a":1e}`, `{"a":.5}`, `{"a":+1}`, `{"a":"\x"}`, `{"a":"\u12g4"}`,
	`{"a":tru}`, `{"a":nul}`, `[]`, `null`, `1`, `"a"`, `{`, `}`, `{}}`, `{,}`, `{"a":1,}`, `{"a" 1}`, `{"a":[1,]}`, `{"a":"` + "\x01" + `"}`, "{\"a\":\"\x7f\x00\"}", "\x00",
	`{"b":"0123456789abcdef\"ghijklmnopqrstuvwxyz\\"}`, `{"b":"\ud800\u0041\ud800\ud800\udc00"}`, "{\"a\":\"\xed\xa0\x80\"}", "\xef\xbb\xbf{}", `{"x":"😀","a":"ÿ"}`,
}

func TestOracle(t *testing.T) {
	for _, s := range seeds {
		checkOracle(t, s)
		for i := range len(s) {
			checkOracle(t, s[:i])
			if i > 1 {
				checkOracle(t, s[i:])
			}
		}
	}
	checkOracle(t, strings.Join(seeds[:len(seeds)-2], "\n"))
}

// texts gives JSON lines of all kinds.
func texts() *rapid.Generator[string] {
	var values *rapid.Generator[string]
	scalars := rapid.SampledFrom([]string{`1`, `-0.5e3`, `"x"`, `""`, `"\n\"é"`, `"\ud83d\ude00"`, `null`, `true`, `false`, `"0123456789"`, `01`, `"`, `x`})
	names := rapid.SampledFrom([]string{`"a"`, `"b"`, `""`, `"\u0061"`, `"é\n"`, `"x"`})
	spaces := rapid.SampledFrom([]string{"", "", " ", "\t", "\r"})
	object := rapid.Custom(func(t *rapid.T) string {
		var members []string
		for range rapid.IntRange(0, 5).Draw(t, "members") {
			s := spaces.Draw(t, "space")
			members = append(members, names.Draw(t, "name")+s+":"+s+values.Draw(t, "value"))
		}
		return "{" + strings.Join(members, ",") + "}"
	})
	array := rapid.Map(rapid.SliceOfN(scalars, 0, 3), func(s []string) string { return "[" + strings.Join(s, " ,") + "]" })
	values = rapid.OneOf(scalars, scalars, scalars, scalars, array, rapid.Deferred(func() *rapid.Generator[string] { return object }))
	lines := rapid.OneOf(object, object, object, rapid.SampledFrom(seeds[:len(seeds)-2]))
	return rapid.Map(rapid.SliceOfN(lines, 0, 6), func(s []string) string { return strings.Join(s, "\n") })
}

func TestOracleOnRandomText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { checkOracle(t, texts().Draw(t, "text")) })
}

func FuzzOracle(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if bytes.HasPrefix(data, []byte{0xff, 0xfe}) || bytes.HasPrefix(data, []byte{0xfe, 0xff}) {
			return // refused
		}
		checkOracle(t, string(data))
	})
}

// TestParts cuts random text anywhere: all parts together have the rows of the whole.
func TestParts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := texts().Draw(t, "text")
		if rapid.Bool().Draw(t, "mark") {
			data = input.Mark + data
		}
		cuts := rapid.SliceOfN(rapid.Int64Range(0, int64(len(data))), 0, 8).Draw(t, "cuts")
		cuts = append(cuts, 0, int64(len(data)))
		slices.Sort(cuts)
		scans := make([]text.Scanned, len(cuts)-1)
		for i := range scans {
			scans[i] = text.Scan([]byte(data[cuts[i]:cuts[i+1]]))
		}
		starts := text.Starts(text.Position{Line: 1}, scans)
		o := Options{Columns: columns, MaxLine: 30}
		var got []outcome
		for i, from := range starts[:len(scans)] {
			r, err := NewPartReader(strings.NewReader(data[from.Offset:]), "a.jsonl", from, cuts[i+1], o)
			if err != nil {
				t.Fatal(err)
			}
			if got = append(got, drain(t, r)...); r.Position() != starts[i+1] {
				t.Fatalf("%q cut at %v: part %d ends at %+v, not %+v", data, cuts, i, r.Position(), starts[i+1])
			}
		}
		same := cmp.Comparer(func(a, b error) bool { return errors.Is(a, b) || (a != nil && b != nil && a.Error() == b.Error()) })
		if diff := cmp.Diff(readAll(t, data, o), got, same); diff != "" {
			t.Fatalf("%q cut at %v: %s", data, cuts, diff)
		}
	})
}
