package tabular

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/formats/table"
	"github.com/shardmill/shardmill/mapreduce"
)

// cutAt makes parts of a file that end at offsets, in ascending order, and at its end.
func cutAt(file mapreduce.Range, offsets ...int64) (parts []mapreduce.Range) {
	var lo int64
	for _, hi := range append(offsets, file.Bytes) {
		if hi > lo && hi <= file.Bytes {
			p := file
			p.Lo, p.Hi = lo, hi
			parts, lo = append(parts, p), hi
		}
	}
	return parts
}

// scanAll scans parts, and passes what was found through JSON as the engine does.
func scanAll(t testing.TB, parts []mapreduce.Range) (scans []scanned) {
	t.Helper()
	for _, p := range parts {
		f, err := formatOf(p.Name)
		if err != nil {
			t.Fatal(err)
		}
		s, err := f.scan(partFile{p}, p)
		if err != nil {
			t.Fatalf("%+v: %v", p, err)
		}
		b, err := json.Marshal(s)
		var again scanned
		if err = errors.Join(err, json.Unmarshal(b, &again)); err != nil {
			t.Fatal(err)
		}
		scans = append(scans, again)
	}
	return scans
}

// checkParts reads a file in parts and as a whole. counted tells whether the number of rows of a part is known.
func checkParts(t testing.TB, file mapreduce.Range, counted bool, offsets []int64, columns ...string) {
	t.Helper()
	want := readAll(t, file, len(columns), columns...)
	var m meta
	parts := cutAt(file, offsets...)
	ranges, err := Table[int]{Needs: columns}.cut(&m, parts, scanAll(t, parts), 0)
	if err != nil {
		t.Fatal(err)
	}
	var all []got
	for i, rg := range ranges {
		if rg.Lo != parts[i].Lo || rg.Hi != parts[i].Hi || rg.Name != file.Name || rg.Path != file.Path {
			t.Fatalf("part %d, %+v, became %+v", i, parts[i], rg)
		}
		rows := readAll(t, rg, len(columns), columns...)
		if counted && (rg.Rows != int64(len(rows)) || rg.Row != int64(len(all))) || !counted && rg.Rows != -1 {
			t.Fatalf("part %+v: %d rows after %d", rg, len(rows), len(all))
		}
		all = append(all, rows...)
	}
	if diff := gocmp.Diff(want, all); diff != "" {
		t.Fatalf("cut at %v (-whole +parts):\n%s", offsets, diff)
	}
}

// everyCut cuts a file at each byte, and everywhere at once.
func everyCut(t testing.TB, file mapreduce.Range, counted bool, columns ...string) {
	t.Helper()
	var all []int64
	for at := range file.Bytes {
		checkParts(t, file, counted, []int64{at}, columns...)
		all = append(all, at)
	}
	checkParts(t, file, counted, all, columns...)
}

func TestEveryCut(t *testing.T) {
	dir := t.TempDir()
	const csv = "a,b\r\n1,2\n\n\"x\ny\",\"\"\"z\"\"\"\r\n3\n\r\n\"q\"q,4\n5,6"
	for i, text := range []string{
		csv, csv + "\n", "\n\n" + csv, "\xef\xbb\xbf" + csv, "\xef\xbb\xbf\"a\",b\n1,2\n", "\"a\n\",b,a\n,1,2\n3,\"\n\n", "a,b", "a,b\n", "a,b\r",
	} {
		everyCut(t, put(t, filepath.Join(dir, fmt.Sprintf("%d.csv", i)), []byte(text)), true, "b")
	}
	const lines = "{\"a\":1}\r\n\n  \n{\"a\":\"\u00e9\"}\n[]\n{\"b\":2}"
	for i, text := range []string{lines, lines + "\n", "\n\n" + lines, "\xef\xbb\xbf" + lines, "\n", "{\"a\":1}", "\n\n\n"} {
		everyCut(t, put(t, filepath.Join(dir, fmt.Sprintf("%d.jsonl", i)), []byte(text)), false, "a")
	}
}

// Any text cut anywhere gives the same rows, lines and rejects.
func TestAnyParts(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		piece := rapid.SampledFrom([]string{
			"1", "a", ",", ",", "\n", "\n", "\r\n", "\"", "\"\"", "\"x\ny\"", "\xff", "\x00", " ", "\r", "{\"b\":7}\n", "é", "\t",
		})
		text := strings.Join(rapid.SliceOfN(piece, 0, 60).Draw(rt, "pieces"), "")
		name, head := "a.csv", "a,b\n"
		counted := true
		if rapid.Bool().Draw(rt, "json") {
			name, head, counted = "a.jsonl", "", false
			text = "{\"b\":1}\n" + text
		} else if rapid.Bool().Draw(rt, "tabs") {
			name, head = "a.tsv", "a\tb\n"
		}
		if rapid.Bool().Draw(rt, "mark") {
			head = "\xef\xbb\xbf" + head
		}
		file := put(t, filepath.Join(dir, name), []byte(head+text))
		offsets := rapid.SliceOfN(rapid.Int64Range(0, file.Bytes), 0, 5).Draw(rt, "cuts")
		slices.Sort(offsets)
		checkParts(t, file, counted, offsets, "b")
	})
}

