//go:build linux

package mapreduce_test

import (
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/shardmill/shardmill/mapreduce"
	"github.com/shardmill/shardmill/mapreduce/mrtest"
)

// A disk that is full ends the run with an error that says so; with more space the same command goes on.
func TestFullDisk(t *testing.T) {
	disk := t.TempDir()
	if err := unix.Mount("shardmill-test", disk, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("cannot mount a small file system: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(disk, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	inputs := mrtest.Inputs(t, text(900))
	clean := in(t, inputs)
	mrtest.Run(t, options(), wordsJob(), clean, mapreduce.ExitComplete)
	cfg := base(t, inputs)
	cfg.Dir, cfg.Tries = filepath.Join(disk, "job"), 1
	failures := 0
	for kib := 64; kib < 16<<10; kib += 64 {
		s, err := mapreduce.Run(t.Context(), options(), wordsJob(), cfg)
		if err == nil {
			break
		}
		mrtest.Code(t, s, err, mapreduce.ExitFailed)
		if !strings.Contains(err.Error(), "no space left on device") {
			t.Fatal(err)
		}
		failures++
		grow(t, disk, kib+64)
	}
	t.Logf("%d runs found the disk full", failures)
	if failures == 0 {
		t.Error("the disk was never full")
	}
	mrtest.SameResults(t, clean.Dir, cfg.Dir)
	mrtest.NothingLeft(t, cfg.Dir)
}

// grow gives the file system more space, which has no other effect.
func grow(t *testing.T, disk string, kib int) {
	t.Helper()
	if err := unix.Mount("", disk, "", unix.MS_REMOUNT, "size="+strconv.Itoa(kib)+"k"); err != nil {
		t.Fatal(err)
	}
}
