package factors

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func writeFile(tb testing.TB, data []byte) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "of.factors")
	if err := os.WriteFile(path, data, 0o644); err != nil {
		tb.Fatal(err)
	}
	return path
}

// fileOf returns a file of rows.
func fileOf(tb rapid.TB, rows ...Row) []byte {
	tb.Helper()
	var file bytes.Buffer
	w := NewWriter(&file)
	for _, r := range rows {
		if err := w.Write(r); err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return file.Bytes()
}

// dense are the rows as they come back: with those between the first and the last that were left out.
func dense(rows []Row) (all []Row) {
	for _, r := range rows {
		for len(all) > 0 && all[len(all)-1].Index+1 < r.Index {
			all = append(all, Row{Index: all[len(all)-1].Index + 1, Values: make([]float32, len(r.Values))})
		}
		all = append(all, r)
	}
	return all
}

func same(a, b Row) bool { return a.Index == b.Index && slices.Equal(a.Values, b.Values) }
