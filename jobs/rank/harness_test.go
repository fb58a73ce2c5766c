package rank_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/pqarrow"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/shardmill/shardmill/formats/parquetfile"
	"github.com/shardmill/shardmill/formats/table"
	"github.com/shardmill/shardmill/jobs"
	"github.com/shardmill/shardmill/jobs/rank"
	"github.com/shardmill/shardmill/mapreduce"
	"github.com/shardmill/shardmill/mapreduce/mrtest"
)

// TestMain makes the test binary its own worker program.
func TestMain(m *testing.M) {
	os.Exit(mrtest.Main(m, jobs.Standard(), rank.Job(), rank.JobOfParts(smallParts)))
}

// smallParts are so small, in bytes, that files of a few hundred rows are cut.
const smallParts = 4 << 10

// modes are where rows rest between the input and the mappers.
var modes = []string{"disk", "in-place"}

// config is a run in this process.
func config(t testing.TB, dir string, p rank.Params, inputs ...string) mapreduce.Config {
	t.Helper()
	params, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	return mapreduce.Config{
		Dir: dir, Params: params, Inputs: inputs, Workers: 1, InProcess: true,
		MaxRejects: mapreduce.MaxRejects{Rows: math.MaxInt64, Set: true},
	}
}

func run(t testing.TB, cfg mapreduce.Config, code int) mapreduce.Summary {
	t.Helper()
	return mrtest.Run(t, jobs.Standard(), rank.Job(), cfg, code)
}

// byColumn gives parameters of a ranking.
func byColumn(key, by string, top int64) rank.Params {
	p := rank.Defaults()
	p.Key, p.By, p.Top = key, by, top
	return p
}

// write writes a file, compressed as its name says.
func write(t testing.TB, path string, b []byte) string {
	t.Helper()
	var out bytes.Buffer
	var err error
	switch filepath.Ext(path) {
	case ".gz":
		w := gzip.NewWriter(&out)
		_, err = w.Write(b)
		err = errors.Join(err, w.Close())
	case ".zst":
		var w *zstd.Encoder
		if w, err = zstd.NewWriter(&out); err == nil {
			_, err = w.Write(b)
			err = errors.Join(err, w.Close())
		}
	default:
		out.Write(b)
	}
	if err != nil {
		t.Fatal(err)
	}
	mrtest.Write(t, path, out.Bytes())
	return path
}

// encode writes rows in the format that a name asks for. The first row names the columns; null is a null of JSON and
// Parquet; a row of one cell is a line of text as it stands. It tells on which line each row starts.
func encode(t testing.TB, name string, rows [][]string) (text []byte, lines []int64) {
	t.Helper()
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	if strings.Contains(name, ".tsv") {
		w.Comma = '\t'
	}
	for i, r := range rows {
		lines = append(lines, int64(1+bytes.Count(b.Bytes(), []byte("\n"))))
		switch {
		case strings.HasSuffix(name, ".parquet"):
			lines[i] = int64(i)
		case len(r) == 1:
			b.WriteString(r[0] + "\n")
		case strings.Contains(name, ".jsonl"):
			b.Write(jsonLine(t, rows[0], r, i > 0))
		default:
			if err := w.Write(r); err != nil {
				t.Fatal(err)
			}
			w.Flush()
		}
	}
	if strings.HasSuffix(name, ".parquet") {
		return encodeParquet(t, rows), lines[1:]
	}
	return b.Bytes(), lines[1:]
}

// jsonLine is a row as an object, or nothing unless it is wanted.
func jsonLine(t testing.TB, names, row []string, wanted bool) []byte {
	t.Helper()
	if !wanted {
		return nil
	}
	object := map[string]any{}
	for i, v := range row {
		if object[names[i]] = v; v == null {
			object[names[i]] = nil
		}
	}
	line, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	return append(line, '\n')
}

const null = "\x00null"

