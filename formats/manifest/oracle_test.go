package manifest

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// expected is what encoding/csv says of one record.
type expected struct {
	line   int64
	fields []string
	err    error
}

// oracle reads all records with encoding/csv itself, which goes on after an error as we do.
func oracle(t interface{ Fatal(...any) }, data []byte) []expected {
	var all []expected
	r := csv.NewReader(bytes.NewReader(data))
	r.FieldsPerRecord = -1
	for {
		fields, err := r.Read()
		var parse *csv.ParseError
		switch {
		case errors.Is(err, io.EOF):
			return all
		case errors.As(err, &parse):
			all = append(all, expected{line: int64(parse.StartLine), err: parse.Err})
		case err != nil:
			t.Fatal(err)
		default:
			line, _ := r.FieldPos(0)
			all = append(all, expected{line: int64(line), fields: fields})
		}
	}
}

// bad says whether a record that encoding/csv takes must be refused.
func (e expected) bad(columns int) bool {
	text := strings.Join(e.fields, ",")
	return e.err != nil || len(e.fields) != columns || e.fields[0] == "" ||
		!utf8.ValidString(text) || strings.Contains(text, "\x00")
}

// checkOracle compares all records of body, read after a header, with encoding/csv.
func checkOracle(t *testing.T, body []byte) {
	t.Helper()
	data := append([]byte("path,other\n"), body...)
	m, err := NewReader(bytes.NewReader(data), "m.csv", Options{})
	if err != nil {
		t.Fatal(err)
	}
	got := drain(t, m)
	want := oracle(t, data)[1:]
	if len(got) != len(want) {
		t.Fatalf("%d rows and errors, want %d", len(got), len(want))
	}
	for i, w := range want {
		g := got[i]
		switch {
		case w.bad(2) != (g.Err != nil):
			t.Fatalf("record %d: %+v, want %+v", i, g, w)
		case g.Err != nil && (g.Line != w.line || g.Last < g.Line || !utf8.ValidString(g.Raw)):
			t.Fatalf("record %d: %+v, want line %d", i, g, w.line)
		case g.Err == nil && (g.Row.Line != w.line || g.Row.Path != w.fields[0] || g.Row.Carried[0] != w.fields[1]):
			t.Fatalf("record %d: %+v, want %+v", i, g.Row, w)
		}
	}
}

// checkTiles checks that each line that is not blank belongs to exactly one record.
func checkTiles(t *testing.T, data []byte) {
	t.Helper()
	count := int64(bytes.Count(data, []byte{'\n'}))
	if len(data) > 0 && data[len(data)-1] != '\n' {
		count++
	}
	physical := bytes.Split(data, []byte{'\n'})
	c := newCutter(bytes.NewReader(data))
	line := int64(0)
	blank := func(until int64) {
		for ; line < until; line++ {
			if text := string(physical[line]); text != "" && text != "\r" {
				t.Fatalf("line %d, %q, is in no record", line+1, text)
			}
		}
	}
	for {
		rec, err := c.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil || rec.first <= line || rec.last < rec.first || rec.last > count {
			t.Fatalf("record of lines %d to %d after line %d of %d, %v", rec.first, rec.last, line, count, err)
		}
		blank(rec.first - 1)
		line = rec.last
	}
	blank(count)
}

func check(t *testing.T, body []byte) {
	t.Helper()
	checkOracle(t, body)
	if marked := [][]byte{{0xff, 0xfe}, {0xfe, 0xff}, []byte("\xef\xbb\xbf")}; !slices.ContainsFunc(marked, func(m []byte) bool { return bytes.HasPrefix(body, m) }) {
		checkTiles(t, body)
	}
}

var seeds = []string{
	"a,b\n", "a,b", "\"a\",b\r\n", "\"a\nb\",c\n", "a\"b,c\nd,e\n", "\"a\"b,c\nd,e\n", "\"a,b\nc,d\n", "a\nb,c\n",
	"\n\n,\n", "a,b\r", "a,b\r\r\n", "\"a\r\r\nb\",c\r\n", "\"a\"\r,b\n", "\"\"\"\",\"\"\n", "\"a\n\n\nb\"x,c\n\"\n", "\"\r", "a\x00,\xff\n",
	"\"a\"\r\n", "\"\n", "\"\"", "\"\"\"", ",\"\n\"\n",
}

func TestOracle(t *testing.T) {
	for _, s := range seeds {
		check(t, []byte(s))
	}
}

// TestOracleGenerated builds files out of the pieces that matter, far more often odd than random bytes are.
func TestOracleGenerated(t *testing.T) {
	pieces := rapid.SampledFrom([]string{"a", "b", ",", ",", "\"", "\"", "\"\"", "\n", "\n", "\r\n", "\r", "\"\n", ",\"", "\",", "é", "\xff", "\x00"})
	bodies := rapid.SliceOfN(pieces, 0, 40)
	rapid.Check(t, func(rt *rapid.T) {
		body := strings.Join(bodies.Draw(rt, "body"), "")
		check(t, []byte(body))
	})
}

func FuzzRead(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(check)
}
