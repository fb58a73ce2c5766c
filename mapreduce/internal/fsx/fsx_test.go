package fsx_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/mapreduce/internal/fsx"
)

// put writes a file through an FS.
func put(fsys fsx.FS, name, content string) error {
	f, err := fsys.Create(name)
	if err != nil {
		return err
	}
	_, err = f.Write([]byte(content))
	return errors.Join(err, f.Close())
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// tree is every file below root with its content, and every folder with a slash.
func tree(t testing.TB, fsys fsx.FS, root string) map[string]string {
	t.Helper()
	out := map[string]string{}
	var walk func(string)
	walk = func(dir string) {
		entries, err := fsys.ReadDir(dir)
		must(t, err)
		for _, e := range entries {
			path := filepath.Join(dir, e.Name())
			rel := strings.TrimPrefix(path, root+"/")
			if e.IsDir() {
				out[rel+"/"] = ""
				walk(path)
				continue
			}
			b, err := fsx.ReadFile(fsys, path)
			must(t, err)
			out[rel] = string(b)
		}
	}
	walk(root)
	return out
}

// both runs a test on the real and on the pretended file system.
func both(t *testing.T, run func(t *testing.T, fsys fsx.FS, root string)) {
	t.Run("os", func(t *testing.T) { run(t, fsx.OS{}, t.TempDir()) })
	t.Run("mem", func(t *testing.T) {
		m := fsx.NewMem()
		must(t, m.Mkdir("/w"))
		run(t, m, "/w")
	})
}

// kind is what a caller may ask of an error.
func kind(err error) string {
	for _, k := range []error{fs.ErrNotExist, fs.ErrExist, fsx.ErrLocked, errors.ErrUnsupported} {
		if errors.Is(err, k) {
			return k.Error()
		}
	}
	if err != nil {
		return "other"
	}
	return ""
}

// TestMemBehavesAsTheRealOne does the same random calls to both and compares answers and trees.
func TestMemBehavesAsTheRealOne(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		real, err := os.MkdirTemp("", "fsx")
		must(t, err)
		defer func() { must(t, os.RemoveAll(real)) }()
		mem := fsx.NewMem()
		must(t, mem.Mkdir("/w"))
		path := rapid.SampledFrom([]string{"a", "b", "d", "d/a", "d/b", "e", "e/d", "e/d/a", "a/x"})
		for range rapid.IntRange(1, 40).Draw(rt, "calls") {
			op := rapid.SampledFrom([]string{
				"create", "append", "mkdir", "mkdirall", "rename", "link", "exchange", "remove", "removeall", "sync", "read", "readdir", "stat",
			}).Draw(rt, "op")
			p, q := path.Draw(rt, "p"), path.Draw(rt, "q")
			want, got := call(fsx.OS{}, real, op, p, q), call(mem, "/w", op, p, q)
			if want != got {
				rt.Fatalf("%s %s %s: real %q, memory %q", op, p, q, want, got)
			}
		}
		if d := cmp.Diff(tree(t, fsx.OS{}, real), tree(t, mem, "/w")); d != "" {
			rt.Fatal(d)
		}
	})
}

func call(fsys fsx.FS, root, op, p, q string) string {
	p, q = filepath.Join(root, p), filepath.Join(root, q)
	var err error
	var answer string
	switch op {
	case "create":
		err = put(fsys, p, "created")
	case "append":
		var f fsx.File
		if f, err = fsys.Append(p); err == nil {
			_, err = f.Write([]byte("+"))
			err = errors.Join(err, f.Sync(), f.Close())
		}
	case "mkdir":
		err = fsys.Mkdir(p)
	case "mkdirall":
		err = fsx.MkdirAll(fsys, p)
	case "rename":
		err = fsys.Rename(p, q)
	case "link":
		err = fsys.Link(p, q)
	case "exchange":
		err = fsys.Exchange(p, q)
	case "remove":
		err = fsys.Remove(p)
	case "removeall":
		err = fsx.RemoveAll(fsys, p)
	case "sync":
		err = fsys.Sync(p)
	case "read":
		var b []byte
		b, err = fsx.ReadFile(fsys, p)
		answer = string(b)
	case "readdir":
		var list []fs.DirEntry
		list, err = fsys.ReadDir(p)
		for _, e := range list {
			answer += fmt.Sprint(e.Name(), e.IsDir(), " ")
		}
	case "stat":
		var info fs.FileInfo
		if info, err = fsys.Stat(p); err == nil && !info.IsDir() {
			answer = fmt.Sprint(info.Name(), info.Size(), info.Mode().IsRegular())
		}
	}
	return answer + kind(err)
}

func TestCreateNeverOpensAnExistingFile(t *testing.T) {
	both(t, func(t *testing.T, fsys fsx.FS, root string) {
		name := filepath.Join(root, "f")
		must(t, put(fsys, name, "one"))
		if err := put(fsys, name, "two"); !errors.Is(err, fs.ErrExist) {
			t.Fatalf("got %v", err)
		}
		if got := tree(t, fsys, root)["f"]; got != "one" {
			t.Fatalf("content is %q", got)
		}
	})
}

