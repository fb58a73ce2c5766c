package interactions_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
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

	"github.com/shardmill/shardmill/mapreduce/mrtest"
)

// put writes a file into a new folder, compressed as its name says.
func put(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	putAt(t, path, text)
	return path
}

func putAt(t testing.TB, path, text string) {
	t.Helper()
	var out bytes.Buffer
	var w io.WriteCloser
	var err error
	switch filepath.Ext(path) {
	case ".gz":
		w = gzip.NewWriter(&out)
	case ".zst":
		w, err = zstd.NewWriter(&out)
	}
	if w == nil {
		out.WriteString(text)
	} else if err == nil {
		_, err = io.WriteString(w, text)
		err = errors.Join(err, w.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	mrtest.Write(t, path, out.Bytes())
}

// someRows are rows of which every value has the same text in every format.
func someRows(n int) (rows []row) {
	for i := range n {
		rows = append(rows, row{
			User: "u" + strconv.Itoa(i%7), Item: []string{"tea", "Käse", "17850.0", "007", "-1"}[i%5] + strconv.Itoa(i%11),
			Value: float64(i%9)/4 - 1, Time: 1_500_000_000 + int64(i)*86_400,
		})
	}
	return rows
}

// separated writes rows with a separator, quoted as CSV, with another column in front.
func separated(t testing.TB, rows []row, sep string, header bool) string {
	t.Helper()
	var b strings.Builder
	if header {
		b.WriteString(strings.Join([]string{"", "user", "item", "stars", "at"}, sep) + "\n")
	}
	for i, r := range rows {
		fields := []string{"note", r.User, r.Item, strconv.FormatFloat(r.Value, 'g', -1, 64), strconv.FormatInt(r.Time, 10)}
		if i%3 == 1 && len(sep) == 1 && sep != " " {
			fields[0] = "two\n" + sep + " \"lines\""
		}
		if len(sep) > 1 {
			b.WriteString(strings.Join(fields, sep) + "\n")
			continue
		}
		w := csv.NewWriter(&b)
		w.Comma = rune(sep[0])
		if err := w.Write(fields); err != nil {
			t.Fatal(err)
		}
		w.Flush()
	}
	return b.String()
}

func jsonLines(t testing.TB, rows []row) string {
	t.Helper()
	var b strings.Builder
	for _, r := range rows {
		line, err := json.Marshal(map[string]any{"user": r.User, "item": r.Item, "stars": r.Value, "at": r.Time, "tags": []int{1}})
		if err != nil {
			t.Fatal(err)
		}
		b.Write(append(line, '\n'))
	}
	return b.String()
}

// columnar writes columns as Parquet, in row groups of seven.
func columnar(t testing.TB, path string, names []string, columns ...any) string {
	t.Helper()
	var fields []arrow.Field
	var arrays []arrow.Array
	for i, c := range columns {
		var a arrow.Array
		switch v := c.(type) {
		case []string:
			b := array.NewStringBuilder(memory.DefaultAllocator)
			b.AppendValues(v, nil)
			a = b.NewArray()
		case []int64:
			b := array.NewInt64Builder(memory.DefaultAllocator)
			b.AppendValues(v, nil)
			a = b.NewArray()
		case []float64:
			b := array.NewFloat64Builder(memory.DefaultAllocator)
			b.AppendValues(v, nil)
			a = b.NewArray()
		case []arrow.Timestamp:
			b := array.NewTimestampBuilder(memory.DefaultAllocator, &arrow.TimestampType{Unit: arrow.Millisecond})
			b.AppendValues(v, nil)
			a = b.NewArray()
		case arrow.Array:
			a = v
		default:
			t.Fatalf("%T", c)
		}
		fields = append(fields, arrow.Field{Name: names[i], Type: a.DataType(), Nullable: true})
		arrays = append(arrays, a)
	}
	rec := array.NewRecord(arrow.NewSchema(fields, nil), arrays, int64(arrays[0].Len()))
	var b bytes.Buffer
	const groupRows = 7
	props := parquet.NewWriterProperties(parquet.WithMaxRowGroupLength(groupRows))
	table := array.NewTableFromRecords(rec.Schema(), []arrow.Record{rec})
	if err := pqarrow.WriteTable(table, &b, groupRows, props, pqarrow.DefaultWriterProps()); err != nil {
		t.Fatal(err)
	}
	mrtest.Write(t, path, b.Bytes())
	return path
}

func columnarRows(t testing.TB, path string, rows []row) {
	t.Helper()
	var users, items []string
	var values []float64
	var times []arrow.Timestamp
	for _, r := range rows {
		users, items, values = append(users, r.User), append(items, r.Item), append(values, r.Value)
		times = append(times, arrow.Timestamp(r.Time*1000))
	}
	columnar(t, path, []string{"item", "user", "stars", "at"}, items, users, values, times)
}
