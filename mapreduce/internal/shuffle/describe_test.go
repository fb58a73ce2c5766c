package shuffle

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestDescribeGolden(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "*.run"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden run files: %v", err)
	}
	for _, path := range files {
		d, err := Describe(path)
		if err != nil {
			t.Fatal(err)
		}
		if d.Version != version || len(d.Streams) == 0 || len(d.Partitions) != len(d.Streams) {
			t.Fatalf("%s: %+v", path, d)
		}
		for i, s := range d.Streams {
			for p, got := range d.Partitions[i] {
				seg, err := Open(path, i, p)
				if err != nil {
					t.Fatal(err)
				}
				if seg.Records() != got.Records || seg.Bytes() != got.Bytes || got.Packed > got.Blocks || (got.Stored > 0) != (got.Records > 0) {
					t.Errorf("%s: %s/%d is %+v, and has %d records of %d bytes", path, s.Name, p, got, seg.Records(), seg.Bytes())
				}
				if err := seg.Close(); err != nil {
					t.Error(err)
				}
			}
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		b[len(b)/2] ^= 1
		bad := filepath.Join(t.TempDir(), "bad.run")
		if err := os.WriteFile(bad, b, 0o600); err != nil {
			t.Fatal(err)
		}
		var damaged *DamagedError
		if _, err := Describe(bad); !errors.As(err, &damaged) {
			t.Errorf("%s with another byte: %v", path, err)
		}
	}
}