func TestReadAtAndReadOfAnOpenFile(t *testing.T) {
	both(t, func(t *testing.T, fsys fsx.FS, root string) {
		name := filepath.Join(root, "f")
		must(t, put(fsys, name, "0123456789"))
		f, err := fsys.Open(name)
		must(t, err)
		defer func() { must(t, f.Close()) }()
		b := make([]byte, 4)
		if n, err := f.ReadAt(b, 8); n != 2 || !errors.Is(err, io.EOF) {
			t.Errorf("at the end: %d, %v", n, err)
		}
		all, err := io.ReadAll(f)
		if string(all) != "0123456789" || err != nil {
			t.Errorf("ReadAll: %q, %v", all, err)
		}
		if _, err := f.Write(b); err == nil {
			t.Error("wrote to a file that was opened for reading")
		}
	})
}

func TestLockIsExclusiveUntilClosed(t *testing.T) {
	both(t, func(t *testing.T, fsys fsx.FS, root string) {
		name := filepath.Join(root, "LOCK")
		first, err := fsys.Lock(name, []byte("a long holder"))
		must(t, err)
		if _, err := fsys.Lock(name, []byte("second")); !errors.Is(err, fsx.ErrLocked) {
			t.Fatalf("second lock: %v", err)
		}
		if got := tree(t, fsys, root)["LOCK"]; got != "a long holder" {
			t.Fatalf("the second one changed the holder to %q", got)
		}
		must(t, first.Close())
		second, err := fsys.Lock(name, []byte("short"))
		must(t, err)
		if got := tree(t, fsys, root)["LOCK"]; got != "short" {
			t.Errorf("holder is %q", got)
		}
		must(t, second.Close())
	})
}

func TestLockIsNotInherited(t *testing.T) {
	name := filepath.Join(t.TempDir(), "LOCK")
	first, err := fsx.OS{}.Lock(name, nil)
	must(t, err)
	child := exec.Command("sleep", "5")
	if err := child.Start(); err != nil {
		t.Skip("no sleep on this machine:", err)
	}
	defer func() {
		_ = child.Process.Kill() // it may have ended
		_ = child.Wait()         // reports the kill
	}()
	must(t, first.Close())
	second, err := fsx.OS{}.Lock(name, nil)
	if err != nil {
		t.Fatal("a child process keeps the lock:", err)
	}
	must(t, second.Close())
}

func TestRemoveAllFinishesAHalfDoneRemoval(t *testing.T) {
	files := []string{"d/a", "d/b", "d/e/c", "d/e/f/g", "keep"}
	for at := 0; ; at++ {
		m := fsx.NewMem()
		for _, f := range files {
			must(t, fsx.MkdirAll(m, filepath.Dir("/"+f)))
			must(t, put(m, "/"+f, f))
		}
		faulty := fsx.NewFaulty(m, at, fsx.Crash, nil)
		err := fsx.RemoveAll(faulty, "/d")
		if faulty.Hit() && !errors.Is(err, fsx.ErrCrashed) {
			t.Fatalf("call %d: %v", at, err)
		}
		must(t, fsx.RemoveAll(m, "/d"))
		must(t, fsx.RemoveAll(m, "/d"))
		if got := slices.Collect(maps.Keys(tree(t, m, "/"))); !slices.Equal(got, []string{"/keep"}) {
			t.Fatalf("call %d left %v", at, got)
		}
		if !faulty.Hit() {
			if at < 5 {
				t.Fatalf("only %d calls", at)
			}
			return
		}
	}
}

// A folder of many files is removed in lots at once: an error of one is told, and the next call finishes.
func TestRemoveAllOfManyFiles(t *testing.T) {
	both(t, func(t *testing.T, fsys fsx.FS, root string) {
		d := filepath.Join(root, "d")
		must(t, fsx.MkdirAll(fsys, filepath.Join(d, "sub")))
		for i := range 1500 {
			must(t, put(fsys, filepath.Join(d, fmt.Sprint(i)), ""))
		}
		must(t, put(fsys, filepath.Join(d, "sub", "f"), ""))
		broken := errors.New("broken")
		if err := fsx.RemoveAll(fsx.NewFaulty(fsys, 700, fsx.FailOnce, broken), d); !errors.Is(err, broken) {
			t.Fatalf("got %v", err)
		}
		if _, err := fsys.Stat(d); err != nil {
			t.Fatal("it is gone, with what failed to go")
		}
		must(t, fsx.RemoveAll(fsys, d))
		if _, err := fsys.Stat(d); !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("it is still there, %v", err)
		}
	})
}

func TestRemoveAllReportsWhatStays(t *testing.T) {
	both(t, func(t *testing.T, fsys fsx.FS, root string) {
		must(t, fsys.Mkdir(filepath.Join(root, "d")))
		must(t, put(fsys, filepath.Join(root, "d", "f"), ""))
		broken := errors.New("broken")
		if err := fsx.RemoveAll(fsx.NewFaulty(fsys, 0, fsx.FailOn, broken), filepath.Join(root, "d")); !errors.Is(err, broken) {
			t.Fatalf("got %v", err)
		}
		if _, ok := tree(t, fsys, root)["d/f"]; !ok {
			t.Fatal("removed all the same")
		}
	})
}

func TestSyncOfMissing(t *testing.T) {
	both(t, func(t *testing.T, fsys fsx.FS, root string) {
		must(t, fsys.Sync(root))
		if err := fsys.Sync(filepath.Join(root, "none")); !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("got %v", err)
		}
	})
}
