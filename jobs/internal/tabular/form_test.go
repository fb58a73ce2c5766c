package tabular

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/formats"
	"github.com/shardmill/shardmill/formats/text"
	"github.com/shardmill/shardmill/mapreduce"
)

func TestFormFormats(t *testing.T) {
	csv, semicolon, colons := &Form{Format: CSV}, &Form{Format: Auto, Separator: ";"}, &Form{Format: Auto, Separator: "::"}
	for i, c := range []struct {
		form *Form
		name string
		want format
	}{
		{nil, "a.tsv", format{comma: '\t'}},
		{csv, "a.tsv", format{comma: ',', form: csv}},
		{csv, "a", format{comma: ',', form: csv}},
		{semicolon, "a.csv", format{comma: ';', form: semicolon}},
		{semicolon, "a.dat", format{comma: ';', form: semicolon}},
		{semicolon, "a.jsonl.gz", format{layout: jsonLines, form: semicolon}},
		{semicolon, "a.parquet", format{layout: rowGroups, form: semicolon}},
		{colons, "a.csv", format{layout: plain, comma: ':', sep: "::", form: colons}},
	} {
		if got, err := c.form.formatOf(c.name); err != nil || got != c.want {
			t.Errorf("case %d: %+v, %v", i, got, err)
		}
	}
	for _, f := range []*Form{nil, {Format: Auto}, {Format: Auto, NoHeader: true}} {
		if got, err := f.formatOf("a.dat"); err == nil {
			t.Errorf("%+v: %+v", f, got)
		}
	}
	for name, sep := range map[string]byte{`\t`: '\t', " ": ' ', "|": '|'} {
		if got, err := (&Form{Format: TSV, Separator: name}).formatOf("a"); err != nil || got.comma != sep || got.layout != separated {
			t.Errorf("%q: %+v, %v", name, got, err)
		}
	}
}

func TestFormHides(t *testing.T) {
	for i, c := range []struct {
		form *Form
		name string
		want bool
	}{
		{nil, "d/a.csv", false},
		{nil, "d/README.md", true},
		{&Form{Format: Auto, Separator: ";"}, "d/a.dat", true},
		{&Form{Format: Auto}, "d/_a.csv", false},
		{&Form{Format: CSV}, "d/a.dat", false},
		{&Form{Format: CSV}, "d/_SUCCESS", true},
		{&Form{Format: CSV}, ".d/.DS_Store", true},
		{&Form{Format: CSV}, ".d/a", false},
	} {
		if got := c.form.hides(c.name); got != c.want {
			t.Errorf("case %d: %v", i, got)
		}
	}
}

func TestResolve(t *testing.T) {
	form := &Form{Format: Auto}
	for i, c := range []struct {
		form          *Form
		names, asked  []string
		want, problem string
	}{
		{nil, []string{"a", "b"}, []string{"b", "a"}, "b a", ""},
		{nil, []string{"a", "b"}, []string{"1"}, "", `no column "1"`},
		{form, []string{"a", "b"}, []string{"2", "a"}, "b a", ""},
		{form, []string{"a", "2", "2x"}, []string{"2", "3"}, "2 2x", ""},
		{form, []string{"", "a", "", "a2"}, []string{"a", "4"}, "a a2", ""},
		{form, []string{"", "a"}, []string{"1"}, "", ""},
		{form, []string{"a", "b"}, []string{"3"}, "", `no column "3"; the columns are ["a" "b"]`},
		{form, []string{"a", "b"}, []string{"0"}, "", `no column "0"`},
		{form, []string{"a", "b"}, []string{"-1"}, "", `no column "-1"`},
		{form, []string{"a", "b", "a"}, []string{"b", "a"}, "", `two columns are called "a"`},
		{form, []string{"a", "b", "a"}, []string{"b", "3"}, "b a", ""},
		{form, []string{"a", "b"}, []string{"b", "2"}, "", `as "b" and "2"`},
		{form, []string{"7", "8.5"}, []string{"1"}, "", `column 1 is called "7": if the first line is a row, give --no-header`},
		{form, []string{"7", "x"}, []string{"user"}, "", "give --no-header"},
		{&Form{NoHeader: true}, []string{"1", "2"}, []string{"2", "1"}, "2 1", ""},
		{&Form{NoHeader: true}, []string{"1", "2"}, []string{"user"}, "", `the columns are ["1" "2"]`},
	} {
		got, err := c.form.resolve("f", c.names, c.asked)
		if c.problem != "" {
			if err == nil || !strings.Contains(err.Error(), c.problem) || mapreduce.ClassOf(asInput(err)) != mapreduce.Input {
				t.Errorf("case %d: %v", i, err)
			}
			continue
		}
		if err != nil || strings.Join(got, " ") != c.want {
			t.Errorf("case %d: %q, %v", i, got, err)
		}
	}
}

// formed reads a file, whole or in parts of so many bytes, with a form.
func formed(t testing.TB, form *Form, rg mapreduce.Range, size, part int64, columns ...string) (rows []got) {
	t.Helper()
	f, err := form.formatOf(rg.Name)
	if err != nil {
		t.Fatal(err)
	}
	ranges := []mapreduce.Range{rg}
	if part > 0 && size > 0 {
		ranges = nil
		var scans []scanned
		for lo := int64(0); lo < size; lo += part {
			p := rg
			p.Lo, p.Hi = lo, min(lo+part, size)
			s, err := f.scan(partFile{p}, p)
			if err != nil {
				t.Fatal(err)
			}
			ranges, scans = append(ranges, p), append(scans, s)
		}
		if ranges, err = (Table[int]{Needs: columns, Form: form}).cut(&meta{}, ranges, scans, 1<<20); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range ranges {
		in, err := f.open(disk{}, p, columns, len(columns))
		if err != nil {
			t.Fatal(err)
		}
		found, err := drain(in)
		if err = errors.Join(err, in.close()); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, found...)
	}
	return rows
}

