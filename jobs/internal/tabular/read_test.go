package tabular

import (
	"errors"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/formats/table"
	"github.com/shardmill/shardmill/mapreduce"
)

func TestFormatOf(t *testing.T) {
	good := map[string]format{
		"a.csv": {comma: ','}, "dir/A.CSV.GZ": {comma: ','}, "a.tsv.zst": {comma: '\t'}, "a.b.tsv.zstd": {comma: '\t'},
		"a.jsonl": {layout: jsonLines}, "a.ndjson.gz": {layout: jsonLines}, "a.parquet": {layout: rowGroups},
	}
	for name, want := range good {
		if f, err := formatOf(name); err != nil || f != want {
			t.Errorf("%s: %+v, %v", name, f, err)
		}
	}
	for _, name := range []string{"", "csv", "a.txt", "a.gz", "a.parquet.gz", "a.csv.bz2", "a.csv/b"} {
		if _, err := formatOf(name); err == nil {
			t.Errorf("%q has a format", name)
		}
	}
}

// All formats give the same cells, and the lines or numbers of their rows.
func TestFormatsAgree(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dir := t.TempDir()
		cell := rapid.SampledFrom([]string{"", "a", "a,b", "a\tb", `"q"`, "x\ny", "é", "7", "-0.50", " a "})
		rows := [][]string{{"a", "b", "c"}}
		for range rapid.IntRange(0, 10).Draw(rt, "rows") {
			rows = append(rows, []string{cell.Draw(rt, "a"), cell.Draw(rt, "b"), "x"})
		}
		var want [][]string
		for _, r := range rows[1:] {
			want = append(want, []string{r[1], r[0], ""})
		}
		for _, name := range []string{"a.csv", "a.tsv", "a.jsonl", "a.csv.gz", "a.tsv.zst", "a.ndjson.gz", "a.jsonl.zst", "a.parquet"} {
			var texts [][]string
			for _, g := range readAll(t, encodeRows(t, filepath.Join(dir, name), rows), 2, "b", "a", "z") {
				texts = append(texts, g.Texts)
				if g.Kinds[0] != Text || g.Kinds[1] != Text || g.Kinds[2] != Absent {
					rt.Fatalf("%s: kinds %v", name, g.Kinds)
				}
			}
			if diff := gocmp.Diff(want, texts); diff != "" {
				rt.Fatalf("%s (-want +got):\n%s", name, diff)
			}
		}
	})
}

