package classify_test

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/pqarrow"
	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"github.com/shardmill/shardmill/formats/table"
	"github.com/shardmill/shardmill/jobs"
	"github.com/shardmill/shardmill/jobs/classify"
	"github.com/shardmill/shardmill/mapreduce"
	"github.com/shardmill/shardmill/mapreduce/mrtest"
)

// listed is a row of a manifest that a test writes in many formats.
type listed struct {
	Path  string  `json:"path"`
	ID    int64   `json:"id"`
	Label string  `json:"label"`
	Size  float64 `json:"size"`
	Note  *string `json:"note"`
}

// demoRows are the pictures of the demo's manifest. Values are such as all formats write alike.
func demoRows(t testing.TB) []listed {
	t.Helper()
	f, err := os.Open(demo(t, "manifest.csv"))
	if err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(f).ReadAll()
	if err = errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	var rows []listed
	for i, r := range records[1:] {
		note := fmt.Sprintf("né %d, \"%s\"", i, r[3])
		rows = append(rows, listed{r[0], int64(1000 + i), r[2], float64(i) / 4, &note})
	}
	return rows
}

// writeManifest writes rows in the format that the file's name says.
func writeManifest(t testing.TB, path string, rows []listed) {
	t.Helper()
	var b bytes.Buffer
	var err error
	name := filepath.Base(path)
	switch {
	case strings.Contains(name, ".parquet"):
		err = writeParquet(&b, rows)
	case strings.Contains(name, "json"):
		e := json.NewEncoder(&b)
		for _, r := range rows {
			err = errors.Join(err, e.Encode(r))
		}
	default:
		w := csv.NewWriter(&b)
		if strings.Contains(name, ".tsv") {
			w.Comma = '\t'
		}
		err = w.Write([]string{"path", "id", "label", "size", "note"})
		for _, r := range rows {
			err = errors.Join(err, w.Write([]string{r.Path, strconv.FormatInt(r.ID, 10), r.Label, strconv.FormatFloat(r.Size, 'g', -1, 64), *r.Note}))
		}
		w.Flush()
	}
	if err != nil {
		t.Fatal(err)
	}
	mrtest.Write(t, path, compressAs(t, name, b.Bytes()))
}

