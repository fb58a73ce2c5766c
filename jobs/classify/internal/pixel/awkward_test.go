package pixel

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// awkwardFile is a file of the awkward collection with the outcome wanted: ok, damaged or the reason for the reject.
type awkwardFile struct{ file, want string }

// awkwardFiles reads testdata/awkward.tsv: each file with its outcome, and that of the build without libjpeg-turbo.
func awkwardFiles(t *testing.T) (files []awkwardFile) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "awkward.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	_, lines, _ := strings.Cut(string(text), "\n")
	for line := range strings.Lines(lines) {
		cells := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(cells) != 3 || cells[1] == "" || cells[2] == "" {
			t.Fatalf("line %q of awkward.tsv", line)
		}
		want := cells[1]
		if !withTurbo {
			want = cells[2]
		}
		files = append(files, awkwardFile{cells[0], want})
	}
	return files
}

// Every file has the outcome that the table lists; a file that is not in the table fails, and so does a line without a file.
func TestAwkward(t *testing.T) {
	dir := sharedData(t, "awkward", "public")
	var listed []string
	reused := newDecoder(t, imagenet)
	after, alone := make([]byte, reused.Bytes()), make([]byte, reused.Bytes())
	for _, tt := range awkwardFiles(t) {
		listed = append(listed, tt.file)
		t.Run(tt.file, func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(tt.file)))
			if err != nil {
				t.Fatal(err)
			}
			want := tt.want
			if got := outcomeOf(reused, data, after); got != want {
				t.Errorf("outcome %q, want %q", got, want)
			}
			// Damage must not show what the decoder's memory held before.
			got := outcomeOf(newDecoder(t, imagenet), data, alone)
			if got != want || (got == "ok" || got == "damaged") && !bytes.Equal(after, alone) {
				t.Errorf("alone: outcome %q or other pixels", got)
			}
		})
	}
	checkListed(t, dir, listed)
}

func outcomeOf(d *Decoder, data, dst []byte) string {
	status, err := d.Decode(data, dst)
	if err != nil {
		return err.Error()
	}
	return status.String()
}

// checkListed fails for a file that the table lacks.
func checkListed(t *testing.T, dir string, listed []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if !slices.Contains(listed, filepath.ToSlash(name)) {
			t.Errorf("%s is not in the table", name)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// With EXIF on, the eight Landscape photos are one upright photo.
func TestLandscapes(t *testing.T) {
	dir := sharedData(t, "awkward", "public", "exif-orientation")
	opts := imagenet
	opts.EXIF = true
	read := func(n string) []byte {
		data, err := os.ReadFile(filepath.Join(dir, "Landscape_"+n+".jpg"))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	want := decodeOK(t, opts, read("1"))
	for _, n := range []string{"2", "3", "4", "5", "6", "7", "8"} {
		t.Run(n, func(t *testing.T) {
			_, mean := distance(decodeOK(t, opts, read(n)), want)
			_, stored := distance(decodeOK(t, imagenet, read(n)), want)
			if mean > 3 || stored < 5*mean {
				t.Errorf("mean difference %.2f with EXIF, %.2f without", mean, stored)
			}
		})
	}
}