// encodeParquet writes rows as nullable texts, in row groups of seven.
func encodeParquet(t testing.TB, rows [][]string) []byte {
	t.Helper()
	const groupRows = 7
	var fields []arrow.Field
	for _, name := range rows[0] {
		fields = append(fields, arrow.Field{Name: name, Type: arrow.BinaryTypes.String, Nullable: true})
	}
	columns := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema(fields, nil))
	for _, r := range rows[1:] {
		for i, v := range r {
			if texts, ok := columns.Field(i).(*array.StringBuilder); ok && v != null {
				texts.Append(v)
			} else {
				columns.Field(i).AppendNull()
			}
		}
	}
	rec := columns.NewRecord()
	var b bytes.Buffer
	props := parquet.NewWriterProperties(parquet.WithMaxRowGroupLength(groupRows))
	table := array.NewTableFromRecords(rec.Schema(), []arrow.Record{rec})
	if err := pqarrow.WriteTable(table, &b, groupRows, props, pqarrow.DefaultWriterProps()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// encodeColumns writes rows as Parquet.
func encodeColumns[R any](t testing.TB, cols table.Columns[R], rows []R) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := parquetfile.Create(&b, cols)
	for _, r := range rows {
		if err == nil {
			err = w.Write(r)
		}
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// value is a value of a result, as text.
type value struct {
	text string
	ok   bool
}

// outRow is a row of a result by the names of its columns.
type outRow map[string]value

// columnOf reads a column of a type: string, int, float or null, a nullable string.
func columnOf(kind, name string) table.Column[outRow] {
	set := func(r *outRow, v string, ok bool) {
		if *r == nil {
			*r = outRow{}
		}
		(*r)[name] = value{v, ok}
	}
	switch kind {
	case "int":
		return table.Int64(name, nil, func(r *outRow, v int64) { set(r, strconv.FormatInt(v, 10), true) })
	case "float":
		return table.Float64(name, nil, func(r *outRow, v float64) { set(r, strconv.FormatFloat(v, 'g', -1, 64), true) })
	case "null":
		return table.NullString(name, nil, set)
	default:
		return table.String(name, nil, func(r *outRow, v string) { set(r, v, true) })
	}
}

// read reads the parts of a dataset: pairs of type and name of each column.
func read(t testing.TB, dir, dataset string, columns ...[2]string) (parts [][]outRow) {
	t.Helper()
	var cols table.Columns[outRow]
	for _, c := range columns {
		cols = append(cols, columnOf(c[0], c[1]))
	}
	return readRows(t, dir, dataset, cols)
}

// readRows reads the parts of a dataset.
func readRows[R any](t testing.TB, dir, dataset string, cols table.Columns[R]) (parts [][]R) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, dataset, "*.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range paths {
		parts = append(parts, readPart(t, p, cols))
	}
	return parts
}

func readPart[R any](t testing.TB, path string, cols table.Columns[R]) (rows []R) {
	t.Helper()
	r, err := parquetfile.Open(path, cols)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }() // only read
	for {
		var row R
		if err := r.Read(&row); errors.Is(err, io.EOF) {
			return rows
		} else if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
	}
}

// reject is where a bad row stands and what is wrong with it.
type reject struct{ input, line, reason string }

func rejects(t testing.TB, dir string) (all []reject) {
	t.Helper()
	for _, r := range mrtest.Rejects(t, jobs.Standard(), dir) {
		all = append(all, reject{r.Input, strconv.FormatInt(r.Line, 10), r.Reason})
	}
	return all
}

// columnsOf lists the columns of a file, which it asks for one that is not there.
func columnsOf(t testing.TB, path string) []string {
	t.Helper()
	_, err := parquetfile.Open(path, table.Columns[outRow]{columnOf("string", "no such column")})
	var missing *table.ColumnError
	if !errors.As(err, &missing) {
		t.Fatalf("%s: %v", path, err)
	}
	return missing.Has
}

// taskCounts are what a task counted.
type taskCounts struct {
	Read    int64 `json:"read"`
	Streams map[string]struct {
		Written int64 `json:"written"`
		Reduced int64 `json:"reduced"`
	} `json:"streams"`
}

// tasks gives the counts of the tasks of a stage, "rank", say, that have a kind, "map" or "reduce": by stage and task,
// "01-rank/map-000000".
func tasks(t testing.TB, dir, stage, kind string) map[string]taskCounts {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "stages", "*-"+stage, "tasks", kind+"-*.json"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("%s has no %s tasks of %s: %v", dir, kind, stage, err)
	}
	all := map[string]taskCounts{}
	for _, p := range paths {
		var record struct {
			Counts taskCounts `json:"counts"`
		}
		b, err := os.ReadFile(p)
		if err = errors.Join(err, json.Unmarshal(b, &record)); err != nil {
			t.Fatalf("%s: %v", p, err)
		}
		folder := filepath.Base(filepath.Dir(filepath.Dir(p)))
		all[folder+"/"+strings.TrimSuffix(filepath.Base(p), ".json")] = record.Counts
	}
	return all
}

// written is the number of records that the mappers of a ranking sent on.
func written(t testing.TB, dir string) (n int64) {
	t.Helper()
	for _, c := range tasks(t, dir, "rank", "map") {
		n += c.Streams["rows"].Written
	}
	return n
}
