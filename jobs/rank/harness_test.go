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
func TestMain(m *testing.M) { os.Exit(mrtest.Main(m, jobs.Standard(), rank.Job())) }

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

// encode writes rows in the format that a name asks for. The first row names the columns; "\x00null" is a null of JSON.
func encode(t testing.TB, name string, rows [][]string) []byte {
	t.Helper()
	var b bytes.Buffer
	if strings.Contains(name, ".jsonl") {
		for _, r := range rows[1:] {
			object := map[string]any{}
			for i, v := range r {
				if object[rows[0][i]] = v; v == null {
					object[rows[0][i]] = nil
				}
			}
			line, err := json.Marshal(object)
			if err != nil {
				t.Fatal(err)
			}
			b.Write(append(line, '\n'))
		}
		return b.Bytes()
	}
	w := csv.NewWriter(&b)
	if strings.Contains(name, ".tsv") {
		w.Comma = '\t'
	}
	if err := w.WriteAll(rows); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

const null = "\x00null"

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
	paths, err := filepath.Glob(filepath.Join(dir, dataset, "*.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range paths {
		parts = append(parts, readPart(t, p, cols))
	}
	return parts
}

func readPart(t testing.TB, path string, cols table.Columns[outRow]) (rows []outRow) {
	t.Helper()
	r, err := parquetfile.Open(path, cols)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }() // only read
	for {
		var row outRow
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
	for _, part := range read(t, dir, "rejects", [2]string{"string", "input"}, [2]string{"int", "line"}, [2]string{"string", "reason"}) {
		for _, r := range part {
			all = append(all, reject{r["input"].text, r["line"].text, r["reason"].text})
		}
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

// emitted is the number of records that the mappers of a ranking sent.
func emitted(t testing.TB, dir string) (n int64) {
	t.Helper()
	for name, b := range mrtest.Tree(t, dir, "stages/01-rank/tasks") {
		var record struct {
			Counts struct {
				Streams map[string]struct {
					Emitted int64 `json:"emitted"`
				} `json:"streams"`
			} `json:"counts"`
		}
		if err := json.Unmarshal(b, &record); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		n += record.Counts.Streams["rows"].Emitted
	}
	return n
}
