package fsx

import (
	"errors"

	"golang.org/x/sys/unix"
)

// exchange swaps two names with renameat2(2). EINVAL is what a file system without the flag says.
func exchange(a, b string) error {
	err := unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_EXCHANGE)
	if errors.Is(err, unix.EINVAL) {
		return errors.ErrUnsupported
	}
	return err // ENOSYS and ENOTSUP answer errors.Is(err, errors.ErrUnsupported) themselves
}
