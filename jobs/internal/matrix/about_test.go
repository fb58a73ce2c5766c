package matrix

import (
	"math"
	"path/filepath"
	"testing"
)

func TestAbout(t *testing.T) {
	for _, c := range []struct {
		name string
		path string
		want About
	}{
		{"golden", filepath.Join("testdata", "v1.matrix"), About{1, 2, 10, math.MaxUint32 + 1, 8, 5, 2, 3}},
		{"no rows", writeFile(t, fileOf(t)), About{Version: 1}},
		{"an empty row", writeFile(t, fileOf(t, Row{Index: 4})), About{Version: 1, Lo: 4, Hi: 5, Written: 1}},
		{
			"values count once", writeFile(t, fileOf(t, Row{Index: 0, Columns: []uint32{3, 5}, Values: []float32{2, 1}})),
			About{1, 0, 1, 6, 2, 1, 1, 2},
		},
	} {
		r, err := OpenReader(c.path)
		if err != nil {
			t.Fatal(err)
		}
		var row Row
		_ = r.Read(&row) // what was read does not matter
		if got := r.About(); got != c.want {
			t.Errorf("%s: got %+v, want %+v", c.name, got, c.want)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestIs(t *testing.T) {
	data := fileOf(t)
	if !Is(data) || !Is(data[:16]) || Is(data[:15]) || Is(nil) {
		t.Error("a file is told by its first 16 bytes")
	}
}
