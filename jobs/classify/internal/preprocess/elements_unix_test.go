//go:build unix

package preprocess

import (
	"testing"

	"golang.org/x/sys/unix"
)

// Nothing is read or written after the end of the samples and of the plane, where memory may end: it does here.
func TestPlaneAtTheEndOfMemory(t *testing.T) {
	needAffines(t)
	f, err := NewFiller(mustLoad(t, "imagenet"))
	if err != nil {
		t.Fatal(err)
	}
	page := unix.Getpagesize()
	memory, err := unix.Mmap(-1, 0, 2*page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Munmap(memory) }()
	if err := unix.Mprotect(memory[page:], unix.PROT_NONE); err != nil {
		t.Fatal(err)
	}
	for n := range 3 * 5 * block {
		compareBoth(t, f, 0, memory[page-n:page:page], 0)
	}
}
