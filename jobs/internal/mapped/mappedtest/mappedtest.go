// Package mappedtest tests the packages whose files are of package mapped.
package mappedtest

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shardmill/shardmill/formats"
	"github.com/shardmill/shardmill/jobs/internal/mapped"
)

// Refused tells whether an error is what a file that cannot be read is.
func Refused(err error) bool {
	var version *formats.VersionError
	return errors.Is(err, formats.ErrForeign) || errors.Is(err, formats.ErrDamaged) || errors.As(err, &version)
}

// Damage changes each byte of a file, cuts it at each length and makes it longer: open has to refuse all such files by their paths.
func Damage(t *testing.T, data []byte, open func(path string) error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "damaged")
	refused := func(what string, i int, data []byte) {
		t.Helper()
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := open(path); !Refused(err) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s %d: %v", what, i, err)
		}
	}
	for i := range data {
		damaged := bytes.Clone(data)
		damaged[i] ^= 1 << (i % 8)
		refused("changed byte", i, damaged)
		refused("bytes", i, data[:i])
	}
	refused("more than", len(data), append(bytes.Clone(data), 0))
}

// Seal is a file with these sections behind right checksums.
func Seal(tb testing.TB, k mapped.Kind, sections ...[]byte) []byte {
	tb.Helper()
	var file bytes.Buffer
	w := mapped.NewWriter(&file, k)
	for _, s := range sections {
		_, err := w.Write(s)
		if err := errors.Join(err, w.End()); err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return file.Bytes()
}

// Full writes a file of size bytes to what takes fewer, of any number: each time write has to return the error.
func Full(t *testing.T, size int, write func(w io.Writer) error) {
	t.Helper()
	for left := range size {
		if err := write(&limited{left}); !errors.Is(err, errFull) {
			t.Errorf("full after %d bytes: %v", left, err)
		}
	}
}

var errFull = errors.New("full")

// limited takes so many bytes and then fails.
type limited struct{ left int }

// Write implements io.Writer.
func (l *limited) Write(p []byte) (int, error) {
	n := min(len(p), l.left)
	l.left -= n
	if n < len(p) {
		return n, errFull
	}
	return n, nil
}
