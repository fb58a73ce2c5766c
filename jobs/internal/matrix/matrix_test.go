package matrix

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/shardmill/shardmill/mapreduce"
)

var (
	_ mapreduce.Sink[Row]   = (*Writer)(nil)
	_ mapreduce.Reader[Row] = (*Reader)(nil)
	_ mapreduce.Resetter    = (*Row)(nil)
)

func TestSmoke(t *testing.T) {
	var file bytes.Buffer
	w := NewWriter(&file)
	for _, r := range []Row{{Index: 2, Columns: []uint32{1, 5}}, {Index: 4}, {Index: 9, Columns: []uint32{0}, Values: []float32{2.5}}} {
		if err := w.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "m")
	if err := os.WriteFile(path, file.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	m, err := Open([]string{path}, 20, 6)
	if err != nil {
		t.Fatal(err)
	}
	c, v := m.Row(9)
	if !slices.Equal(c, []uint32{0}) || !slices.Equal(v, []float32{2.5}) || m.Count(2) != 2 || m.Count(19) != 0 || m.Binary() {
		t.Fatal(c, v)
	}
}
