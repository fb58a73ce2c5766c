package formattest

import (
	"errors"
	"io"
	"syscall"
	"testing"
	"time"
)

// BenchRead reads data, which has so many rows, to its end with each reader that open makes.
func BenchRead(b *testing.B, data []byte, rows int, open func() (read func() error)) {
	b.SetBytes(int64(len(data)))
	PerRow(b, rows, func() {
		read := open()
		var err error
		for err == nil {
			err = read()
		}
		if !errors.Is(err, io.EOF) {
			b.Fatal(err)
		}
	})
}

// PerRow runs the loop of a benchmark, each time over so many rows, and reports the CPU time of a row.
func PerRow(b *testing.B, rows int, run func()) {
	b.Helper()
	b.ReportAllocs()
	start := cpu(b)
	for b.Loop() {
		run()
	}
	b.ReportMetric(float64(cpu(b)-start)/float64(b.N*rows), "cpu-ns/row")
}

// cpu is the CPU time of this process, collector and all: other work on the machine does not count.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var use syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &use); err != nil {
		b.Fatal(err)
	}
	return time.Duration(use.Utime.Nano() + use.Stime.Nano())
}