func TestNulls(t *testing.T) {
	dir := t.TempDir()
	rows := [][]string{{"a", "b"}, {none, "x"}, {"", none}}
	for _, name := range []string{"a.jsonl", "a.parquet"} {
		got := readAll(t, encodeRows(t, filepath.Join(dir, name), rows), 2, "a", "b")
		if len(got) != 2 || got[0].Kinds[0] != Null || got[0].Kinds[1] != Text || got[1].Kinds[0] != Text || got[1].Kinds[1] != Null {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// Numbers of Parquet come as numbers.
func TestTyped(t *testing.T) {
	rg := putParquet(t, filepath.Join(t.TempDir(), "a.parquet"), typedTable(20), 6)
	rows := readAll(t, rg, 2, "f", "i", "b", "s", "none")
	if len(rows) != 20 {
		t.Fatalf("%d rows", len(rows))
	}
	for i, g := range rows {
		want := got{
			int64(i) + 1,
			[]Kind{Float, Int, Text, Text, Absent},
			[]string{strconv.FormatFloat(float64(i)/2, 'f', -1, 64), strconv.Itoa(i - 1), strconv.FormatBool(i%2 == 1), "s" + strconv.Itoa(i), ""},
			"",
		}
		if i%7 == 6 {
			want.Kinds = []Kind{Null, Int, Null, Null, Absent}
			want.Texts = []string{"", strconv.Itoa(i - 1), "", "", ""}
		}
		if diff := gocmp.Diff(want, g); diff != "" {
			t.Errorf("row %d (-want +got):\n%s", i, diff)
		}
	}
}

// A bad row has its line and its reason, and reading goes on.
func TestBadRows(t *testing.T) {
	dir := t.TempDir()
	csv := put(t, filepath.Join(dir, "a.csv"), []byte("a,b\n1,2\n\n3\n\"4\n5\",6\n7,\xff\nx\"y,8\n9,0\n"))
	want := []got{
		{2, []Kind{Text, Text}, []string{"2", "1"}, ""},
		{4, nil, nil, "wrong number of fields: 1, not 2"},
		{5, []Kind{Text, Text}, []string{"6", "4\n5"}, ""},
		{7, nil, nil, `column "b": not valid UTF-8`},
		{8, nil, nil, `bare " in non-quoted-field`},
		{9, []Kind{Text, Text}, []string{"0", "9"}, ""},
	}
	if diff := gocmp.Diff(want, readAll(t, csv, 2, "b", "a")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	lines := put(t, filepath.Join(dir, "a.jsonl"), []byte("{\"a\":1.50}\n\n[]\n{\"a\":{}}\n{\"a\":true}"))
	want = []got{
		{1, []Kind{Text}, []string{"1.50"}, ""},
		{3, nil, nil, "not a JSON object"},
		{4, nil, nil, `column "a": the value is an object or an array`},
		{5, []Kind{Text}, []string{"true"}, ""},
	}
	if diff := gocmp.Diff(want, readAll(t, lines, 1, "a")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Files that cannot be read are inputs that are wrong, whatever is wrong with them.
func TestBadFiles(t *testing.T) {
	dir := t.TempDir()
	long := strings.Repeat("a,b\n1,2\n", 50000)
	cut := func(name string) mapreduce.Range {
		rg := put(t, filepath.Join(dir, name), []byte(long))
		b := readFile(t, rg.Path)
		return putRaw(t, rg.Path, b[:len(b)-9])
	}
	typed := putParquet(t, filepath.Join(dir, "typed.parquet"), typedTable(3), 2)
	cases := []struct {
		rg      mapreduce.Range
		columns []string
		want    string
	}{
		{put(t, filepath.Join(dir, "twice.csv"), []byte("a,b,a\n")), []string{"a"}, `two columns are called "a"`},
		{put(t, filepath.Join(dir, "noname.csv"), []byte("a,b,\n")), []string{"a"}, "column 3 has no name"},
		{put(t, filepath.Join(dir, "empty.csv"), nil), []string{"a"}, "no header"},
		{put(t, filepath.Join(dir, "bare.csv"), []byte("a\"b,c\n")), []string{"a"}, "bare"},
		{put(t, filepath.Join(dir, "utf16.csv"), []byte("\xff\xfea\x00")), []string{"a"}, "UTF-16"},
		{put(t, filepath.Join(dir, "utf16.jsonl"), []byte("\xff\xfea\x00")), []string{"a"}, "UTF-16"},
		{putRaw(t, filepath.Join(dir, "head.csv.gz"), []byte("\x1f\x8b\x00")), []string{"a"}, "gzip"},
		{putRaw(t, filepath.Join(dir, "head.jsonl.zst"), []byte("\x28\xb5")), []string{"a"}, "zstd"},
		{cut("short.csv.gz"), []string{"a"}, "unexpected EOF"},
		{cut("short.csv.zst"), []string{"a"}, "unexpected EOF"},
		{mapreduce.Range{Name: "no.csv", Path: filepath.Join(dir, "no.csv")}, []string{"a"}, "no such file"},
		{put(t, filepath.Join(dir, "text.parquet"), []byte("a,b\n")), []string{"a"}, "text.parquet"},
		{put(t, filepath.Join(dir, "empty.parquet"), nil), []string{"a"}, "empty.parquet"},
		{typed, []string{"a"}, `no column "a"; the columns are ["i" "f" "b" "s" "list"]`},
		{typed, []string{"list"}, `column "list" has type`},
	}
	for _, c := range cases {
		_, err := tryRead(c.rg, 1, c.columns...)
		err = asInput(err)
		if err == nil || !strings.Contains(err.Error(), c.want) || mapreduce.ClassOf(err) != mapreduce.Input {
			t.Errorf("%s: %v, expected %q", c.rg.Name, err, c.want)
			continue
		}
		if n := strings.Count(err.Error(), c.rg.Name); n > 1 {
			t.Errorf("%v: the file is named %d times", err, n)
		}
	}
	if err := asInput(errors.New("the disk is broken")); mapreduce.ClassOf(err) == mapreduce.Input {
		t.Error("a broken disk is no bad input")
	}
}

// A text is compressed if its first bytes say so, whatever its name is.
func TestNameOfCompressed(t *testing.T) {
	dir := t.TempDir()
	rows := [][]string{{"a"}, {"1"}}
	gz := encodeRows(t, filepath.Join(dir, "a.csv.gz"), rows)
	for _, rg := range []mapreduce.Range{
		putRaw(t, filepath.Join(dir, "b.csv"), readFile(t, gz.Path)),
		putRaw(t, filepath.Join(dir, "c.csv.zst"), []byte("a\n1\n")),
	} {
		if got := readAll(t, rg, 1, "a"); len(got) != 1 || got[0].Texts[0] != "1" {
			t.Errorf("%s: %+v", rg.Name, got)
		}
	}
}

// Carried columns are those of all files, in the order of the input.
func TestCarry(t *testing.T) {
	cases := []struct {
		table Table[int]
		files [][]string
		want  []string
		wrong string
	}{
		{Table[int]{Needs: []string{"k"}, Carries: true}, [][]string{{"a", "k", "b"}, {"k", "c", "a"}}, []string{"a", "b", "c"}, ""},
		{Table[int]{Needs: []string{"k"}, Carries: true, Columns: []string{"b"}}, [][]string{{"a", "k", "b"}, nil}, []string{"b"}, ""},
		{Table[int]{Needs: []string{"k"}, Carries: true, Columns: []string{}}, [][]string{{"a", "k", "b"}}, nil, ""},
		{Table[int]{Needs: []string{"k"}}, [][]string{{"a", "k", "b"}}, nil, ""},
		{Table[int]{Needs: []string{"k"}}, [][]string{{"k"}, {"a"}}, nil, `1.csv: no column "k"`},
		{Table[int]{Needs: []string{"k"}, Carries: true, Columns: []string{"b"}}, [][]string{{"k"}}, nil, `0.csv: no column "b"`},
	}
	for i, c := range cases {
		var m meta
		var err error
		for n, names := range c.files {
			err = errors.Join(err, c.table.carry(&m, strconv.Itoa(n)+".csv", names))
		}
		if c.wrong != "" {
			var missing *table.ColumnError
			if !errors.As(err, &missing) || !strings.Contains(err.Error(), c.wrong) {
				t.Errorf("case %d: %v", i, err)
			}
			continue
		}
		if diff := gocmp.Diff(c.want, m.Carried); diff != "" || err != nil {
			t.Errorf("case %d: %v (-want +got):\n%s", i, err, diff)
		}
	}
}
