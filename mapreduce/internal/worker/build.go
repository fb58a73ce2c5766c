package worker

import (
	"bytes"
	"debug/elf"
	"os"
	"runtime/debug"
)

// BuildID names the program that this process runs: the Go toolchain's build id, and
// the module and version control information where the file has none. Equal programs have equal ids.
func BuildID() string {
	if id := goBuildID(); id != "" {
		return id
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.String()
	}
	return "unknown"
}

// goBuildID reads the id that the linker wrote. It reads the file that runs, which on Linux need
// not be the one that stands under its name now.
func goBuildID() string {
	f, err := os.Open("/proc/self/exe")
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }()
	e, err := elf.NewFile(f)
	if err != nil {
		return ""
	}
	note := e.Section(".note.go.buildid")
	if note == nil {
		return ""
	}
	data, err := note.Data()
	if err != nil || len(data) < 16 { // three lengths and the name "Go", then the id
		return ""
	}
	return string(bytes.TrimRight(data[16:], "\x00"))
}
