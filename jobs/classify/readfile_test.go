package classify

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestReadFile(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "a")
	want := bytes.Repeat([]byte("photo"), 1000)
	if err := os.WriteFile(file, want, 0o600); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 3)
	for range 2 {
		got, err := readFile(context.Background(), file, buf)
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%d bytes, %v", len(got), err)
		}
		buf = got
	}
	empty := filepath.Join(dir, "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := readFile(context.Background(), empty, buf); err != nil || len(got) != 0 {
		t.Errorf("an empty file: %d bytes, %v", len(got), err)
	}
}

// TestReadFileRefuses: reasons name no path, and what is no file neither blocks nor fills the memory.
func TestReadFileRefuses(t *testing.T) {
	dir := t.TempDir()
	fifo, huge := filepath.Join(dir, "fifo"), filepath.Join(dir, "huge")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(huge, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(huge, maxFile+1); err != nil {
		t.Fatal(err)
	}
	for path, reason := range map[string]string{
		filepath.Join(dir, "absent"): "no such file or directory",
		dir:                          "not a regular file",
		fifo:                         "not a regular file",
		"/dev/zero":                  "not a regular file",
		huge:                         "1073741825 bytes",
	} {
		_, err := readFile(context.Background(), path, nil)
		if err == nil || !strings.Contains(err.Error(), reason) || strings.Contains(err.Error(), dir) {
			t.Errorf("%s: %v, want %q", path, err, reason)
		}
	}
}
