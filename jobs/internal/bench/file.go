package bench

import (
	"bufio"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// File is a file of made-up data, and its size in bytes. It is kept below the system's folder for temporary files, and
// made by write where it is missing, or its size and CRC-32C are not those that were noted beside it. So the name
// must say all that the data depends on. Either way it has just been read or written, so that measurements
// find as much of it in memory as there is room for.
func File(b *testing.B, name string, write func(w *bufio.Writer) error) (path string, size int64) {
	b.Helper()
	path, size, err := file(filepath.Join(os.TempDir(), "shardmill-bench"), name, write)
	if err != nil {
		b.Fatal(err)
	}
	return path, size
}

func file(dir, name string, write func(w *bufio.Writer) error) (path string, size int64, err error) {
	path = filepath.Join(dir, name)
	if noted, err := os.ReadFile(path + ".sum"); err == nil {
		if size, sum, err := sumOf(path); err == nil && sum == string(noted) {
			return path, size, nil
		}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", 0, err
	}
	if err := fill(path, write); err != nil {
		return "", 0, errors.Join(err, os.Remove(path))
	}
	size, sum, err := sumOf(path)
	if err != nil {
		return "", 0, err
	}
	return path, size, os.WriteFile(path+".sum", []byte(sum), 0o644)
}

func fill(path string, write func(w *bufio.Writer) error) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w := bufio.NewWriterSize(f, 1<<20)
	if err := write(w); err != nil {
		return err
	}
	return w.Flush()
}

// sumOf is the size of a file, and a text with its size and checksum.
func sumOf(path string) (size int64, sum string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = f.Close() }() // only read
	h := crc32.New(crc32.MakeTable(crc32.Castagnoli))
	size, err = io.CopyBuffer(struct{ io.Writer }{h}, f, make([]byte, 1<<20))
	return size, fmt.Sprintf("%d %08x\n", size, h.Sum32()), err
}
