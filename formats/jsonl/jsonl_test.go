package jsonl

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/shardmill/shardmill/formats"
)

// outcome is a row or a bad line.
type outcome struct {
	Line   int64
	Values []string // kind and text
	Bad    string   // text of the RowError
	Err    error
	Raw    string
}

type failer interface {
	Helper()
	Fatalf(string, ...any)
}

func drain(t failer, r *Reader) []outcome {
	t.Helper()
	var all []outcome
	for {
		row := Row{Line: -1}
		err := r.Read(&row)
		var bad *RowError
		switch {
		case errors.Is(err, io.EOF):
			return all
		case errors.As(err, &bad):
			if row.Line != -1 || bad.Line != bad.Last {
				t.Fatalf("row %+v with %+v", row, bad)
			}
			all = append(all, outcome{Line: bad.Line, Bad: bad.Error(), Err: bad.Err, Raw: bad.Raw})
		case err != nil:
			t.Fatalf("%v", err)
		default:
			o := outcome{Line: row.Line}
			for _, v := range row.Values {
				o.Values = append(o.Values, show(v))
			}
			all = append(all, o)
		}
	}
}

func show(v Value) string {
	return [...]string{"absent", "null", "bool ", "number ", "string "}[v.Kind] + string(v.Text)
}

func readAll(t failer, data string, o Options) []outcome {
	t.Helper()
	r, err := NewReader(strings.NewReader(data), "a.jsonl", o)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return drain(t, r)
}

var ab = Options{Columns: []string{"a", "b"}}

func TestRead(t *testing.T) {
	for _, c := range []struct {
		text string
		want []string
	}{
		{`{"a":1,"b":"x"}`, []string{"number 1", "string x"}},
		{` { "b" : true , "c" : [ { "a" : 2 } , [ ] ] , "a" : null } `, []string{"null", "bool true"}},
		{`{}`, []string{"absent", "absent"}},
		{`{"a":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00","b":"\ud800x\udc00"}`, []string{"string \"\\/\b\f\n\r\té😀", "string \uFFFDx\uFFFD"}},
		{`{"a":1,"a":"2","b":[],"b":false}`, []string{"string 2", "bool false"}},
		{`{"\u0061":-0.5e+10,"A":3,"b":"\u0000"}`, []string{"number -0.5e+10", "string \x00"}},
		{"\xef\xbb\xbf{\"a\":0}\r", []string{"number 0", "absent"}},
		{`{"a":"é","b":""}`, []string{"string é", "string "}},
	} {
		got := readAll(t, c.text+"\n", ab)
		if diff := cmp.Diff([]outcome{{Line: 1, Values: c.want}}, got); diff != "" {
			t.Errorf("%s: %s", c.text, diff)
		}
	}
}

func TestBadLines(t *testing.T) {
	for _, c := range []struct {
		text, want string
		is         error
	}{
		{`{"a":}`, `a.jsonl:2: not valid JSON: byte 6 is '}'`, ErrSyntax},
		{`{"a":1`, `a.jsonl:2: not valid JSON: it ends too early`, ErrSyntax},
		{`{"a":1} x`, `a.jsonl:2: not valid JSON: byte 9 is 'x'`, ErrSyntax},
		{`{"a":{},"b":tru}`, `a.jsonl:2: not valid JSON: byte 16 is '}'`, ErrSyntax},
		{`[1]`, `a.jsonl:2: not a JSON object`, ErrNotObject},
		{`{"b":[1]}`, `a.jsonl:2: column "b": the value is an object or an array`, ErrNested},
		{"{\"a\":\"\xff\"}", `a.jsonl:2: not valid UTF-8`, formats.ErrNotUTF8},
		{`{"a":"0123456789012345678901234567890123456789"}`, `a.jsonl:2: line longer than the limit of 40 bytes`, formats.ErrTooLong},
	} {
		got := readAll(t, "{\"a\":1}\n"+c.text+"\n\n{\"a\":2}", Options{Columns: []string{"a", "b"}, MaxLine: 40})
		if len(got) != 3 || got[1].Bad != c.want || !errors.Is(got[1].Err, c.is) || got[2].Line != 4 || got[2].Err != nil {
			t.Errorf("%s: %+v, want %s", c.text, got, c.want)
		}
	}
}

func TestLineLimit(t *testing.T) {
	line := `{"a":"0123456789"}`
	for _, end := range []string{"", "\n", "\r\n", "\r"} {
		got := readAll(t, line+end, Options{MaxLine: len(line)})
		long := readAll(t, line+end, Options{MaxLine: len(line) - 1})
		if len(got) != 1 || got[0].Err != nil || len(long) != 1 || !errors.Is(long[0].Err, formats.ErrTooLong) {
			t.Errorf("%q: %+v, %+v", end, got, long)
		}
	}
}

// TestLongLines puts line ends around the ends of the buffer and of the limit.
func TestLongLines(t *testing.T) {
	const (
		frame      = len(`{"a":""}`)
		bufferSize = 256 << 10
	)
	for _, size := range []int{bufferSize, 2 * bufferSize, 3*bufferSize + 5} {
		for n := size - frame - 3; n <= size-frame+3; n++ {
			text := fmt.Sprintf("{\"a\":%q}\r\n{\"a\":1}\n", strings.Repeat("x", n))
			got := readAll(t, text, Options{Columns: []string{"a"}, MaxLine: 3 * bufferSize})
			long := n+frame > 3*bufferSize
			if len(got) != 2 || errors.Is(got[0].Err, formats.ErrTooLong) != long || !long && len(got[0].Values[0]) != n+len("string ") {
				t.Fatalf("%d: %d rows, %v", n, len(got), got[0].Err)
			}
			if got[1].Line != 2 || got[1].Values[0] != "number 1" || len(got[0].Raw) > maxRaw {
				t.Fatalf("%d: %+v", n, got[1])
			}
		}
	}
}

