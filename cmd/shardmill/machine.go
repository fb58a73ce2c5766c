package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/cpu"
	"golang.org/x/sys/unix"
)

// machine reads what the kernel says of cores and memory. Root is "/"; tests give another.
type machine struct{ root string }

// cores tells the cores of this process and the limit of its cgroup.
func (m machine) cores() string {
	text := strconv.Itoa(runtime.NumCPU())
	if limit := m.cpuLimit(); limit > 0 {
		text += fmt.Sprintf(", limited to %.4g by the cgroup", limit)
	}
	return text
}

// cpuLimit is the least number of cores that a cgroup above this process allows, or 0. It reads cgroup 2 only.
func (m machine) cpuLimit() float64 {
	least := 0.0
	for _, text := range m.cgroup("cpu.max") {
		var quota, period float64
		if _, err := fmt.Sscan(text, &quota, &period); err == nil && period > 0 {
			if v := quota / period; least == 0 || v < least {
				least = v
			}
		}
	}
	return least
}

// memory tells the memory of the machine and the limit of this process's cgroup.
func (m machine) memory() string {
	total, available := m.meminfo("MemTotal"), m.meminfo("MemAvailable")
	if total == 0 {
		return "unknown"
	}
	text := fmt.Sprintf("%s, %s available", sized(total), sized(available))
	if limit := m.memoryLimit(); limit > 0 {
		text += fmt.Sprintf(", limited to %s by the cgroup", sized(limit))
	}
	return text
}

// memoryLimit is the least number of bytes that a cgroup above this process allows, or 0.
func (m machine) memoryLimit() int64 {
	var least int64
	for _, text := range append(m.cgroup("memory.max"), m.read("sys/fs/cgroup/memory/memory.limit_in_bytes")) {
		v, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
		if err == nil && v < 1<<60 && (least == 0 || v < least) {
			least = v
		}
	}
	return least
}

// cgroup reads a file of this process's cgroup and of all above it.
func (m machine) cgroup(name string) []string {
	var texts []string
	for line := range strings.Lines(m.read("proc/self/cgroup")) {
		group, ok := strings.CutPrefix(strings.TrimSpace(line), "0::")
		if !ok {
			continue
		}
		for dir := filepath.Clean("/" + group); ; dir = filepath.Dir(dir) {
			texts = append(texts, m.read(filepath.Join("sys/fs/cgroup", dir, name)))
			if dir == "/" {
				break
			}
		}
	}
	return texts
}

// meminfo reads a value of /proc/meminfo in bytes, 0 if it is not there.
func (m machine) meminfo(name string) int64 {
	for line := range strings.Lines(m.read("proc/meminfo")) {
		var kib int64
		if rest, ok := strings.CutPrefix(line, name+":"); ok {
			if _, err := fmt.Sscan(rest, &kib); err == nil {
				return kib << 10
			}
		}
	}
	return 0
}

// read returns the text of a file, "" if it cannot be read.
func (m machine) read(name string) string {
	b, err := os.ReadFile(filepath.Join(m.root, name))
	if err != nil {
		return ""
	}
	return string(b)
}

// cpuFeatures names the vector instructions that ONNX Runtime and the decoder can use.
func cpuFeatures() string {
	var has []string
	for _, f := range []struct {
		name string
		ok   bool
	}{
		{"AVX2", cpu.X86.HasAVX2},
		{"FMA", cpu.X86.HasFMA},
		{"AVX-512", cpu.X86.HasAVX512F},
		{"AVX-512 VNNI", cpu.X86.HasAVX512VNNI},
		{"NEON", cpu.ARM64.HasASIMD},
		{"SVE", cpu.ARM64.HasSVE},
	} {
		if f.ok {
			has = append(has, f.name)
		}
	}
	if len(has) == 0 {
		return "no vector instructions that are known here"
	}
	return strings.Join(has, ", ")
}

// freeDisk is the number of bytes that this user can still write below a folder.
func freeDisk(folder string) (int64, bool) {
	var s unix.Statfs_t
	if err := unix.Statfs(folder, &s); err != nil {
		return 0, false
	}
	return int64(s.Bavail) * int64(s.Bsize), true
}

// fullBelow is the free space under which a failure is taken to be one of a full disk: of the error of a
// worker process only the text is known.
const fullBelow = 1 << 20

// full tells whether the disk of a folder has no room left.
func full(folder string) bool {
	free, ok := freeDisk(folder)
	return ok && free < fullBelow
}
