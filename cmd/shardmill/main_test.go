package main

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/shardmill/shardmill/jobs"
	"github.com/shardmill/shardmill/mapreduce"
)

// TestMain makes the test binary the program itself, for scripts, and its own worker. Being a worker comes first: a
// worker is this file started again, under whatever name.
func TestMain(m *testing.M) {
	if mapreduce.IsWorker() {
		os.Exit(mapreduce.WorkerMain(jobs.Standard(), jobs.All()...))
	}
	if isModelChild() {
		os.Exit(modelChild())
	}
	testscript.Main(m, map[string]func(){"shardmill": func() { os.Exit(start(hookFromEnv())) }})
}

// hookFromEnv stops the driver at the point that the environment names: SHARDMILL_CRASH kills it, SHARDMILL_INTERRUPT
// sends it what Ctrl-C does, SHARDMILL_STOP sends it twice and holds on, SHARDMILL_PAUSE holds it until it is killed.
// SHARDMILL_POISON has a worker crash there.
func hookFromEnv() func(point string) {
	crash, interrupt, pause := os.Getenv("SHARDMILL_CRASH"), os.Getenv("SHARDMILL_INTERRUPT"), os.Getenv("SHARDMILL_PAUSE")
	stop, poison := os.Getenv("SHARDMILL_STOP"), os.Getenv("SHARDMILL_POISON")
	return func(point string) {
		switch point {
		case crash:
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		case interrupt:
			_ = syscall.Kill(os.Getpid(), syscall.SIGINT)
			time.Sleep(300 * time.Millisecond) // until the signal has come
		case stop:
			_ = syscall.Kill(os.Getpid(), syscall.SIGINT)
			time.Sleep(300 * time.Millisecond)
			_ = syscall.Kill(os.Getpid(), syscall.SIGINT)
			time.Sleep(time.Minute)
		case pause:
			time.Sleep(time.Minute)
		case poison:
			crashWorker()
		}
	}
}

// crashWorker has the worker that this process has, or else the first that it gets, die as of a segmentation fault in what it
// is to do next.
func crashWorker() {
	pid := workerProcess()
	if pid != 0 {
		_ = syscall.Kill(pid, syscall.SIGSTOP) // it is not to be faster
	}
	go func() {
		if pid != 0 {
			time.Sleep(20 * time.Millisecond) // until it has been told
		}
		for ; pid == 0; pid = workerProcess() {
			time.Sleep(time.Millisecond)
		}
		_ = syscall.Kill(pid, syscall.SIGSEGV)
		_ = syscall.Kill(pid, syscall.SIGCONT)
	}()
}

// workerProcess finds a worker of this process, 0 if there is none.
func workerProcess() int {
	tasks, _ := filepath.Glob("/proc/self/task/*/children")
	for _, name := range tasks {
		children, _ := os.ReadFile(name)
		for _, pid := range strings.Fields(string(children)) {
			env, _ := os.ReadFile("/proc/" + pid + "/environ") // that of this process before it is a worker
			if n, err := strconv.Atoi(pid); err == nil && bytes.Contains(env, []byte("SHARDMILL_WORKER=1\x00")) {
				return n
			}
		}
	}
	return 0
}

func TestScript(t *testing.T) {
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("DEMO", filepath.Join(root, "testdata", "demo"))
			e.Setenv("INTERNAL", filepath.Join(root, "jobs", "internal"))
			e.Setenv("ONNXRUNTIME_LIB", runtimeLibrary(root))
			return nil
		},
		Condition: func(cond string) (bool, error) {
			switch cond {
			case "onnx":
				return runtimeLibrary(root) != "", nil
			case "root":
				return os.Geteuid() == 0, nil
			case "mount":
				return canMount(), nil
			}
			return false, fmt.Errorf("unknown condition %q", cond)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"code": cmdCode, "crash": cmdCrash, "sametree": cmdSameTree, "await": cmdAwait, "smalldisk": cmdSmallDisk, "randomtext": cmdRandomText,
			"pprof": cmdPprof, "gzip": cmdGzip, "repeat": cmdRepeat, "planted": cmdPlanted, "sparse": cmdSparse,
		},
	})
}

// runtimeLibrary is the ONNX Runtime that scripts use, "" if there is none.
func runtimeLibrary(root string) string {
	lib := os.Getenv("ONNXRUNTIME_LIB")
	if lib == "" {
		lib = filepath.Join(root, "bin", "libonnxruntime.so.1")
	}
	if _, err := os.Stat(lib); err != nil {
		return ""
	}
	return lib
}

// cmdCode runs a program that must end with an exit code: code N PROGRAM ARG...
func cmdCode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N PROGRAM ARG...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	if got := exitCode(ts, args[1:]); got != want {
		ts.Fatalf("exit code %d, expected %d", got, want)
	}
}

