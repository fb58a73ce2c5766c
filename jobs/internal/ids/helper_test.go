package ids

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"
)

func writeFile(tb testing.TB, data []byte) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "of.ids")
	if err := os.WriteFile(path, data, 0o644); err != nil {
		tb.Fatal(err)
	}
	return path
}

// openBytes opens a dictionary that is right.
func openBytes(tb testing.TB, data []byte) *IDs {
	tb.Helper()
	d, err := Open(writeFile(tb, data))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := d.Close(); err != nil {
			tb.Error(err)
		}
	})
	return d
}

// write writes a dictionary of entries.
func write(w io.Writer, o Options, all []Entry) error {
	d := NewWriter(w, o)
	for i := range all {
		if err := d.Add(&all[i]); err != nil {
			return err
		}
	}
	return d.Close()
}

// dictionary writes and opens a dictionary.
func dictionary(tb testing.TB, o Options, all ...Entry) *IDs {
	tb.Helper()
	var file bytes.Buffer
	if err := write(&file, o, all); err != nil {
		tb.Fatal(err)
	}
	return openBytes(tb, file.Bytes())
}
