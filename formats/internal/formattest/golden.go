package formattest

import (
	"bytes"
	"os"
	"testing"
)

// Golden checks the golden file at path, which holds Sample(20) in the first version of the
// format and is never written again: it must be readable, and be what is written today.
func (f Format) Golden(t *testing.T, path string) {
	t.Helper()
	want := Sample(20)
	got, err := f.ReadAll(t, path, Columns(), len(want))
	if err != nil {
		t.Fatal(err)
	}
	compare(t, got, want)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(data, f.Encode(t, want)) {
		t.Error("the same rows give other bytes today: if that is meant, it is a new version")
	}
}
