package worker

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// processAttributes puts a worker in a process group of its own and has the kernel kill it with the driver.
// Pdeathsig follows the thread that starts the process, so the caller must be a goroutine
// that is not locked to its thread: threads of such goroutines never end.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// newCellFile makes an empty cell in memory.
func newCellFile() (*os.File, error) {
	fd, err := unix.MemfdCreate("shardmill-cell", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("record cell: %w", err)
	}
	f := os.NewFile(uintptr(fd), "cell")
	if err := f.Truncate(cellSize); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("record cell: %w", err)
	}
	return f, nil
}

func dup2(from, to int) error { return unix.Dup3(from, to, 0) }

// The columns of /proc/PID/statm, in pages. See proc_pid_statm(5).
const (
	statmResident = 1
	statmShared   = 2
)

// openMemory opens what memoryBytes reads, nil for a process that is gone.
func openMemory(pid int) *os.File {
	f, err := os.Open("/proc/" + strconv.Itoa(pid) + "/statm")
	if err != nil {
		return nil
	}
	return f
}

// memoryBytes is the resident memory of the process whose file it is, and how much of it is no mapped file: 0 once it is gone.
func memoryBytes(f *os.File) (resident, private int64) {
	var text [256]byte
	n, _ := f.ReadAt(text[:], 0) // the error is the end of the file, or of the process
	var pages [7]int64
	for i, field := range strings.Fields(string(text[:n])) {
		if n, err := strconv.ParseInt(field, 10, 64); err == nil && i < len(pages) {
			pages[i] = n
		}
	}
	page := int64(os.Getpagesize())
	return pages[statmResident] * page, (pages[statmResident] - pages[statmShared]) * page
}

// privateBytes is the resident memory of a process without mapped files.
func privateBytes(pid int) int64 {
	f := openMemory(pid)
	defer closeAll(f)
	_, private := memoryBytes(f)
	return private
}

// peakBytes is the largest resident memory of a live process so far. The maximum in its rusage is no
// use here: it begins at that of the driver, whose memory the child shares between vfork and exec.
func peakBytes(pid int) int64 {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return 0
	}
	return field(text, "VmHWM:") << 10
}

// rusagePeak is the peak in a rusage, where it can be trusted.
func rusagePeak(*syscall.Rusage) int64 { return 0 }

// oomKills counts the processes of our cgroup, which workers share, that the kernel killed for memory.
func oomKills() int64 { return oomKillsIn("/proc/self/cgroup", "/sys/fs/cgroup") }

// oomKillsIn looks below a cgroup mount point for the first counter, version 2 (memory.events) or
// 1 (memory.oom_control). Inside a container the mount may begin at our cgroup: hence two places each.
func oomKillsIn(self, root string) int64 {
	text, err := os.ReadFile(self)
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		var base, file string
		switch parts[1] {
		case "":
			base, file = root, "memory.events"
		case "memory":
			base, file = filepath.Join(root, "memory"), "memory.oom_control"
		default:
			continue
		}
		for _, dir := range []string{filepath.Join(base, parts[2]), base} {
			if text, err := os.ReadFile(filepath.Join(dir, file)); err == nil {
				return field(text, "oom_kill")
			}
		}
	}
	return 0
}

// field is the number after a word at the beginning of a line, or 0.
func field(text []byte, word string) int64 {
	for line := range bytes.Lines(text) {
		f := strings.Fields(string(line))
		if len(f) < 2 || f[0] != word {
			continue
		}
		if n, err := strconv.ParseInt(f[1], 10, 64); err == nil {
			return n
		}
	}
	return 0
}
