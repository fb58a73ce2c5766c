//go:build !linux

package worker

import (
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// processAttributes puts a worker in a process group of its own. Only the end of the
// request pipe tells it that the driver is gone.
func processAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// newCellFile makes an empty cell in a temporary file without a name.
func newCellFile() (*os.File, error) {
	f, err := os.CreateTemp("", "shardmill-cell")
	if err != nil {
		return nil, fmt.Errorf("record cell: %w", err)
	}
	if err := os.Remove(f.Name()); err == nil {
		err = f.Truncate(cellSize)
	}
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("record cell: %w", err)
	}
	return f, nil
}

func dup2(from, to int) error { return unix.Dup2(from, to) }

// No samples here: the memory cap rests on the Go runtime's limit and RLIMIT_DATA.
func privateBytes(int) int64 { return 0 }
func peakBytes(int) int64    { return 0 }
func oomKills() int64        { return 0 }

func openMemory(int) *os.File                        { return nil }
func memoryBytes(*os.File) (resident, private int64) { return 0, 0 }

// rusagePeak is the largest resident memory, in bytes on this system.
func rusagePeak(r *syscall.Rusage) int64 { return r.Maxrss }
