// Command gen makes everything in testdata/demo: pictures, manifest, labels, preprocessing and models.
//
//	go run ./testdata/demo/gen [FOLDER]
//
// The pictures and the training set come from fixed seeds, so the same Go release on the same
// architecture makes the same bytes. Other ones may differ: the JPEG encoder belongs to Go's
// library, and a compiler may fuse a multiplication and an addition.
package main

import (
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

func main() {
	dir := filepath.Join("testdata", "demo")
	if len(os.Args) > 1 {
		dir = os.Args[1]
	}
	if err := run(dir, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1) //nolint:forbidigo // this is a program
	}
}

func run(dir string, log io.Writer) error {
	h, err := train()
	if err != nil {
		return fmt.Errorf("training: %w", err)
	}
	files, err := build(h)
	if err != nil {
		return err
	}
	if err := write(dir, files); err != nil {
		return err
	}
	_, err = fmt.Fprintf(log, "%d files in %s\n", len(files), dir)
	return err
}

// build makes all files, by slash-separated name inside the demo folder.
func build(h head) (map[string][]byte, error) {
	files, err := pictures()
	if err != nil {
		return nil, fmt.Errorf("pictures: %w", err)
	}
	for name, m := range models(h) {
		files[name] = m.encode()
	}
	files["plays.csv"] = plays()
	return files, nil
}

func write(dir string, files map[string][]byte) error {
	for _, name := range slices.Sorted(maps.Keys(files)) {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, files[name], 0o644); err != nil {
			return err
		}
	}
	return nil
}
