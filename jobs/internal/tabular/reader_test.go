package tabular

import (
	"encoding/binary"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shardmill/shardmill/mapreduce"
)

// TestColumns lists the columns of files in all formats.
func TestColumns(t *testing.T) {
	dir := t.TempDir()
	rows := [][]string{{"b", "a"}, {"1", "2"}, {"3", "4"}}
	for name, want := range map[string][]string{
		"x.csv": {"b", "a"}, "x.tsv": {"b", "a"}, "x.CSV.gz": {"b", "a"}, "x.parquet": {"b", "a"},
		"x.jsonl": {"a", "b"}, "x.ndjson.zst": {"a", "b"}, // a map's order
	} {
		rg := encodeRows(t, filepath.Join(dir, name), rows)
		got, err := Columns(rg.Path, rg.Name, []string{"a"})
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v %s", name, err, diff)
		}
		_, err = Columns(rg.Path, rg.Name, []string{"a", "c"})
		if mapreduce.ClassOf(err) != mapreduce.Input || !strings.Contains(err.Error(), name+`: no column "c"; the columns are [`) {
			t.Errorf("%s: %v", name, err)
		}
	}
	typed := putParquet(t, filepath.Join(dir, "typed.parquet"), typedTable(3), 2)
	got, err := Columns(typed.Path, typed.Name, nil)
	if diff := cmp.Diff([]string{"i", "f", "b", "s"}, got); err != nil || diff != "" {
		t.Errorf("types: %v %s", err, diff)
	}
	if _, err := Columns(typed.Path, typed.Name, []string{"list"}); err == nil || !strings.Contains(err.Error(), `column "list" has type`) {
		t.Errorf("a list: %v", err)
	}
	none := put(t, filepath.Join(dir, "none.jsonl"), []byte("\nnot JSON\n"))
	if got, err := Columns(none.Path, none.Name, []string{"a"}); err != nil || len(got) > 0 {
		t.Errorf("no object: %q, %v", got, err)
	}
}

// TestBadColumns are files that cannot be looked at.
func TestBadColumns(t *testing.T) {
	dir := t.TempDir()
	big := binary.LittleEndian.AppendUint32(append([]byte("PAR1"), make([]byte, maxListedFooter+1)...), maxListedFooter+1)
	for _, c := range []struct{ name, text, want string }{
		{"x.txt", "a\n", "its name ends in none of"},
		{"head.csv", "", "no header"},
		{"big.parquet", string(append(big, "PAR1"...)), "its footer has 4194305 bytes, more than 4194304"},
		{"none.parquet", "a,b\n1,2\n3,4\n5,6\n", "not a Parquet file"},
		{"short.parquet", "PAR1", "not a Parquet file: it has 4 bytes"},
		{"utf16.jsonl", "\xff\xfea\x00", "UTF-16"},
		{"cut.jsonl.gz", "\x1f\x8b\x00", "cut.jsonl.gz: gzip data"},
	} {
		rg := putRaw(t, filepath.Join(dir, c.name), []byte(c.text))
		_, err := Columns(rg.Path, rg.Name, []string{"a"})
		if mapreduce.ClassOf(err) != mapreduce.Input || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	for _, name := range []string{"gone.csv", "gone.jsonl", "gone.parquet"} {
		if _, err := Columns(filepath.Join(dir, name), name, nil); mapreduce.ClassOf(err) != mapreduce.Input {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestNeeds: only the first columns must have plain values; others have what there is.
func TestNeeds(t *testing.T) {
	dir := t.TempDir()
	lines := put(t, filepath.Join(dir, "x.jsonl"), []byte(`{"a":1,"b":[2]}`+"\n"+`{"a":[1],"b":2}`+"\n"))
	got := readAll(t, lines, 1, "a", "b")
	if len(got) != 2 || got[0].Texts[1] != "[2]" || !strings.Contains(got[1].Wrong, `column "a"`) {
		t.Errorf("JSON lines: %+v", got)
	}
	if got = readAll(t, lines, 2, "a", "b"); !strings.Contains(got[0].Wrong, `column "b"`) {
		t.Errorf("both needed: %+v", got)
	}
	typed := putParquet(t, filepath.Join(dir, "typed.parquet"), typedTable(2), 2)
	if got = readAll(t, typed, 1, "i", "list", "s"); got[1].Kinds[1] != Absent || got[1].Texts[2] != "s1" {
		t.Errorf("Parquet: %+v", got)
	}
}

func TestIsTable(t *testing.T) {
	for name, want := range map[string][2]bool{
		"a.csv": {true, true}, "a.CSV.zstd": {true, true}, "a.tsv": {true, false}, "a.parquet": {true, false},
		"a.parquet.gz": {}, "a.gz": {}, "a.jpg": {}, "csv": {}, "a.jsonl.gz": {true, false},
	} {
		if got := [2]bool{IsTable(name), IsCSV(name)}; got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}
