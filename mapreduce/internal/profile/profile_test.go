package profile

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"runtime/pprof"
	"strings"
	"sync"
	"testing"
	"time"
)

// text is what a profile file holds. The names in it stand there as they are.
func text(t *testing.T, path string) string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }() // only read
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return string(b)
}

//go:noinline
func burnCPU(d time.Duration) (n int) {
	for end := time.Now().Add(d); time.Now().Before(end); n++ {
	}
	return n
}

//go:noinline
func holdMemory() []byte { return bytes.Repeat([]byte{1}, 16<<20) }

func TestProfile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "folder")
	var p Profile
	if err := p.Start(filepath.Join(dir, "worker-3")); err != nil {
		t.Fatal(err)
	}
	held := holdMemory()
	if burnCPU(300*time.Millisecond) == 0 {
		t.Error("no time passed")
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 0 {
		t.Errorf("while it is taken the folder has %v (%v)", files, err)
	}
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
	cpu, heap := text(t, filepath.Join(dir, "worker-3"+CPU)), text(t, filepath.Join(dir, "worker-3"+Heap))
	if !strings.Contains(cpu, "nanoseconds") || !strings.Contains(cpu, "burnCPU") {
		t.Error("the CPU profile does not name what took the time")
	}
	if !strings.Contains(heap, "inuse_space") || !strings.Contains(heap, "holdMemory") {
		t.Error("the heap profile does not name what holds memory")
	}
	if held[0] != 1 {
		t.Error("it must be held until here")
	}
}

// A profile can be taken after another, and what is written is not written again.
func TestAgain(t *testing.T) {
	prefix := filepath.Join(t.TempDir(), "p")
	var p Profile
	for range 2 {
		if err := p.Start(prefix); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				if err := p.Stop(); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		for _, name := range []string{prefix + CPU, prefix + Heap} {
			if text(t, name) == "" {
				t.Errorf("%s is empty", name)
			}
			if err := os.Remove(name); err != nil {
				t.Fatal(err)
			}
		}
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
		if files, err := os.ReadDir(filepath.Dir(prefix)); err != nil || len(files) != 0 {
			t.Errorf("written again: %v (%v)", files, err)
		}
	}
}

func TestOff(t *testing.T) {
	var p Profile
	if err := p.Start(""); err != nil {
		t.Error(err)
	}
	if err := pprof.StartCPUProfile(io.Discard); err != nil {
		t.Errorf("a profile is taken: %v", err)
	}
	pprof.StopCPUProfile()
	if err := p.Stop(); err != nil {
		t.Error(err)
	}
}

func TestCannot(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var p Profile
	if err := p.Start(filepath.Join(file, "driver")); err == nil || !strings.Contains(err.Error(), "file: not a directory") {
		t.Errorf("below a file: %v", err)
	}
	if err := pprof.StartCPUProfile(io.Discard); err != nil {
		t.Fatalf("a profile is taken: %v", err)
	}
	if err := p.Start(filepath.Join(t.TempDir(), "driver")); err == nil {
		t.Error("two CPU profiles at a time")
	}
	pprof.StopCPUProfile()
	if err := p.Stop(); err != nil {
		t.Errorf("stopping what never started: %v", err)
	}
}

// The folder is gone when the profile is to be written: an error, and no more.
func TestFolderGone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "p")
	var p Profile
	if err := p.Start(filepath.Join(dir, "driver")); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	if err := p.Stop(); err == nil {
		t.Error("written into a folder that is gone")
	}
	if err := p.Stop(); err != nil {
		t.Errorf("stopped again: %v", err)
	}
}