// compressAs compresses as a file's name says.
func compressAs(t testing.TB, name string, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	var w io.WriteCloser
	var err error
	switch filepath.Ext(name) {
	case ".gz":
		w = gzip.NewWriter(&out)
	case ".zst", ".zstd":
		w, err = zstd.NewWriter(&out)
	default:
		return b
	}
	if err == nil {
		_, err = w.Write(b)
		err = errors.Join(err, w.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// writeParquet writes typed columns, one of them a list, in row groups of 10 rows.
func writeParquet(w io.Writer, rows []listed) error {
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema([]arrow.Field{
		{Name: "path", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "id", Type: arrow.PrimitiveTypes.Int64},
		{Name: "label", Type: arrow.BinaryTypes.String},
		{Name: "boxes", Type: arrow.ListOf(arrow.PrimitiveTypes.Int64), Nullable: true},
		{Name: "size", Type: arrow.PrimitiveTypes.Float64},
		{Name: "note", Type: arrow.BinaryTypes.String, Nullable: true},
	}, nil))
	for _, r := range rows {
		for c, v := range []string{r.Path, strconv.FormatInt(r.ID, 10), r.Label, "[1]", strconv.FormatFloat(r.Size, 'g', -1, 64)} {
			if c == 0 && v == "" {
				b.Field(c).AppendNull()
			} else if err := b.Field(c).AppendValueFromString(v); err != nil {
				return err
			}
		}
		if r.Note == nil {
			b.Field(5).AppendNull()
		} else if err := b.Field(5).AppendValueFromString(*r.Note); err != nil {
			return err
		}
	}
	rec := b.NewRecord()
	tab := array.NewTableFromRecords(rec.Schema(), []arrow.Record{rec})
	props := parquet.NewWriterProperties(parquet.WithMaxRowGroupLength(10))
	return pqarrow.WriteTable(tab, w, 10, props, pqarrow.DefaultWriterProps())
}

// TestManifests: the same rows in any format give the same bytes.
func TestManifests(t *testing.T) {
	needRuntime(t)
	p := demoParams(t)
	p.Root, p.IDCol = demo(t), "id"
	rows := demoRows(t)
	var want map[string][]byte
	for _, ext := range []string{"csv", "tsv", "jsonl", "parquet", "csv.gz", "TSV.zst", "ndjson.zstd", "jsonl.gz"} {
		file := filepath.Join(t.TempDir(), "m."+ext)
		writeManifest(t, file, rows)
		if ext == "TSV.zst" { // the helper looks at small letters
			writeManifest(t, file+"x.tsv.zst", rows)
			if err := os.Rename(file+"x.tsv.zst", file); err != nil {
				t.Fatal(err)
			}
		}
		dir := filepath.Join(t.TempDir(), "job")
		s := mustRun(t, config(t, dir, p, file), mapreduce.ExitRejects)
		if s.Rows.Read != 49 || s.Rows.Mapped != 48 {
			t.Errorf("%s: rows %+v", ext, s.Rows)
		}
		got := map[string][]byte{}
		for name, b := range mrtest.Results(t, dir) {
			if !strings.HasPrefix(name, "rejects") {
				got[name] = b
			}
		}
		if want == nil {
			want = got
			checkCarried(t, dir, rows)
		}
		mrtest.SameFiles(t, want, got)
		if r := mrtest.Rejects(t, jobs.Standard(), dir); len(r) != 1 || r[0].Input != file || r[0].Line == 0 || r[0].ID == "" {
			t.Errorf("%s: rejects %+v", ext, r)
		}
	}
}

// checkCarried looks at the values of other columns in the results.
func checkCarried(t *testing.T, dir string, rows []listed) {
	t.Helper()
	type carried struct{ id, size, note string }
	text := func(name string, of func(*carried) *string) table.Column[carried] {
		return table.NullString(name, func(r *carried) (string, bool) { return *of(r), true }, func(r *carried, v string, _ bool) { *of(r) = v })
	}
	got := readDataset(t, dir, "ranked", table.Columns[carried]{
		table.String("id", func(r *carried) string { return r.id }, func(r *carried, v string) { r.id = v }),
		text("size", func(r *carried) *string { return &r.size }), text("note", func(r *carried) *string { return &r.note }),
	})
	for _, g := range got {
		n, err := strconv.Atoi(g.id)
		if err != nil {
			t.Fatal(err)
		}
		r := rows[n-1000]
		if want := (carried{g.id, strconv.FormatFloat(r.Size, 'g', -1, 64), *r.Note}); g != want {
			t.Errorf("carried %+v, want %+v", g, want)
		}
	}
}

// TestManifestsTogether: columns of several manifests are those of all; what one has not is null there.
func TestManifestsTogether(t *testing.T) {
	needRuntime(t)
	p := demoParams(t)
	p.Root = demo(t)
	dir := t.TempDir()
	rows := demoRows(t)
	one, two := filepath.Join(dir, "one.parquet"), filepath.Join(dir, "two.jsonl")
	writeManifest(t, one, rows[:2])
	mrtest.Write(t, two, fmt.Appendf(nil, `{"path":%q,"label":null,"boxes":[{"x": 1}],"size":true}`+"\n"+`{"path":%q,"label":"z","more":1}`+"\n", rows[2].Path, rows[3].Path))
	cfg := config(t, filepath.Join(dir, "job"), p, one, two)
	mustRun(t, cfg, mapreduce.ExitComplete)
	type carried struct{ path, label, values string }
	var cols table.Columns[carried]
	cols = append(cols, table.String("path", func(r *carried) string { return r.path }, func(r *carried, v string) { r.path = v }))
	cols = append(cols, table.NullString("true_label", func(r *carried) (string, bool) { return r.label, true }, func(r *carried, v string, ok bool) {
		if r.label = v; !ok {
			r.label = "null"
		}
	}))
	for _, name := range []string{"id", "size", "note", "boxes", "more"} {
		if name == "id" {
			name = "in_id"
		}
		cols = append(cols, table.NullString(name, func(r *carried) (string, bool) { return r.values, true }, func(r *carried, v string, ok bool) {
			if !ok {
				v = "null"
			}
			r.values += "|" + v
		}))
	}
	got := readDataset(t, cfg.Dir, "ranked", cols)
	slices.SortFunc(got, func(a, b carried) int {
		at := func(c carried) int { return slices.IndexFunc(rows, func(r listed) bool { return r.Path == c.path }) }
		return at(a) - at(b)
	})
	want := []carried{
		{rows[0].Path, rows[0].Label, "|1000|0|" + *rows[0].Note + "|null|null"},
		{rows[1].Path, rows[1].Label, "|1001|0.25|" + *rows[1].Note + "|null|null"},
		{rows[2].Path, "null", `|null|true|null|[{"x": 1}]|null`},
		{rows[3].Path, "z", "|null|null|null|null|1"},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(carried{})); diff != "" {
		t.Error(diff)
	}
}

// TestBadRowsOfManifests: each becomes one reject that names its line, and the others are classified.
func TestBadRowsOfManifests(t *testing.T) {
	needRuntime(t)
	p := demoParams(t)
	p.Root, p.IDCol, p.LabelCol = demo(t), "id", ""
	good := picturesOf(t, 1)[0]
	for name, c := range map[string]struct {
		text string
		want map[int64]string // by line
	}{
		"m.csv": {"path,id\n" + good + ",1\n,2\nx.jpg\n" + good + ",\n", map[int64]string{3: "the path is empty", 4: "number of fields", 5: `no id in column "id"`}},
		"m.tsv": {"path\tid\n" + good + "\t1\n\t2\nx.jpg\n" + good + "\t\nx\xff\t7\n", map[int64]string{
			3: "the path is empty", 4: "fields", 5: `no id in column "id"`, 6: "UTF-8",
		}},
		"m.jsonl": {
			`{"path":"` + good + `","id":"1"}` + "\n" + `{"path":"","id":2}` + "\n\n" + `{"path":"x.jpg","id":[1]}` + "\n" +
				`{"id":5}` + "\n" + `{"path":"x\u0000","id":6}` + "\n" + `{"path":` + "\n" + `{"path":"x.jpg","id":null}` + "\n",
			map[int64]string{
				2: "the path is empty", 4: `column "id": the value is an object or an array`, 5: `no path in column "path"`, 6: "NUL",
				7: "not valid JSON", 8: `no id in column "id"`,
			},
		},
		"m.csv.gz": {"path,id\n" + good + ",1\n,2\n", map[int64]string{3: "the path is empty"}},
	} {
		file := filepath.Join(t.TempDir(), name)
		mrtest.Write(t, file, compressAs(t, name, []byte(c.text)))
		cfg := config(t, filepath.Join(t.TempDir(), "job"), p, file)
		cfg.MaxRejects, _ = mapreduce.ParseMaxRejects("100%")
		if s := mustRun(t, cfg, mapreduce.ExitRejects); s.Rows.Mapped != 1 || int(s.Rows.Rejected) != len(c.want) {
			t.Errorf("%s: rows %+v", name, s.Rows)
		}
		for _, r := range mrtest.Rejects(t, jobs.Standard(), cfg.Dir) {
			if want := c.want[r.Line]; want == "" || !strings.Contains(r.Reason, want) || r.Input != file || r.Record == "" {
				t.Errorf("%s: reject %+v, want %q", name, r, want)
			}
		}
	}
	file := filepath.Join(t.TempDir(), "m.parquet")
	writeManifest(t, file, []listed{{Path: good, ID: 1}, {ID: 2}})
	cfg := config(t, filepath.Join(t.TempDir(), "job"), p, file)
	mustRun(t, cfg, mapreduce.ExitRejects)
	if r := mrtest.Rejects(t, jobs.Standard(), cfg.Dir); len(r) != 1 || r[0].Line != 2 || r[0].Reason != `no path in column "path"` {
		t.Errorf("parquet: rejects %+v", r)
	}
}

// TestDamagedManifests are the input's fault, and said to be.
func TestDamagedManifests(t *testing.T) {
	needRuntime(t)
	p := demoParams(t)
	p.Root, p.LabelCol = demo(t), ""
	rows := demoRows(t)
	cut := func(name string, keep func(n int) int) string {
		file := filepath.Join(t.TempDir(), name)
		writeManifest(t, file, rows)
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		mrtest.Write(t, file, b[:keep(len(b))])
		return file
	}
	less := func(n int) int { return n - 9 }
	spoiled := filepath.Join(t.TempDir(), "spoiled.parquet")
	writeManifest(t, spoiled, rows)
	b, err := os.ReadFile(spoiled)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 40 { // of the first page of the first column
		b[4+i] ^= 0x55
	}
	mrtest.Write(t, spoiled, b)
	for _, c := range []struct{ file, want string }{
		{cut("cut.csv.gz", less), "cut.csv.gz: gzip data: "},
		{cut("cut.jsonl.zst", less), "cut.jsonl.zst: zstd data: "},
		{cut("none.csv.gz", func(int) int { return 1 }), "none.csv.gz: gzip data: "},
		{cut("cut.parquet", less), "cut.parquet: "},
		{spoiled, "spoiled.parquet: "},
	} {
		_, err := run(t, config(t, filepath.Join(t.TempDir(), "job"), p, c.file))
		if mapreduce.ClassOf(err) != mapreduce.Input || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", filepath.Base(c.file), err)
		}
	}
}

// TestStdin: a list on standard input gives what the same pictures in a folder give, and bad lines are rejects.
func TestStdin(t *testing.T) {
	needRuntime(t)
	p := demoParams(t)
	p.LabelCol, p.Root = "", demo(t)
	folder := config(t, filepath.Join(t.TempDir(), "job"), p, demo(t, "images"))
	mustRun(t, folder, mapreduce.ExitRejects)
	best := func(dir string) map[string]row {
		m := map[string]row{}
		for _, r := range readDataset(t, dir, "predictions", predictionColumns()) {
			name := fmt.Sprint(filepath.Base(r.Path), r.Rank)
			r.ID, r.Path, r.Shard = "", "", ""
			m[name] = r
		}
		return m
	}
	entries, err := os.ReadDir(demo(t, "images"))
	if err != nil {
		t.Fatal(err)
	}
	var list strings.Builder
	for _, e := range entries { // in the order of the folder: equal slots of equal batches
		list.WriteString("images/" + e.Name() + "\r\n")
	}
	list.WriteString("\nbad\xff.jpg\nn\x00l.jpg\n" + strings.Repeat("x", 5000) + "\nimages")
	cfg := config(t, filepath.Join(t.TempDir(), "job"), p, "-")
	cfg.Stdin = strings.NewReader(list.String())
	mustRun(t, cfg, mapreduce.ExitRejects)
	if diff := cmp.Diff(best(folder.Dir), best(cfg.Dir)); diff != "" {
		t.Error(diff)
	}
	reasons := map[string]bool{}
	for _, r := range mrtest.Rejects(t, jobs.Standard(), cfg.Dir) {
		reasons[r.Reason] = true
	}
	n := len(entries) + 1
	for _, want := range []string{
		fmt.Sprintf("line %d of standard input: not valid UTF-8", n+1), fmt.Sprintf("line %d of standard input: text has a NUL character", n+2),
		fmt.Sprintf("line %d of standard input: line longer than the limit", n+3), "not a regular file",
	} {
		found := false
		for got := range reasons {
			found = found || strings.HasPrefix(got, want)
		}
		if !found {
			t.Errorf("no reject for %q among %v", want, reasons)
		}
	}
}

// picturesAs are n rows of which the ids repeat: row i has the id i modulo ids.
func picturesAs(t *testing.T, n, ids int) []listed {
	t.Helper()
	pics, note := picturesOf(t, 20), ""
	rows := make([]listed, n)
	for i := range rows {
		rows[i] = listed{Path: pics[i%len(pics)], ID: int64(i % ids), Note: &note}
	}
	return rows
}

// TestDuplicateIDs: of the rows with an id the first in the order of the inputs counts, whatever runs when, and if a
// manifest is given twice too.
func TestDuplicateIDs(t *testing.T) {
	needRuntime(t)
	p := demoParams(t)
	p.Root, p.IDCol, p.LabelCol, p.DuplicateIDs, p.ShardRows = demo(t), "id", "", "reject", 7
	dir := t.TempDir()
	one, two := filepath.Join(dir, "one.csv"), filepath.Join(dir, "two.jsonl")
	rows := picturesAs(t, 50, 31)
	writeManifest(t, one, rows)
	writeManifest(t, two, picturesAs(t, 40, 40))
	var want map[string][]byte
	for _, workers := range []int{1, 2, 3, 0} {
		cfg := config(t, filepath.Join(t.TempDir(), "job"), p, one, two, one)
		cfg.Workers, cfg.Partitions, cfg.InProcess = max(1, workers), 3, workers == 0
		cfg.MaxRejects, _ = mapreduce.ParseMaxRejects("100%")
		s := mustRun(t, cfg, mapreduce.ExitRejects)
		if s.Rows.Read != 140 || s.Rows.Mapped != 40 || s.Rows.Rejected != 100 {
			t.Errorf("%d workers: rows %+v", workers, s.Rows)
		}
		if want == nil {
			want = mrtest.Results(t, cfg.Dir)
			checkDuplicates(t, cfg.Dir, one, two, rows)
		}
		mrtest.SameFiles(t, want, mrtest.Results(t, cfg.Dir))
		mrtest.NothingLeft(t, cfg.Dir)
	}
	p.DuplicateIDs = ""
	_, err := run(t, config(t, filepath.Join(t.TempDir(), "job"), p, one))
	if mapreduce.ClassOf(err) != mapreduce.Input || !strings.Contains(err.Error(), "stands twice: in "+one+" line 2 and in "+one+" line 33") {
		t.Errorf("without reject: %v", err)
	}
}

// checkDuplicates checks that each id has the path of its first row, and each reject the place of that.
func checkDuplicates(t *testing.T, dir, one, two string, rows []listed) {
	t.Helper()
	for _, r := range readDataset(t, dir, "ranked", idColumns()) {
		n, err := strconv.Atoi(r.ID)
		if err != nil || r.Path != picturesAs(t, 50, 50)[n].Path {
			t.Errorf("id %s is of %s, %v", r.ID, r.Path, err)
		}
	}
	seen := map[string]int{}
	for _, r := range mrtest.Rejects(t, jobs.Standard(), dir) {
		n, err := strconv.Atoi(r.ID)
		if err != nil {
			t.Fatal(err)
		}
		first := fmt.Sprintf("%s line %d", one, n+2)
		if n >= 31 {
			first = fmt.Sprintf("%s line %d", two, n+1)
		}
		if want := fmt.Sprintf("duplicate id %q: it stands first in %s", r.ID, first); r.Reason != want || r.Class != "bad-record" {
			t.Errorf("reject %+v, want %q", r, want)
		}
		seen[fmt.Sprint(r.Input, r.Line)]++
	}
	for i := range rows { // all of the second time, and of the first time those from 31 on
		want := 1
		if i >= 31 {
			want = 2
		}
		if got := seen[fmt.Sprint(one, i+2)]; got != want {
			t.Errorf("line %d is %d times among the rejects, want %d", i+2, got, want)
		}
	}
}

// TestDuplicateIDsAfterCrash: a job that dies anywhere has the same duplicates when it continues.
func TestDuplicateIDsAfterCrash(t *testing.T) {
	needRuntime(t)
	p := demoParams(t)
	p.Root, p.IDCol, p.LabelCol, p.DuplicateIDs, p.ShardRows = demo(t), "id", "", "reject", 7
	file := filepath.Join(t.TempDir(), "m.parquet")
	writeManifest(t, file, picturesAs(t, 30, 20))
	whole := config(t, filepath.Join(t.TempDir(), "job"), p, file)
	mustRun(t, whole, mapreduce.ExitRejects)
	want := mrtest.Results(t, whole.Dir)
	for _, rerun := range []mapreduce.Rerun{{Rejected: true}, {Task: "00-split/split-000000"}, {From: "00-split/reduce"}} {
		cfg := whole
		cfg.Rerun = rerun
		mustRun(t, cfg, mapreduce.ExitRejects)
		mrtest.SameFiles(t, want, mrtest.Results(t, whole.Dir))
	}
}

// TestDuplicateParams: a parameter that is missing, and one that means nothing.
func TestDuplicateParams(t *testing.T) {
	for _, c := range []struct{ ids, col, want string }{{"reject", "", "--id-col is needed"}, {"drop", "id", "error or reject"}} {
		p := classify.Defaults()
		p.Model, p.Labels, p.Preprocess, p.DuplicateIDs, p.IDCol = "m", "l", "raw", c.ids, c.col
		_, err := run(t, config(t, filepath.Join(t.TempDir(), "job"), p, "x.csv"))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}
