package worker

import (
	"math"
	"runtime"
	"runtime/debug"
	"testing"

	"golang.org/x/sys/unix"
)

func TestSetMemory(t *testing.T) {
	old := debug.SetMemoryLimit(-1)
	t.Cleanup(func() { debug.SetMemoryLimit(old) })
	tests := []struct{ memoryCap, native, want int64 }{
		{2 << 30, 0, (2 << 30) / 100 * 85},
		{2 << 30, 300 * mib, (2<<30)/100*85 - 300*mib},
		{256 * mib, 250 * mib, 64 * mib},
		{64 * mib, 0, 64 * mib / 100 * 85},
		{64 * mib, 20 * mib, 64 * mib / 100 * 85},
	}
	for _, tt := range tests {
		debug.SetMemoryLimit(math.MaxInt64)
		setMemory(tt.memoryCap, tt.native)
		if got := debug.SetMemoryLimit(-1); got != tt.want {
			t.Errorf("cap %d, native %d: limit %d, want %d", tt.memoryCap, tt.native, got, tt.want)
		}
	}
}

// TestLimitMemory measures native memory where it may matter.
func TestLimitMemory(t *testing.T) {
	if privateBytes(unix.Getpid()) == 0 {
		t.Skip("this system does not tell the resident memory")
	}
	old := debug.SetMemoryLimit(-1)
	t.Cleanup(func() { debug.SetMemoryLimit(old) })
	const size = 128 * mib
	mem, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	touch(mem)
	for _, tt := range []struct{ memoryCap, least, most int64 }{
		{0, math.MaxInt64, math.MaxInt64},
		{1 << 50, 1 << 50 / 100 * 85, 1 << 50 / 100 * 85}, // not measured
		{1 << 30, 64 * mib, 1<<30/100*85 - size + size/4},
	} {
		debug.SetMemoryLimit(math.MaxInt64)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		LimitMemory(tt.memoryCap)
		runtime.ReadMemStats(&after)
		if got := debug.SetMemoryLimit(-1); got < tt.least || got > tt.most {
			t.Errorf("cap %d: limit %d, want %d to %d", tt.memoryCap, got, tt.least, tt.most)
		}
		if measured := after.NumForcedGC > before.NumForcedGC; measured != (tt.memoryCap == 1<<30) {
			t.Errorf("cap %d: garbage was collected: %v", tt.memoryCap, measured)
		}
	}
	if err := unix.Munmap(mem); err != nil {
		t.Fatal(err)
	}
}

func TestNativeBytes(t *testing.T) {
	if privateBytes(unix.Getpid()) == 0 {
		t.Skip("this system does not tell the resident memory")
	}
	if raceEnabled {
		t.Skip("the race detector keeps native memory for each byte of the heap")
	}
	const size = 128 * mib
	before := nativeBytes()

	heap := make([]byte, size)
	touch(heap)
	if got := nativeBytes() - before; got > size/4 {
		t.Errorf("%d MiB of Go heap count as native", got/mib)
	}
	runtime.KeepAlive(heap)

	mem, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	touch(mem)
	runtime.KeepAlive(make([]byte, 4*size)) // garbage, and never resident
	if got := nativeBytes() - before; got < size-size/4 || got > size+size/4 {
		t.Errorf("%d MiB of native memory count as %d MiB", size/mib, got/mib)
	}
	if err := unix.Munmap(mem); err != nil {
		t.Fatal(err)
	}
}

func touch(b []byte) {
	for i := 0; i < len(b); i += 4096 {
		b[i] = 1
	}
}

func TestLowerNeverRaises(t *testing.T) {
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_CORE, &l); err != nil {
		t.Fatal(err)
	}
	if err := lower(unix.RLIMIT_CORE, l.Max); err != nil {
		t.Fatal(err)
	}
	var after unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_CORE, &after); err != nil || after != l {
		t.Errorf("%v: %+v, before %+v", err, after, l)
	}
}