// Plain text is what package strings makes of its lines, in parts of any size.
func TestPlainParts(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		header := rapid.Bool().Draw(rt, "header")
		var b strings.Builder
		b.WriteString(rapid.SampledFrom([]string{"", "\ufeff", "\n", "\r\n"}).Draw(rt, "start"))
		if header {
			b.WriteString("user::::item\n")
		} else {
			b.WriteString("1::2::3\n")
		}
		for range rapid.IntRange(0, 20).Draw(rt, "lines") {
			b.WriteString(strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{"", "a", ":", "\"", "é", "long field", "\xff", "x:", "::"}), 0, 5).Draw(rt, "fields"), "::"))
			b.WriteString(rapid.SampledFrom([]string{"\n", "\r\n", "\n\n"}).Draw(rt, "end"))
		}
		content := strings.TrimSuffix(b.String(), rapid.SampledFrom([]string{"", "\n"}).Draw(rt, "last"))
		form := &Form{Format: CSV, Separator: "::", NoHeader: !header}
		columns := []string{"3", "1"}
		rg := putRaw(t, filepath.Join(dir, "a"), []byte(content))
		want := splitPlain(content, header)
		for _, part := range []int64{0, max(1, int64(len(content))/7), max(1, int64(len(content))/2)} {
			if diff := gocmp.Diff(want, formed(t, form, rg, int64(len(content)), part, columns...)); diff != "" {
				rt.Fatalf("%q in parts of %d (-want +got):\n%s", content, part, diff)
			}
		}
	})
}

// splitPlain splits lines of three fields by "::" and gives the third and the first.
func splitPlain(content string, header bool) (rows []got) {
	for i, line := range strings.Split(strings.TrimPrefix(content, "\ufeff"), "\n") {
		line = strings.TrimSuffix(line, "\r")
		fields := strings.Split(line, "::")
		switch {
		case line == "":
		case header:
			header = false
		case strings.ToValidUTF8(line, "?") != line:
			rows = append(rows, got{Line: int64(i) + 1, Wrong: formats.ErrNotUTF8.Error()})
		case len(fields) != 3:
			rows = append(rows, got{Line: int64(i) + 1, Wrong: fmt.Sprintf("wrong number of fields: %d, not 3", len(fields))})
		default:
			rows = append(rows, got{Line: int64(i) + 1, Kinds: []Kind{Text, Text}, Texts: []string{fields[2], fields[0]}})
		}
	}
	return rows
}

// Without a header the first record is a row, for CSV in parts too, and bad records before the first good one do no harm.
func TestNoHeader(t *testing.T) {
	form := &Form{Format: CSV, NoHeader: true}
	for _, start := range []string{"", "\ufeff", "\n\n", "x\"y,1\n"} {
		content := start + "1,2\n\"3\n4\",5\n\n6,7"
		rg := putRaw(t, filepath.Join(t.TempDir(), "a.csv"), []byte(content))
		for _, part := range []int64{0, 1, 4, 100} {
			var texts []string
			for _, g := range formed(t, form, rg, int64(len(content)), part, "2", "1") {
				texts = append(texts, strconv.FormatInt(g.Line, 10)+" "+strings.Join(g.Texts, "|"))
			}
			at := int64(strings.Count(start, "\n"))
			want := []string{fmt.Sprint(at+1, " 2|1"), fmt.Sprint(at+2, " 5|3\n4"), fmt.Sprint(at+5, " 7|6")}
			if strings.HasPrefix(start, "x") {
				want = append([]string{"1 "}, want...)
			}
			if diff := gocmp.Diff(want, texts); diff != "" {
				t.Errorf("%q in parts of %d (-want +got):\n%s", content, part, diff)
			}
		}
	}
	for content, want := range map[string]error{"": errNoRecord, "\n\n": errNoRecord, "a\"b,c\n": errHeader, strings.Repeat("a\"b\n", 2000) + "1,2\n": errHeader} {
		rg := putRaw(t, filepath.Join(t.TempDir(), "a.csv"), []byte(content))
		f, err := form.formatOf(rg.Name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.readHeader(rg.Path, rg.Name); !errors.Is(err, want) {
			t.Errorf("%.20q: %v", content, err)
		}
	}
}

// Fields of a line are those of strings.Split.
func FuzzReadFields(f *testing.F) {
	f.Add("1::2::3", "::")
	f.Add("a:::b::", "::")
	f.Fuzz(func(t *testing.T, line, sep string) {
		if sep == "" || strings.ContainsAny(line, "\n\r\x00") || strings.ToValidUTF8(line, "") != line || line == "" || strings.HasPrefix(line, "\ufeff") {
			return
		}
		fields, number, err := readFields(text.NewReader(strings.NewReader("\n"+line), "a", 0), sep, nil)
		if err != nil || number != 2 {
			t.Fatalf("%q: line %d, %v", line, number, err)
		}
		var got []string
		for _, v := range fields {
			got = append(got, string(v))
		}
		if diff := gocmp.Diff(strings.Split(line, sep), got); diff != "" {
			t.Fatalf("%q by %q (-want +got):\n%s", line, sep, diff)
		}
	})
}
