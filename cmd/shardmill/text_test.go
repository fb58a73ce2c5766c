package main

import (
	"bytes"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/jobs"
)

func TestPrintable(t *testing.T) {
	for _, test := range []struct{ in, want string }{
		{"plain, with ü and 鶴", "plain, with ü and 鶴"},
		{"two\nlines", "two\nlines"},
		{"a\tb", "a b"},
		{"\x1b[31mred", `\x1b[31mred`},
		{"back\rspace\b", `back\rspace\b`},
		{"bad \xff byte", `bad \xff byte`},
		{"right-to-left \u202e", `right-to-left \u202e`},
		{"\u0085\x7f", `\u0085\x7f`},
	} {
		if got := printable(test.in); got != test.want {
			t.Errorf("%q becomes %q, expected %q", test.in, got, test.want)
		}
	}
}

func FuzzPrintable(f *testing.F) {
	f.Add("a\x1b]0;title\x07b")
	f.Add("\xff\x00\u200b")
	f.Fuzz(func(t *testing.T, s string) {
		got := printable(s)
		if !utf8.ValidString(got) {
			t.Fatalf("%q becomes %q, which is not UTF-8", s, got)
		}
		for _, r := range got {
			if r != '\n' && !unicode.IsPrint(r) {
				t.Fatalf("%q becomes %q, which has %U", s, got, r)
			}
		}
		if strings.Contains(oneLine(s), "\n") {
			t.Fatalf("%q becomes several lines", s)
		}
	})
}

func TestSized(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 bytes", 1: "1 byte", 1023: "1023 bytes", 1024: "1.0 KiB", 10 << 10: "10 KiB", 1 << 20: "1.0 MiB",
		3 << 29: "1.5 GiB", 5 << 40: "5.0 TiB", 5 << 50: "5120 TiB",
	} {
		if got := sized(n); got != want {
			t.Errorf("%d is %q, expected %q", n, got, want)
		}
	}
}

// cells is a row of a table in a test.
type cells []string

func (c cells) Cells() []string { return c }

func tableText(t testing.TB, width int, header []string, rows ...jobs.Row) string {
	t.Helper()
	var b bytes.Buffer
	if err := writeTable(&b, jobs.Table{Title: "title", Header: header, Rows: rows}, width); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestWriteTable(t *testing.T) {
	header := []string{"n", "name", "note"}
	for _, test := range []struct {
		name  string
		width int
		rows  []jobs.Row
		want  string
	}{
		{"no rows", 0, nil, "title\n  n  name  note\n"},
		{"numbers to the right", 0, []jobs.Row{cells{"5", "a", "x"}, cells{"10", "bb", ""}}, "title\n   n  name  note\n   5  a     x\n  10  bb\n"},
		{"an empty column goes", 0, []jobs.Row{cells{"5", "a", ""}}, "title\n  n  name\n  5  a\n"},
		{"wide enough", 23, []jobs.Row{cells{"5", "path/to/photo.jpg", ""}}, "title\n  n  name\n  5  path/to/photo.jpg\n"},
		{"too narrow", 20, []jobs.Row{cells{"5", "path/to/photo.jpg", ""}}, "title\n  n  name\n  5  ...to/photo.jpg\n"},
		{"narrower than a column may be", 5, []jobs.Row{cells{"5", "path/to/photo.jpg", ""}}, "title\n  n  name\n  5  ...o.jpg\n"},
		{"no control characters", 0, []jobs.Row{cells{"5", "a\x1b[2Jb\nc", ""}}, "title\n  n  name\n  5  a\\x1b[2Jb\\nc\n"},
	} {
		if got := tableText(t, test.width, header, test.rows...); got != test.want {
			t.Errorf("%s: got\n%swant\n%s", test.name, got, test.want)
		}
	}
}

// Whatever the cells, a table has one line for each row, and no line is wider than asked for unless all columns
// are as narrow as can be.
func TestTableFits(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, 4).Draw(rt, "columns")
		cell := rapid.StringN(0, 40, -1)
		header := rapid.SliceOfN(rapid.StringMatching(`[a-z]{1,6}`), n, n).Draw(rt, "header")
		var rows []jobs.Row
		for _, r := range rapid.SliceOfN(rapid.SliceOfN(cell, n, n), 0, 5).Draw(rt, "rows") {
			rows = append(rows, cells(r))
		}
		width := rapid.IntRange(n*(leastWidth+2), 120).Draw(rt, "width")
		lines := strings.Split(strings.TrimSuffix(tableText(t, width, header, rows...), "\n"), "\n")
		if len(lines) != len(rows)+2 {
			rt.Fatalf("%d lines for %d rows:\n%q", len(lines), len(rows), lines)
		}
		for _, l := range lines {
			if utf8.RuneCountInString(l) > width {
				rt.Fatalf("%q is wider than %d", l, width)
			}
		}
	})
}
