package formattest

import (
	"bytes"
	"os"
	"testing"

	"github.com/shardmill/shardmill/formats/table"
)

// Golden checks the golden file at path, which holds Sample(20) in the first version of the
// format and is never written again: it must be readable, and be what is written today.
func (f Format) Golden(t *testing.T, path string) {
	t.Helper()
	f.golden(t, path, Sample(20), Columns())
}

// GoldenLists is Golden for a file of ListSample(20).
func (f Format) GoldenLists(t *testing.T, path string) {
	t.Helper()
	f.golden(t, path, ListSample(20), ListColumns())
}

func (f Format) golden(t *testing.T, path string, want []Row, cols table.Columns[Row]) {
	t.Helper()
	got, err := f.ReadAll(t, path, cols, len(want))
	if err != nil {
		t.Fatal(err)
	}
	compare(t, got, want)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(data, f.encode(t, want, cols)) {
		t.Error("the same rows give other bytes today: if that is meant, it is a new version")
	}
}
