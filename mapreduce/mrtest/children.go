package mrtest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Children lists the processes, dead ones apart, that a process started and that are still its own. It is empty
// where the system has no /proc.
func Children(pid int) []int {
	var pids []int
	stats, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is good
	for _, path := range stats {
		b, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		var child, parent int
		var state string
		after := string(b)[strings.LastIndexByte(string(b), ')')+1:]
		if _, err := fmt.Sscan(filepath.Base(filepath.Dir(path)), &child); err != nil {
			continue
		}
		if _, err := fmt.Sscan(after, &state, &parent); err == nil && parent == pid && state != "Z" {
			pids = append(pids, child)
		}
	}
	return pids
}
