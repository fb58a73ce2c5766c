package fsx_test

import (
	"errors"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shardmill/shardmill/mapreduce/internal/fsx"
)

// life makes ten changes; their numbers are in the comments.
func life(fsys fsx.FS) error {
	if err := fsys.Mkdir("/d"); err != nil { // 0
		return err
	}
	f, err := fsys.Create("/d/f") // 1
	if err != nil {
		return err
	}
	_, err = f.Write([]byte("content")) // 2
	if err == nil {
		err = f.Sync() // 3
	}
	if err := errors.Join(err, f.Close()); err != nil { // 4
		return err
	}
	if err := fsys.Rename("/d/f", "/d/g"); err != nil { // 5
		return err
	}
	if err := fsys.Link("/d/g", "/d/h"); err != nil { // 6
		return err
	}
	if err := fsys.Exchange("/d/g", "/d/h"); err != nil { // 7
		return err
	}
	if err := fsys.Sync("/d"); err != nil { // 8
		return err
	}
	return fsys.Remove("/d/h") // 9
}

func TestFaultAtEachCall(t *testing.T) {
	full := map[string]string{"/d/": "", "/d/g": "content"}
	linked := map[string]string{"/d/": "", "/d/g": "content", "/d/h": "content"}
	before := []map[string]string{ // what is there when call N does nothing
		{},
		{"/d/": ""},
		{"/d/": "", "/d/f": "con"}, // torn
		{"/d/": "", "/d/f": "content"},
		{"/d/": "", "/d/f": "content"},
		{"/d/": "", "/d/f": "content"},
		full, linked, linked, linked, full,
	}
	for _, fault := range []fsx.Fault{fsx.FailOnce, fsx.FailOn, fsx.LostReply, fsx.Crash} {
		for at := range 11 {
			m := fsx.NewMem()
			f := fsx.NewFaulty(m, at, fault, syscall.ENOSPC)
			err := life(f)
			if at == 10 {
				if err != nil || f.Hit() || f.Changes() != 10 {
					t.Fatalf("fault %d: without a fault: %v after %d changes", fault, err, f.Changes())
				}
				continue
			}
			want := error(syscall.ENOSPC)
			if fault == fsx.Crash {
				want = fsx.ErrCrashed
			}
			if !f.Hit() || !errors.Is(err, want) {
				t.Fatalf("fault %d at %d: %v", fault, at, err)
			}
			tree := tree(t, m, "/")
			after := before[at]
			if fault == fsx.LostReply {
				after = before[at+1]
				if at == 1 { // created; nothing written yet
					after = map[string]string{"/d/": "", "/d/f": ""}
				}
			}
			if d := cmp.Diff(after, tree); d != "" {
				t.Errorf("fault %d at %d: %s", fault, at, d)
			}
		}
	}
}

func TestWhatComesAfterTheFault(t *testing.T) {
	for _, c := range []struct {
		fault        fsx.Fault
		change, read error
	}{
		{fsx.FailOnce, nil, nil},
		{fsx.FailOn, syscall.EIO, nil},
		{fsx.LostReply, nil, nil},
		{fsx.Crash, fsx.ErrCrashed, fsx.ErrCrashed},
	} {
		m := fsx.NewMem()
		must(t, put(m, "/old", "x"))
		f := fsx.NewFaulty(m, 0, c.fault, syscall.EIO)
		open, err := f.Open("/old")
		must(t, err)
		if err := f.Sync("/"); err == nil {
			t.Error("the fault did not happen")
		}
		if err := f.Mkdir("/d"); !errors.Is(err, c.change) {
			t.Errorf("%d: a change says %v", c.fault, err)
		}
		b := make([]byte, 1)
		_, readErr := open.Read(b)
		_, readAtErr := open.ReadAt(b, 0)
		_, statErr := f.Stat("/old")
		_, dirErr := f.ReadDir("/")
		_, openErr := f.Open("/old")
		for i, err := range []error{readErr, readAtErr, statErr, dirErr, openErr} {
			if !errors.Is(err, c.read) {
				t.Errorf("%d: read %d says %v", c.fault, i, err)
			}
		}
		must(t, open.Close())
	}
}

func TestACrashedProcessLosesItsLock(t *testing.T) {
	m := fsx.NewMem()
	f := fsx.NewFaulty(m, 1, fsx.Crash, nil)
	lock, err := f.Lock("/LOCK", nil)
	must(t, err)
	if err := f.Mkdir("/d"); !errors.Is(err, fsx.ErrCrashed) {
		t.Fatal(err)
	}
	must(t, lock.Close())
	again, err := m.Lock("/LOCK", nil)
	must(t, err)
	must(t, again.Close())

	lost := fsx.NewFaulty(m, 0, fsx.LostReply, syscall.EIO)
	if _, err := lost.Lock("/LOCK", nil); !errors.Is(err, syscall.EIO) {
		t.Fatal(err)
	}
	if _, err := m.Lock("/LOCK", nil); err != nil {
		t.Fatal("a lock that its taker does not know of:", err)
	}
}
