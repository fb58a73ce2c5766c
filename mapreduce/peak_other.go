//go:build !linux

package mapreduce

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// peakRSS is the largest resident size of this process so far, in bytes.
func peakRSS() int64 {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &u) != nil {
		return 0
	}
	if runtime.GOOS == "darwin" {
		return u.Maxrss // bytes there, KiB elsewhere
	}
	return u.Maxrss << 10
}

// resetPeak does nothing here.
func resetPeak() {}
