package classify

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/shardmill/shardmill/mapreduce"
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

// TestReadMember reads from the middle of a file, which must be the one that was listed.
func TestReadMember(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.tar")
	if err := os.WriteFile(path, []byte("headpicturetail"), 0o600); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	im := image{input: "x.tar", file: path, offset: 4, bytes: 7, archive: 15, mtime: info.ModTime().UnixNano()}
	got, err := im.read(context.Background(), make([]byte, 2))
	if err != nil || string(got) != "picture" {
		t.Fatalf("%q, %v", got, err)
	}
	if name, changed := im.Changed(); name != "x.tar" || changed {
		t.Errorf("%s has changed: %v", name, changed)
	}
	huge := im
	huge.bytes = maxFile + 1
	if _, err := huge.read(context.Background(), nil); err == nil || mapreduce.ClassOf(err) == mapreduce.Input {
		t.Errorf("an image of a gigabyte: %v", err)
	}
	if err := os.WriteFile(path, []byte("another picture"+"!"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := im.read(context.Background(), nil); mapreduce.ClassOf(err) != mapreduce.Input || !strings.Contains(err.Error(), "x.tar changed since") {
		t.Errorf("a changed archive: %v", err)
	}
	if _, changed := im.Changed(); !changed {
		t.Error("the change is not seen")
	}
	im.file = path + ".gone"
	if _, err := im.read(context.Background(), nil); err == nil || strings.Contains(err.Error(), path) {
		t.Errorf("an archive that is gone: %v", err)
	}
	inline := image{inline: []byte("bytes")}
	if got, err := inline.read(context.Background(), nil); err != nil || string(got) != "bytes" {
		t.Errorf("inline: %q, %v", got, err)
	}
}
