package main

import (
	"os"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
)

// canMount tells whether this process may mount a disk.
func canMount() bool {
	dir, err := os.MkdirTemp("", "shardmill-mount")
	if err != nil {
		return false
	}
	defer func() { _ = os.Remove(dir) }() // only if the unmount below failed
	return unix.Mount("tmpfs", dir, "tmpfs", 0, "size=4k") == nil && unix.Unmount(dir, 0) == nil
}

// cmdSmallDisk mounts a small disk in memory: smalldisk DIR SIZE.
func cmdSmallDisk(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: smalldisk DIR SIZE")
	}
	dir := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(dir, 0o755))
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size="+args[1]); err != nil {
		ts.Fatalf("mounting: %v", err)
	}
	ts.Defer(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			ts.Logf("unmounting: %v", err)
		}
	})
}
