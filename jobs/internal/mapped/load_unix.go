//go:build unix

package mapped

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// load returns the size bytes of f, which can be written to if that is asked for, and whether they are a mapping: some network file systems have none.
func load(f *os.File, size int, written bool) (data []byte, mapped bool, err error) {
	protection := unix.PROT_READ
	if written {
		protection |= unix.PROT_WRITE
	}
	data, err = unix.Mmap(int(f.Fd()), 0, size, protection, unix.MAP_SHARED)
	if errors.Is(err, unix.ENODEV) {
		data, err = read(f, size)
		return data, false, err
	}
	return data, true, err
}

func unload(data []byte) error { return unix.Munmap(data) }
