// Package formattest is the conformance suite of the record formats: what each of
// them promises, run against it through the interface that jobs use.
package formattest

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/shardmill/shardmill/formats/table"
)

// Writer is what a format's Create returns.
type Writer interface {
	Write(Row) error
	Close() error
}

// Reader is what a format's Open returns.
type Reader interface {
	Read(*Row) error
	Close() error
}

// Format is a record format under test.
type Format struct {
	Create func(w io.Writer, cols table.Columns[Row]) (Writer, error)
	Open   func(path string, cols table.Columns[Row]) (Reader, error)
	Rows   func(path string) (int64, error)
	Batch  int // rows that are certain to need more than one batch or row group
	// Flips says that files with a flipped byte can be read without the risk that the
	// process dies. It is false for Parquet: arrow/go v15 believes the sizes that a
	// file states and allocates them, which no recover mends.
	Flips bool
}

// Run runs the whole suite.
func Run(t *testing.T, f Format) {
	for _, c := range []struct {
		name string
		run  func(*testing.T, Format)
	}{
		{"RoundTrip", testRoundTrip},
		{"Batches", testBatches},
		{"Empty", testEmpty},
		{"SomeColumns", testSomeColumns},
		{"WrongColumns", testWrongColumns},
		{"InvalidColumns", testInvalidColumns},
		{"RefusedValues", testRefusedValues},
		{"Closed", testClosed},
		{"SinkErrors", testSinkErrors},
		{"Truncation", testTruncation},
		{"Foreign", testForeign},
		{"Flips", testFlips},
		{"Lists", testLists},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, f) })
	}
}

// TB is the part of testing.TB that rapid.T has too.
type TB interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}

// Encode returns a file of rows.
func (f Format) Encode(t TB, rows []Row) []byte {
	t.Helper()
	return f.encode(t, rows, Columns())
}

func (f Format) encode(t TB, rows []Row, cols table.Columns[Row]) []byte {
	t.Helper()
	var buf bytes.Buffer
	w, err := f.Create(&buf, cols)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if err := w.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// ReadAll returns all rows of a file, and the error that ended reading if it is not io.EOF.
// It fails the test when there are more rows than limit, so that no damage can make it endless.
func (f Format) ReadAll(t TB, path string, cols table.Columns[Row], limit int) ([]Row, error) {
	t.Helper()
	r, err := f.Open(path, cols)
	if err != nil {
		return nil, err
	}
	var rows []Row
	for {
		var row Row
		if err = r.Read(&row); err != nil {
			break
		}
		if rows = append(rows, row); len(rows) > limit {
			t.Fatalf("more than %d rows", limit)
		}
	}
	if again := r.Read(new(Row)); !errors.Is(again, err) {
		t.Fatalf("Read after %v: %v", err, again)
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return rows, errors.Join(err, r.Close())
}

func save(t *testing.T, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	overwrite(t, path, data)
	return path
}

func overwrite(t TB, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func compare(t TB, got, want []Row) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d rows, want %d", len(got), len(want))
	}
	for i := range want {
		if !Equal(got[i], want[i]) {
			t.Fatalf("row %d\ngot  %+v\nwant %+v", i, got[i], want[i])
		}
	}
}
