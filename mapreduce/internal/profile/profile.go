// Package profile writes the CPU and heap profile of one process as files that go tool pprof reads.
package profile

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"sync"
)

// The files of a profile end in these, behind its prefix.
const (
	CPU  = ".cpu.pprof"
	Heap = ".heap.pprof"
)

// Profile is the profile of this process. The zero Profile takes none. It is safe for concurrent use.
type Profile struct {
	mu     sync.Mutex
	prefix string // "" while none is taken
	cpu    bytes.Buffer
}

// Start begins to take a profile, whose files are prefix and then CPU or Heap. It makes their folder, and
// finds out now that nothing can be written there. It fails too where something else takes a CPU profile
// of this process. With no prefix it does nothing.
func (p *Profile) Start(prefix string) error {
	if prefix == "" {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := writable(filepath.Dir(prefix)); err != nil {
		return fmt.Errorf("profile: %w", err)
	}
	p.cpu.Reset()
	if err := pprof.StartCPUProfile(&p.cpu); err != nil {
		return fmt.Errorf("profile: %w", err)
	}
	p.prefix = prefix
	return nil
}

// writable makes a folder and a file in it.
func writable(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".writable-*")
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// Stop writes the files, each complete at once, in place of older ones. Where no profile is taken, or it is
// written already, Stop does nothing.
func (p *Profile) Stop() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.prefix == "" {
		return nil
	}
	prefix := p.prefix
	p.prefix = ""
	pprof.StopCPUProfile()
	err := os.WriteFile(prefix+CPU, p.cpu.Bytes(), 0o644)
	runtime.GC() // the profile is as of the last collection
	var heap bytes.Buffer
	if err := errors.Join(err, pprof.WriteHeapProfile(&heap)); err != nil {
		return fmt.Errorf("profile: %w", err)
	}
	if err := os.WriteFile(prefix+Heap, heap.Bytes(), 0o644); err != nil {
		return fmt.Errorf("profile: %w", err)
	}
	return nil
}