func exitCode(ts *testscript.TestScript, args []string) int {
	err := ts.Exec(args[0], args[1:]...)
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	ts.Check(err)
	return 0
}

// cmdCrash runs a program whose driver must die at a point, and then again to its end: crash POINT PROGRAM ARG...
func cmdCrash(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: crash POINT PROGRAM ARG...")
	}
	ts.Setenv("SHARDMILL_CRASH", args[0])
	if code := exitCode(ts, args[1:]); code != -1 {
		ts.Fatalf("the driver ended with exit code %d instead of dying at %s", code, args[0])
	}
	ts.Setenv("SHARDMILL_CRASH", "")
	if code := exitCode(ts, args[1:]); code != 0 && code != 3 {
		ts.Fatalf("exit code %d after a crash at %s", code, args[0])
	}
}

// cmdSameTree compares all files of two folders: sametree A B.
func cmdSameTree(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: sametree A B")
	}
	diff, err := differences(ts.MkAbs(args[0]), ts.MkAbs(args[1]))
	ts.Check(err)
	switch {
	case neg && len(diff) == 0:
		ts.Fatalf("%s and %s are the same", args[0], args[1])
	case !neg && len(diff) > 0:
		ts.Fatalf("%s and %s differ in %q", args[0], args[1], diff)
	}
}

// differences are the files that are in one folder only, or not the same in both.
func differences(a, b string) ([]string, error) {
	inA, err := tree(a)
	if err != nil {
		return nil, err
	}
	inB, err := tree(b)
	if err != nil {
		return nil, err
	}
	var diff []string
	for name, content := range inA {
		other, ok := inB[name]
		if !ok || !bytes.Equal(content, other) {
			diff = append(diff, name)
		}
	}
	for name := range inB {
		if _, ok := inA[name]; !ok {
			diff = append(diff, name)
		}
	}
	slices.Sort(diff)
	return diff, nil
}

func tree(dir string) (map[string][]byte, error) {
	files := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		files[rel], err = os.ReadFile(path)
		return err
	})
	return files, err
}

// cmdAwait waits until a file is there: await FILE.
func cmdAwait(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: await FILE")
	}
	for range 400 {
		if _, err := os.Stat(ts.MkAbs(args[0])); err == nil {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	ts.Fatalf("%s does not come", args[0])
}

// cmdPprof reads profiles, each of which must have values of a type: pprof TYPE FILE...
func cmdPprof(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: pprof TYPE FILE...")
	}
	for _, name := range args[1:] {
		z, err := gzip.NewReader(strings.NewReader(ts.ReadFile(name)))
		if err != nil {
			ts.Fatalf("%s: %v", name, err)
		}
		b, err := io.ReadAll(z)
		if err != nil {
			ts.Fatalf("%s: %v", name, err)
		}
		texts, err := profileTexts(b)
		if err != nil || !slices.Contains(texts, args[0]) {
			ts.Fatalf("%s: no profile of %s among %q (%v)", name, args[0], texts, err)
		}
	}
}

// profileTexts is the string table of a profile, field 6 of the message Profile of pprof's profile.proto.
func profileTexts(b []byte) (texts []string, err error) {
	for len(b) > 0 {
		field, kind, n := protowire.ConsumeField(b)
		if n < 0 {
			return texts, protowire.ParseError(n)
		}
		if field == 6 && kind == protowire.BytesType {
			_, _, head := protowire.ConsumeTag(b)
			text, _ := protowire.ConsumeBytes(b[head:n])
			texts = append(texts, string(text))
		}
		b = b[n:]
	}
	return texts, nil
}

// cmdGzip compresses files, each into one of the same name and ".gz": gzip FILE...
func cmdGzip(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: gzip FILE...")
	}
	for _, name := range args {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, err := io.WriteString(z, ts.ReadFile(name))
		ts.Check(errors.Join(err, z.Close()))
		ts.Check(os.WriteFile(ts.MkAbs(name+".gz"), b.Bytes(), 0o644))
	}
}

// cmdRepeat writes the text of a file again and again: repeat N FROM TO.
func cmdRepeat(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: repeat N FROM TO")
	}
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), bytes.Repeat([]byte(ts.ReadFile(args[1])), n), 0o644))
}

// cmdRandomText writes a file of words that hardly compress: randomtext FILE BYTES.
func cmdRandomText(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: randomtext FILE BYTES")
	}
	size, err := strconv.Atoi(args[1])
	ts.Check(err)
	r := rand.New(rand.NewPCG(1, 2))
	var b bytes.Buffer
	for b.Len() < size {
		fmt.Fprintf(&b, "%016x %016x\n", r.Uint64(), r.Uint64())
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), b.Bytes(), 0o644))
}
