package onnx

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	goruntime "runtime"
	"strings"
)

// EnvLibrary names the environment variable that overrides the search for ONNX Runtime.
const EnvLibrary = "ONNXRUNTIME_LIB"

// Runtime is an ONNX Runtime library that this program can use.
type Runtime struct {
	Path    string // absolute
	Version string // as the library reports it, "1.27.0"
	Source  string // who named it: "ONNXRUNTIME_LIB", "system" or "beside the program"
}

// Digest returns the SHA-256 of the library file in hexadecimal.
func (r Runtime) Digest() (string, error) { return Digest(r.Path) }

// Digest returns the SHA-256 of the file at path in hexadecimal.
func Digest(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("digest: %w", err)
	}
	defer func() { _ = f.Close() }()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("digest of %s: %w", path, err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// NotFoundError reports that no usable ONNX Runtime was found.
type NotFoundError struct {
	Tried []string // one line for each place, with what was wrong there
}

// Error lists every place and says what to do.
func (e *NotFoundError) Error() string {
	return fmt.Sprintf("no ONNX Runtime 1.%d or newer: run `make build` in the checkout, or set %s to a library; looked at:\n  %s",
		minAPI, EnvLibrary, strings.Join(e.Tried, "\n  "))
}

// Find looks for ONNX Runtime: the library that ONNXRUNTIME_LIB names, then the
// system's, then libonnxruntime.so.1 beside the program. When the variable is
// set, nothing else is looked at. Libraries that are there and cannot be used are
// told to log, which may be nil. Where none is usable the error is a
// [*NotFoundError].
//
// A process has one runtime: while a session is open, Find returns its runtime.
func Find(log func(string)) (Runtime, error) {
	if rt, ok := library.active(); ok {
		return rt, nil
	}
	return standardSearch().find(log)
}

// search lists where to look.
type search struct {
	override string   // value of ONNXRUNTIME_LIB, "" when not set
	system   []string // bare names for the loader, and absolute paths
	beside   string   // path beside the program
}

func standardSearch() search {
	s := search{override: os.Getenv(EnvLibrary), system: systemNames(goruntime.GOOS)}
	if exe, err := os.Executable(); err == nil {
		if real, err := filepath.EvalSymlinks(exe); err == nil {
			exe = real
		}
		s.beside = filepath.Join(filepath.Dir(exe), ownName(goruntime.GOOS))
	}
	return s
}

// ownName is the library looked for beside the program; on Linux `make build`
// leaves it there where the system has none.
func ownName(goos string) string {
	if goos == "darwin" {
		return "libonnxruntime.1.dylib"
	}
	return "libonnxruntime.so.1"
}

// systemNames lists what to ask the system's loader for, then the folders that
// it may not know.
func systemNames(goos string) []string {
	names, dirs := []string{"libonnxruntime.so.1", "libonnxruntime.so"}, []string{"/usr/local/lib"}
	if goos == "darwin" {
		names, dirs = []string{"libonnxruntime.1.dylib", "libonnxruntime.dylib"}, []string{"/opt/homebrew/lib", "/usr/local/lib"}
	}
	all := names
	for _, dir := range dirs {
		for _, name := range names {
			all = append(all, filepath.Join(dir, name))
		}
	}
	return all
}

func (s search) find(log func(string)) (Runtime, error) {
	if s.override != "" {
		return s.overridden()
	}
	tried := []string{EnvLibrary + ": not set"}
	for _, c := range s.candidates() {
		p := probe(c.name)
		if p.outcome == usable {
			return Runtime{Path: absolute(p.path), Version: p.version, Source: c.source}, nil
		}
		if log != nil && p.there(c.name) {
			log("passed over " + p.verdict())
		}
		tried = append(tried, c.source+": "+p.verdict())
	}
	return Runtime{}, &NotFoundError{Tried: tried}
}

// candidate is one library to try.
type candidate struct{ name, source string }

func (s search) candidates() []candidate {
	var list []candidate
	for _, name := range s.system {
		list = append(list, candidate{name, "system"})
	}
	if s.beside != "" {
		list = append(list, candidate{s.beside, "beside the program"})
	}
	return list
}

func (s search) overridden() (Runtime, error) {
	path := absolute(s.override) // never a bare name: the loader would look elsewhere
	p := probe(path)
	if p.outcome == usable {
		return Runtime{Path: path, Version: p.version, Source: EnvLibrary}, nil
	}
	return Runtime{}, &NotFoundError{Tried: []string{EnvLibrary + ": " + p.verdict()}}
}

// absolute keeps the path usable after a change of the working directory.
func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}