func TestDepth(t *testing.T) {
	for depth, is := range map[int]error{maxDepth: nil, maxDepth + 1: ErrSyntax, 100 * maxDepth: ErrSyntax} {
		line := `{"x":` + strings.Repeat("[", depth-1) + strings.Repeat("]", depth-1) + "}"
		got := readAll(t, line, Options{Columns: []string{"a"}, MaxLine: len(line)})
		if len(got) != 1 || !errors.Is(got[0].Err, is) {
			t.Errorf("depth %d: %v", depth, got[0].Err)
		}
	}
}

func TestRefused(t *testing.T) {
	for _, s := range []string{"\xff\xfea\x00", "\xfe\xff\x00a"} {
		r, err := NewReader(strings.NewReader(s), "a.jsonl", ab)
		if err == nil {
			err = r.Read(new(Row))
		}
		if !errors.Is(err, formats.ErrUTF16) || !strings.HasPrefix(err.Error(), "a.jsonl: ") {
			t.Errorf("%q: %v", s, err)
		}
	}
	if _, err := NewReader(strings.NewReader(""), "a", Options{Columns: []string{"x", "y", "x"}}); !errors.Is(err, ErrDuplicate) {
		t.Error(err)
	}
}

func TestReadError(t *testing.T) {
	broken := errors.New("broken")
	for head, rows := range map[string]int{"": 0, "{": 0, "{}\n": 1, "{}\n{}": 1} {
		r, err := NewReader(io.MultiReader(strings.NewReader(head), iotest.ErrReader(broken)), "a.jsonl", ab)
		n := -1
		for ; err == nil; n++ {
			err = r.Read(new(Row))
		}
		if !errors.Is(err, broken) || !strings.HasPrefix(err.Error(), "a.jsonl: ") || rows > 0 && n != rows {
			t.Errorf("%q: %d rows, %v", head, n, err)
		}
		if r != nil && !errors.Is(r.Read(new(Row)), broken) {
			t.Errorf("%q: the error does not stay", head)
		}
	}
}

// TestNamesThatRepeat has objects with the same names and with others, some too long or too many to be remembered.
func TestNamesThatRepeat(t *testing.T) {
	long := strings.Repeat("x", maxName)
	wide := strings.Repeat(`"x":0,`, maxNames)
	lines := []string{
		`{"a":1,"b":2}`, `{"a":3,"b":4}`, `{"b":5,"a":6}`, `{"a" :7,"b": 8}`, `{"\u0061":9,"b":10}`, `{"a":11,"bb":0,"b":12}`,
		`{` + wide + `"a":13,"b":14}`, `{` + wide + `"b":15,"a":16}`, `{"a":17,"` + long + `":0,"b":18}`, `{"a":19,"` + long + `a":0,"b":20}`, `{"a":21,"b":22}`,
	}
	got := readAll(t, strings.Join(lines, "\n"), ab)
	if len(got) != len(lines) {
		t.Fatalf("%d rows, want %d", len(got), len(lines))
	}
	for i, line := range lines {
		var want struct{ A, B int }
		if err := json.Unmarshal([]byte(line), &want); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{fmt.Sprintf("number %d", want.A), fmt.Sprintf("number %d", want.B)}, got[i].Values); diff != "" {
			t.Errorf("%s: %s", line, diff)
		}
	}
	if got := readAll(t, "{\"a\":1}\n{\"a\"", ab); len(got) != 2 || !errors.Is(got[1].Err, ErrSyntax) {
		t.Errorf("cut inside a name that is known: %+v", got)
	}
}

func TestReadDoesNotAllocate(t *testing.T) {
	line := `{"user":"u\u0031","x":{"a":[1,2,{"b":"\n"}]},"\u0069tem":17,"y":null,"score":0.25}` + "\n"
	r, err := NewReader(strings.NewReader(strings.Repeat(line, 10000)), "a", Options{Columns: []string{"item", "user", "score"}})
	if err != nil {
		t.Fatal(err)
	}
	var row Row
	n := testing.AllocsPerRun(9000, func() { err = r.Read(&row) })
	if err != nil || n != 0 || string(row.Values[0].Text) != "17" {
		t.Errorf("%v allocations a row, %v, %+v", n, err, row)
	}
}

// TestValuesDoNotOverlap appends to a value, which must not change another one.
func TestValuesDoNotOverlap(t *testing.T) {
	for _, line := range []string{`{"a":12,"b":34}`, `{"a":"\n","b":"\t"}`, `{"a":"x","b":true}`} {
		r, err := NewReader(strings.NewReader(line), "a", ab)
		row := Row{}
		if err == nil {
			err = r.Read(&row)
		}
		if err != nil {
			t.Fatal(err)
		}
		want := show(row.Values[1])
		_ = append(row.Values[0].Text, "xxxxxxxxxxxx"...)
		if got := show(row.Values[1]); got != want {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
}
