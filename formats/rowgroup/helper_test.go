package rowgroup

import (
	"bytes"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/shardmill/shardmill/formats"
)

func save(t testing.TB, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.parquet")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func inspect(data []byte) (Info, error) {
	return Inspect(bytes.NewReader(data), int64(len(data)), "x.parquet")
}

func open(data []byte, lo, hi int, columns ...string) (*Reader, error) {
	return NewReader(bytes.NewReader(data), int64(len(data)), "x.parquet", Options{Columns: columns, Lo: lo, Hi: hi})
}

// all returns the names of the columns that can be read.
func all(info Info) []string {
	var names []string
	for _, c := range info.Columns {
		if c.Kind != Unsupported {
			names = append(names, c.Name)
		}
	}
	return names
}

// each reads all rows of a file, and all columns that can be read.
func each(data []byte, visit func(row *Row, err error)) error {
	info, err := inspect(data)
	if err != nil {
		return err
	}
	r, err := open(data, 0, len(info.Groups), all(info)...)
	if err != nil {
		return err
	}
	return drain(r, visit)
}

// drain reads to the end. A row's own error does not end it.
func drain(r *Reader, visit func(row *Row, err error)) error {
	var row Row
	for {
		err := r.Read(&row)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil && !isRow(err) {
			return err
		}
		visit(&row, err)
	}
}

// same compares what counts for the kind, floats bit by bit.
func same(a, b Value) bool {
	if a.Kind != b.Kind {
		return false
	}
	switch a.Kind {
	case Int, Bool:
		return a.Int == b.Int
	case Float:
		return math.Float64bits(a.Float) == math.Float64bits(b.Float)
	case Text:
		return bytes.Equal(a.Text, b.Text)
	}
	return true
}

func intValue(v int64) Value     { return Value{Kind: Int, Int: v} }
func floatValue(v float64) Value { return Value{Kind: Float, Float: v} }
func textValue(v string) Value   { return Value{Kind: Text, Text: []byte(v)} }
func boolValue(v bool) Value {
	if v {
		return Value{Kind: Bool, Int: 1}
	}
	return Value{Kind: Bool}
}

// unless returns null where it is.
func unless(null bool, v Value) Value {
	if null {
		return Value{}
	}
	return v
}

func isRow(err error) bool {
	var row *formats.RowError
	return errors.As(err, &row)
}
