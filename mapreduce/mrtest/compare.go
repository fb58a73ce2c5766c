package mrtest

import (
	"bytes"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// Tree reads all files below folders of a job directory, by their path in it with slashes. A
// folder that is missing has none.
func Tree(t testing.TB, dir string, folders ...string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	for _, folder := range folders {
		root := filepath.Join(dir, folder)
		err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
			if os.IsNotExist(err) && path == root {
				return nil
			}
			if err != nil || e.IsDir() {
				return err
			}
			b, err := os.ReadFile(path)
			rel, _ := filepath.Rel(dir, path) // both begin with dir
			files[filepath.ToSlash(rel)] = b
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// Results are the files of out/ and rejects/.
func Results(t testing.TB, dir string) map[string][]byte {
	t.Helper()
	return Tree(t, dir, "out", "rejects")
}

// SameResults fails the test unless two job directories have the same files in out/ and rejects/, byte
// for byte, and there are some.
func SameResults(t testing.TB, want, got string) {
	t.Helper()
	w, g := Results(t, want), Results(t, got)
	if _, ok := w["out/_SUCCESS"]; !ok {
		t.Fatalf("%s has no results", want)
	}
	SameFiles(t, w, g)
}

// SameFiles fails the test unless two trees have the same files.
func SameFiles(t testing.TB, want, got map[string][]byte) {
	t.Helper()
	names := slices.Sorted(maps.Keys(want))
	if have := slices.Sorted(maps.Keys(got)); !slices.Equal(names, have) {
		t.Fatalf("files %q, expected %q", have, names)
	}
	for _, n := range names {
		if !bytes.Equal(want[n], got[n]) {
			t.Fatalf("%s differs:\n%s\nexpected:\n%s", n, shorten(got[n]), shorten(want[n]))
		}
	}
}

// Golden fails the test unless the results of a job directory are the files of a golden folder.
func Golden(t testing.TB, golden, dir string) {
	t.Helper()
	SameFiles(t, Tree(t, golden, "out", "rejects"), Results(t, dir))
}

func shorten(b []byte) []byte { return b[:min(len(b), 1000)] }

// NothingLeft fails the test if a job directory has files in flight.
func NothingLeft(t testing.TB, dir string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(dir, "tmp"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		t.Errorf("%s is left in tmp/", e.Name())
	}
}
