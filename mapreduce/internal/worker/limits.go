package worker

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"runtime/metrics"

	"golang.org/x/sys/unix"
)

const mib = 1 << 20

// limit sets the limits of this worker process: no core files, and RLIMIT_DATA as a backstop behind
// the driver's samples. A limit at the cap itself would kill healthy workers, because the kernel counts
// what is mapped, not what is used: 512 MiB are for arenas, and 8 MiB a thread for stacks. Threads are
// those that run Go code (GOMAXPROCS) and 16 for native pools, blocked system calls and the runtime's own.
func limit(memoryCap int64) error {
	if err := lower(unix.RLIMIT_CORE, 0); err != nil {
		return fmt.Errorf("limit core files: %w", err)
	}
	data := uint64(memoryCap) + 512*mib + 8*mib*uint64(runtime.GOMAXPROCS(0)+16)
	if memoryCap <= 0 {
		return nil
	}
	if err := lower(unix.RLIMIT_DATA, data); err != nil {
		return fmt.Errorf("limit data: %w", err)
	}
	return nil
}

// lower lowers a soft limit, never raises one.
func lower(resource int, to uint64) error {
	var l unix.Rlimit
	if err := unix.Getrlimit(resource, &l); err != nil {
		return err
	}
	l.Cur = min(l.Cur, to)
	return unix.Setrlimit(resource, &l)
}

// smallShare is the part of the cap that native code may hold without being measured.
const smallShare = 32

// LimitMemory sets the soft memory limit of the Go runtime in a worker with a cap on its memory, in bytes, to what native code
// leaves of it: see setMemory. Measuring collects garbage and gives memory back, which costs some ms now and page faults
// later; so it is left out where the whole process holds less than 1/32 of the cap.
func LimitMemory(memoryCap int64) {
	if memoryCap <= 0 {
		return
	}
	native := int64(0)
	if privateBytes(unix.Getpid()) > memoryCap/smallShare {
		native = nativeBytes()
	}
	setMemory(memoryCap, native)
}

// setMemory sets the soft memory limit to 85 % of the cap less what native code holds, but at least to 64 MiB, or to the 85 % if that is less.
func setMemory(memoryCap, native int64) {
	most := memoryCap / 100 * 85
	debug.SetMemoryLimit(max(most-native, min(64*mib, most)))
}

// nativeBytes measures what code outside of the Go runtime holds in this process: resident memory without mapped
// files, less what the runtime holds. It collects garbage first, so that what Go has freed does
// not count. It is 0 where the system does not tell.
func nativeBytes() int64 {
	debug.FreeOSMemory()
	s := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(s)
	held := int64(s[0].Value.Uint64()) - int64(s[1].Value.Uint64())
	return max(0, privateBytes(unix.Getpid())-held)
}
