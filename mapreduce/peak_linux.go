package mapreduce

import (
	"bufio"
	"bytes"
	"os"
	"strconv"
)

// peakRSS is the largest resident size of this process since resetPeak, in bytes, or 0. (That of getrusage may be of the driver, whose
// memory a child shares between vfork and exec.)
func peakRSS() int64 {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for s := bufio.NewScanner(bytes.NewReader(text)); s.Scan(); {
		if fields := bytes.Fields(s.Bytes()); len(fields) == 3 && string(fields[0]) == "VmHWM:" {
			kib, err := strconv.ParseInt(string(fields[1]), 10, 64)
			if err != nil {
				return 0
			}
			return kib << 10
		}
	}
	return 0
}

// resetPeak lets peakRSS begin at the resident size of now. See proc_pid_clear_refs(5).
func resetPeak() {
	// Without it the peak is that of the process so far.
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0)
}
