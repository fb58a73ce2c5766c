package tabular

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
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

	"github.com/shardmill/shardmill/formats"
	"github.com/shardmill/shardmill/mapreduce"
)

// disk opens files as the engine does, without digests.
type disk struct{}

func (disk) Open(path string) (io.ReadCloser, error) { return os.Open(path) }

func (disk) OpenRange(rg mapreduce.Range) (io.ReadCloser, error) {
	f, err := os.Open(rg.Path)
	if err == nil {
		_, err = f.Seek(rg.Offset, io.SeekStart)
	}
	return f, err
}

// partFile opens the bytes of a range, as a scan sees them.
type partFile struct{ rg mapreduce.Range }

func (p partFile) Open() (io.ReadCloser, error) {
	f, err := os.Open(p.rg.Path)
	if err != nil {
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{io.NewSectionReader(f, p.rg.Lo, p.rg.Hi-p.rg.Lo), f}, nil
}

// put writes a file, compressed as its name says.
func put(t testing.TB, path string, b []byte) mapreduce.Range {
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
		out.Write(b)
	} else if err == nil {
		_, err = w.Write(b)
		err = errors.Join(err, w.Close())
	}
	if err = errors.Join(err, os.WriteFile(path, out.Bytes(), 0o600)); err != nil {
		t.Fatal(err)
	}
	return mapreduce.Range{Name: filepath.Base(path), Path: path, Bytes: int64(out.Len())}
}

// got is a row or a reject as it was read: the kinds and texts of cells, or what is wrong.
type got struct {
	Line  int64
	Kinds []Kind
	Texts []string
	Wrong string
}

// readAll reads a range.
func readAll(t testing.TB, rg mapreduce.Range, needs int, columns ...string) (rows []got) {
	t.Helper()
	rows, err := tryRead(rg, needs, columns...)
	if err != nil {
		t.Fatalf("%+v: %v", rg, err)
	}
	return rows
}

func tryRead(rg mapreduce.Range, needs int, columns ...string) (rows []got, err error) {
	f, err := formatOf(rg.Name)
	if err != nil {
		return nil, err
	}
	in, err := f.open(disk{}, rg, columns, needs)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, in.close()) }()
	return drain(in)
}

// drain reads all rows.
func drain(in records) (rows []got, err error) {
	var rec Record
	for {
		err := in.read(&rec)
		var bad *formats.RowError
		switch {
		case errors.Is(err, io.EOF):
			return rows, nil
		case errors.As(err, &bad):
			rows = append(rows, got{Line: bad.Line, Wrong: reason(bad).Error()})
			continue
		case err != nil:
			return rows, err
		}
		g := got{Line: rec.Line}
		for i := range rec.Cells {
			g.Kinds = append(g.Kinds, rec.Cells[i].Kind)
			g.Texts = append(g.Texts, string(rec.Cells[i].AppendText(nil)))
		}
		rows = append(rows, g)
	}
}

// none stands for a null in rows that are encoded.
const none = "\x00none"

// encodeRows writes rows, of which the first names the columns, in the format that a name asks for.
func encodeRows(t testing.TB, path string, rows [][]string) mapreduce.Range {
	t.Helper()
	name := filepath.Base(path)
	var b bytes.Buffer
	switch {
	case strings.HasSuffix(name, ".parquet"):
		return putParquet(t, path, textTable(rows), 3)
	case strings.Contains(name, ".jsonl"), strings.Contains(name, ".ndjson"):
		for _, r := range rows[1:] {
			object := map[string]any{}
			for i, v := range r {
				if object[rows[0][i]] = v; v == none {
					object[rows[0][i]] = nil
				}
			}
			line, err := json.Marshal(object)
			if err != nil {
				t.Fatal(err)
			}
			b.Write(append(line, '\n'))
		}
	default:
		w := csv.NewWriter(&b)
		if strings.Contains(name, ".tsv") {
			w.Comma = '\t'
		}
		if err := w.WriteAll(rows); err != nil {
			t.Fatal(err)
		}
	}
	return put(t, path, b.Bytes())
}

// textTable makes a table of nullable texts.
func textTable(rows [][]string) arrow.Table {
	fields := make([]arrow.Field, len(rows[0]))
	for i, name := range rows[0] {
		fields[i] = arrow.Field{Name: name, Type: arrow.BinaryTypes.String, Nullable: true}
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema(fields, nil))
	for _, r := range rows[1:] {
		for i, v := range r {
			if texts, ok := b.Field(i).(*array.StringBuilder); !ok || v == none {
				b.Field(i).AppendNull()
			} else {
				texts.Append(v)
			}
		}
	}
	rec := b.NewRecord()
	return array.NewTableFromRecords(rec.Schema(), []arrow.Record{rec})
}

// typedTable makes columns i (int64), f (float64), b (bool) and s (text) of rows 0 to n-1; each seventh row is null but for i.
func typedTable(n int) arrow.Table {
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema([]arrow.Field{
		{Name: "i", Type: arrow.PrimitiveTypes.Int64},
		{Name: "f", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
		{Name: "b", Type: arrow.FixedWidthTypes.Boolean, Nullable: true},
		{Name: "s", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "list", Type: arrow.ListOf(arrow.PrimitiveTypes.Int64), Nullable: true},
	}, nil))
	valid := func(i int) string {
		if i%7 == 6 {
			return "(null)"
		}
		return ""
	}
	for i := range n {
		for c, text := range []string{
			strconv.Itoa(i - 1), strconv.FormatFloat(float64(i)/2, 'g', -1, 64), strconv.FormatBool(i%2 == 1), "s" + strconv.Itoa(i), "[]",
		} {
			if c > 0 && valid(i) != "" {
				text = valid(i)
			}
			if err := b.Field(c).AppendValueFromString(text); err != nil {
				b.Field(c).AppendNull()
			}
		}
	}
	rec := b.NewRecord()
	return array.NewTableFromRecords(rec.Schema(), []arrow.Record{rec})
}

// putParquet writes a table in row groups of so many rows.
func putParquet(t testing.TB, path string, tab arrow.Table, groupRows int64) mapreduce.Range {
	t.Helper()
	var b bytes.Buffer
	props := parquet.NewWriterProperties(parquet.WithMaxRowGroupLength(groupRows))
	if err := pqarrow.WriteTable(tab, &b, groupRows, props, pqarrow.DefaultWriterProps()); err != nil {
		t.Fatal(err)
	}
	return put(t, path, b.Bytes())
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// putRaw writes bytes as they are.
func putRaw(t testing.TB, path string, b []byte) mapreduce.Range {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return mapreduce.Range{Name: filepath.Base(path), Path: path, Bytes: int64(len(b))}
}
