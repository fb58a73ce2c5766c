package delimited

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/formats"
	"github.com/shardmill/shardmill/formats/internal/input"
)

// expected is what encoding/csv says of one record.
type expected struct {
	line   int64
	fields []string
	err    error
}

// oracle reads all records with encoding/csv itself, which goes on after an error as we do.
func oracle(t failer, data string, comma byte) []expected {
	t.Helper()
	var all []expected
	r := csv.NewReader(strings.NewReader(data))
	r.FieldsPerRecord = -1
	r.Comma = rune(comma)
	for {
		fields, err := r.Read()
		var parse *csv.ParseError
		switch {
		case errors.Is(err, io.EOF):
			return all
		case errors.As(err, &parse):
			all = append(all, expected{line: int64(parse.StartLine), err: parse.Err})
		case err != nil:
			t.Fatalf("%v", err)
		default:
			line, _ := r.FieldPos(0)
			all = append(all, expected{line: int64(line), fields: fields})
		}
	}
}

// judge adds our own rules: width fields, no NUL, UTF-8.
func (e expected) judge(width int) error {
	text := strings.Join(e.fields, ",")
	switch {
	case e.err != nil:
		return e.err
	case width >= 0 && len(e.fields) != width:
		return csv.ErrFieldCount
	case strings.Contains(text, "\x00"):
		return formats.ErrNUL
	case !utf8.ValidString(text):
		return formats.ErrNotUTF8
	}
	return nil
}

func checkOracle(t failer, data string, comma byte) {
	t.Helper()
	got := readAll(t, data, Options{Comma: comma})
	want := oracle(t, strings.TrimPrefix(data, input.Mark), comma)
	if len(got) != len(want) {
		t.Fatalf("%q: %d rows and errors, want %d", data, len(got), len(want))
	}
	width := -1
	for i, w := range want {
		g, err := got[i], w.judge(width)
		switch {
		case g.Line != w.line || g.Row != int64(i) || !errors.Is(g.Err, err):
			t.Fatalf("%q: record %d: %+v, want %+v, %v", data, i, g, w, err)
		case err != nil:
			if g.Last < g.Line || !utf8.ValidString(g.Raw) {
				t.Fatalf("%q: record %d: %+v", data, i, g)
			}
		case !slices.Equal(g.Fields, w.fields):
			t.Fatalf("%q: record %d: %q, want %q", data, i, g.Fields, w.fields)
		default:
			width = len(w.fields)
		}
	}
}

// checkTiles checks that each line that is not blank belongs to exactly one record.
func checkTiles(t failer, data string) {
	t.Helper()
	physical := strings.SplitAfter(strings.TrimPrefix(data, input.Mark), "\n")
	line := 0 // lines that are accounted for
	blank := func(until int) {
		for ; line < until; line++ {
			if text := strings.TrimSuffix(physical[line], "\n"); text != "" && text != "\r" {
				t.Fatalf("%q: line %d is in no record", data, line+1)
			}
		}
	}
	r, err := newReader(strings.NewReader(data), "a.csv", Position{Line: 1}, math.MaxInt64, Options{}, 300)
	for err == nil {
		rec := Record{}
		err = r.Read(&rec)
		first, last := int(rec.Line), int(r.Position().Line)
		if at := r.Position().Offset; at > 0 && int(at) <= len(data) && data[at-1] == '\n' {
			last--
		}
		var bad *RowError
		if errors.As(err, &bad) {
			if first = int(bad.Line); int(bad.Last) != last {
				t.Fatalf("%q: %v ends on line %d", data, bad, last)
			}
			err = nil
		}
		if err != nil {
			break
		}
		if first <= line || last < first || last > len(physical) {
			t.Fatalf("%q: record of lines %d to %d after line %d of %d", data, first, last, line, len(physical))
		}
		blank(first - 1)
		line = last
	}
	blank(len(physical))
}

func isUTF16(data string) bool {
	return strings.HasPrefix(data, "\xff\xfe") || strings.HasPrefix(data, "\xfe\xff")
}

func check(t failer, data string, comma byte) {
	t.Helper()
	checkOracle(t, data, comma)
	checkTiles(t, data)
}

var seeds = []string{
	"a,b\n", "a,b", "\"a\",b\r\n", "\"a\nb\",c\n", "a\"b,c\nd,e\n", "\"a\"b,c\nd,e\n", "\"a,b\nc,d\n", "a\nb,c\n",
	"\n\n,\n", "a,b\r", "a,b\r\r\n", "\"a\r\r\nb\",c\r\n", "\"a\"\r,b\n", "\"\"\"\",\"\"\n", "\"a\n\n\nb\"x,c\n\"\n", "\"\r", "a\x00,\xff\n",
	"\"a\"\r\n", "\"\n", "\"\"", "\"\"\"", ",\"\n\"\n", "\r", "\r\n", "\ra\n", "\r\r\n", "\r\"a\n", "\r,\n", "\n\r", input.Mark + "\"a\"\n", input.Mark,
	"a,é\n\xc3\n", "\"\"\r", "\"a\"\r\r", "a;b\tc,\"d\"\n",
}

func TestOracle(t *testing.T) {
	for _, s := range seeds {
		check(t, s, ',')
		check(t, s, ';')
	}
}

// texts gives CSV of all kinds, mostly bad.
func texts() *rapid.Generator[string] {
	pieces := rapid.SampledFrom([]string{
		"a", "bc", ",", ",", "\"", "\"", "\"\"", "\n", "\n", "\r\n", "\r", "\"a\"", "\"a\"\"b\"", "\"l1\nl2\"", "\"\r\n\"", ",\"x\",",
		"\x00", "\xff", "é", "0123456789abcdef", "1,2,3\n", "x,\"y\"\n",
	})
	return rapid.Map(rapid.SliceOfN(pieces, 0, 60), func(s []string) string { return strings.Join(s, "") })
}

func TestOracleOnRandomText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := texts().Draw(t, "text")
		if isUTF16(data) {
			return
		}
		check(t, data, rapid.SampledFrom([]byte{',', 'a', '\t'}).Draw(t, "comma"))
	})
}

func FuzzOracle(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s), byte(','))
	}
	f.Fuzz(func(t *testing.T, data []byte, comma byte) {
		if c, err := separator(comma); err != nil || c != comma || isUTF16(string(data)) {
			return // refused
		}
		check(t, string(bytes.Clone(data)), comma)
	})
}
