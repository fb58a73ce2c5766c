package rowgroup

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/shardmill/shardmill/formats/table"
)

// foreign says what testdata/make.mjs put into each column, by row.
func foreign() map[string]func(i int) Value {
	instant := time.Date(1969, 12, 31, 23, 59, 59, 5e8, time.UTC)
	at := func(i int) time.Time { return instant.Add(time.Duration(i) * 250 * time.Millisecond) }
	name := func(i int) Value { return unless(i%7 == 3, textValue(fmt.Sprintf("größer %d", i%4))) }
	return map[string]func(i int) Value{
		"id":       func(i int) Value { return intValue(int64(i)) },
		"tiny":     func(i int) Value { return unless(i%7 == 3, intValue(int64(i-100))) },
		"uint":     func(i int) Value { return intValue(int64(i) * 20000000) },
		"huge":     func(i int) Value { return textValue(fmt.Sprint(uint64(1<<64-1) - uint64(i))) },
		"real":     func(i int) Value { return floatValue(float64(i) / 4) },
		"ratio":    func(i int) Value { return unless(i%5 == 1, floatValue(float64(i)/3)) },
		"flag":     func(i int) Value { return boolValue(i%3 == 0) },
		"name":     name,
		"category": name,
		"url":      func(i int) Value { return textValue(fmt.Sprintf("http://example.org/%d", i)) },
		"local":    func(i int) Value { return textValue(at(i).Format("2006-01-02T15:04:05.000000")) },
		"utc":      func(i int) Value { return textValue(at(i).Format("2006-01-02T15:04:05.000000Z")) },
		"clock":    func(i int) Value { return textValue(fmt.Sprintf("23:59:%02d.%d00000", i/10, i%10)) },
		"price":    func(i int) Value { return textValue(fmt.Sprintf("%.3f", float64(i-100)/8)) },
		"worth": func(i int) Value {
			if i == 100 {
				return textValue("0.00")
			}
			return textValue(fmt.Sprint(i-100) + strings.Repeat("0", 22) + ".00")
		},
		"uuid":    func(i int) Value { return textValue(fmt.Sprintf("00000000-0000-4000-8000-%012d", i)) },
		"parity":  func(i int) Value { return textValue([]string{"even", "odd"}[i%2]) },
		"nothing": func(int) Value { return Value{} },
	}
}

func day(first time.Time, i int) Value {
	return textValue(first.AddDate(0, 0, i).Format(time.DateOnly))
}

// TestForeign reads files of DuckDB and polars, whose values are known.
func TestForeign(t *testing.T) {
	duckdb := "id tiny uint huge real ratio flag name url day local utc clock price worth uuid parity nothing"
	polars := "id ratio flag name url category day"
	for name, columns := range map[string]string{
		"duckdb-v1-snappy": duckdb, "duckdb-v2-zstd": duckdb, "duckdb-v2-plain": duckdb, "polars-snappy": polars, "polars-zstd": polars,
	} {
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join("testdata", name+".parquet"))
			if err != nil {
				t.Fatal(err)
			}
			want := foreign()
			want["day"] = func(i int) Value { return day(time.Date(1969, 12, 28, 0, 0, 0, 0, time.UTC), i) }
			if columns == polars {
				want["day"] = func(i int) Value { return day(time.Unix(0, 0).UTC(), i) }
			}
			checkForeign(t, data, strings.Fields(columns), want)
		})
	}
}

func checkForeign(t *testing.T, data []byte, columns []string, want map[string]func(i int) Value) {
	info, err := inspect(data)
	if err != nil {
		t.Fatal(err)
	}
	if names := all(info); fmt.Sprint(names) != fmt.Sprint(columns) {
		t.Fatalf("columns %q, want %q", names, columns)
	}
	rows := 0
	err = each(data, func(row *Row, err error) {
		if err != nil || row.Number != int64(rows+1) {
			t.Fatalf("row %d is number %d, %v", rows, row.Number, err)
		}
		for i, v := range row.Values {
			if w := want[columns[i]](rows); !same(v, w) {
				t.Fatalf("row %d, %s: %+v, want %+v", rows, columns[i], v, w)
			}
		}
		rows++
	})
	if err != nil || rows != 200 || info.Rows() != 200 {
		t.Errorf("%d rows, the footer says %d: %v", rows, info.Rows(), err)
	}
}

// Pages that DuckDB compressed by LZ4_RAW.
func TestForeignLZ4(t *testing.T) {
	data, err := os.ReadFile("testdata/duckdb-lz4.parquet")
	if err != nil {
		t.Fatal(err)
	}
	rows := int64(0)
	err = each(data, func(row *Row, err error) {
		if err != nil || !same(row.Values[0], intValue(rows)) {
			t.Errorf("row %d: %+v, %v", rows, row.Values, err)
		}
		rows++
	})
	if err != nil || rows != 9 {
		t.Errorf("%d rows, %v", rows, err)
	}
}

func TestForeignUnsupported(t *testing.T) {
	data, err := os.ReadFile("testdata/duckdb-v1-snappy.parquet")
	if err != nil {
		t.Fatal(err)
	}
	for name, kind := range map[string]string{"list": "List", "struct": "struct"} {
		_, err := open(data, 0, 1, "id", name)
		var column *table.ColumnError
		if !errors.As(err, &column) || column.Column != name || column.Got != kind {
			t.Errorf("%s: %v", name, err)
		}
	}
	if data, err = os.ReadFile("testdata/duckdb-lz4.parquet"); err != nil {
		t.Fatal(err)
	}
	codec := []byte("\x18\x01i\x15\x0e") // of column i, 7
	if bytes.Count(data, codec) != 1 {
		t.Fatalf("%d columns i by LZ4_RAW", bytes.Count(data, codec))
	}
	data = bytes.Replace(data, codec, []byte("\x18\x01i\x15\x0a"), 1)
	if err := each(data, nil); !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), `column "i"`) || !strings.Contains(err.Error(), "LZ4") {
		t.Errorf("LZ4: %v", err)
	}
}