// Runs of row groups give the rows of the file with their numbers.
func TestRowGroups(t *testing.T) {
	const rows, groupRows = 50, 7
	file := putParquet(t, filepath.Join(t.TempDir(), "a.parquet"), typedTable(rows), groupRows)
	want := readAll(t, file, 2, "s", "i")
	scans := scanAll(t, []mapreduce.Range{file})
	bytes := scans[0].Groups.Groups[0].Bytes
	for target, most := range map[int64]int{0: groupRows, 1: groupRows, bytes: groupRows, bytes + 1: 2 * groupRows, 1 << 40: rows} {
		var m meta
		table := Table[int]{Needs: []string{"s"}, Carries: true, Columns: []string{"f", "b"}}
		ranges, err := table.cut(&m, []mapreduce.Range{file}, scans, target)
		if err != nil || !slices.Equal(m.Carried, table.Columns) {
			t.Fatalf("carried %q, %v", m.Carried, err)
		}
		var all []got
		for _, rg := range ranges {
			part := readAll(t, rg, 2, "s", "i")
			if int64(len(part)) != rg.Rows || len(part) > most || rg.Row != int64(len(all)) || part[0].Line != rg.Line {
				t.Errorf("target %d: %+v has %d rows after %d, at most %d", target, rg, len(part), len(all), most)
			}
			all = append(all, part...)
		}
		if diff := gocmp.Diff(want, all); diff != "" {
			t.Errorf("target %d (-want +got):\n%s", target, diff)
		}
	}
}

// Columns of files of all kinds are carried in the order of the input; of a file that lacks one, or has it as a list, the
// input is wrong.
func TestCutColumns(t *testing.T) {
	dir := t.TempDir()
	files := []mapreduce.Range{
		put(t, filepath.Join(dir, "a.csv"), []byte("z,i\n1,2\n")),
		put(t, filepath.Join(dir, "b.csv.gz"), []byte("y,i,z\n1,2,3\n")),
		encodeRows(t, filepath.Join(dir, "c.parquet"), [][]string{{"x", "i"}, {"1", "2"}}),
		put(t, filepath.Join(dir, "d.csv"), []byte("i,w\n")),
	}
	all := Table[int]{Needs: []string{"i"}, Carries: true}
	var m meta
	for i, f := range files {
		parts := []mapreduce.Range{f}
		if i == 0 {
			parts = cutAt(f, 3)
		}
		ranges, err := all.cut(&m, parts, scanAll(t, parts), 1)
		if err != nil || len(ranges) != len(parts) {
			t.Fatalf("%s: %+v, %v", f.Name, ranges, err)
		}
		if i == 1 && (ranges[0].Rows != -1 || ranges[0].Hi != 0) {
			t.Errorf("compressed: %+v", ranges[0])
		}
	}
	if want := []string{"z", "y", "x", "w"}; !slices.Equal(m.Carried, want) {
		t.Errorf("carried %q, expected %q", m.Carried, want)
	}
	typed := putParquet(t, filepath.Join(dir, "typed.parquet"), typedTable(2), 2)
	for _, c := range []Table[int]{
		{Needs: []string{"none"}},
		{Needs: []string{"list"}},
		all,
		{Needs: []string{"i"}, Carries: true, Columns: []string{"list"}},
	} {
		parts := []mapreduce.Range{typed}
		_, err := c.cut(&m, parts, scanAll(t, parts), 1)
		var column *table.ColumnError
		if !errors.As(err, &column) || mapreduce.ClassOf(err) != mapreduce.Input || !strings.Contains(err.Error(), "typed.parquet") {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

// Records of scans that do not belong together are errors.
func TestCutDamaged(t *testing.T) {
	dir := t.TempDir()
	var m meta
	for _, name := range []string{"a.csv", "a.jsonl"} {
		parts := cutAt(put(t, filepath.Join(dir, name), []byte("a\n1\n")), 2)
		scans := scanAll(t, parts)
		for _, bad := range [][]scanned{nil, scans[:1], {scans[0], {}}} {
			if _, err := (Table[int]{Needs: nil}).cut(&m, parts, bad, 1); err == nil {
				t.Errorf("%s: %d scans of 2 parts are taken", name, len(bad))
			}
		}
	}
}

// A file that ends before its part does has changed since it was listed.
func TestShorter(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a.csv", "a.jsonl"} {
		rg := put(t, filepath.Join(dir, name), []byte("a,b\n1,2\n"))
		for _, lo := range []int64{0, 6, 20} {
			rg.Lo, rg.Hi = lo, 30
			f, err := formatOf(rg.Name)
			if err == nil {
				_, err = f.scan(partFile{rg}, rg)
			}
			if !errors.Is(err, errShort) || mapreduce.ClassOf(err) != mapreduce.Input {
				t.Errorf("%s from %d: %v", name, lo, err)
			}
		}
	}
}

// A header may be longer than the first parts.
func TestLongHeader(t *testing.T) {
	long := bytes.Repeat([]byte("x"), 300000)
	text := slices.Concat([]byte("a,"), long, []byte(",b\n1,2,3\n4,5,6\n"))
	file := put(t, filepath.Join(t.TempDir(), "a.csv"), text)
	checkParts(t, file, true, []int64{10, 100000, 299999, 300004, 300010}, "b")
}
