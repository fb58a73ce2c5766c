package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

// The test binary is several programs: the tests, a worker, one or the other broken worker, and a driver that can be killed.
const (
	earlyEnv   = "SHARDMILL_TEST_EARLY"   // a worker that fails before it serves
	muteEnv    = "SHARDMILL_TEST_MUTE"    // a worker that answers nonsense: the text of the variable
	flickerEnv = "SHARDMILL_TEST_FLICKER" // a process that does nothing but change the cell in file 3
	deafEnv    = "SHARDMILL_TEST_DEAF"    // a worker that writes its pid in the folder named here, and never reads
	driverEnv  = "SHARDMILL_TEST_DRIVER"  // a driver that runs the folder named here
)

func TestMain(m *testing.M) {
	switch {
	case os.Getenv(earlyEnv) != "":
		fmt.Fprintln(os.Stderr, "early trouble")
		os.Exit(3)
	case os.Getenv(muteEnv) != "":
		_, _ = os.NewFile(replyFD, "replies").WriteString(os.Getenv(muteEnv))
		_, _ = io.Copy(io.Discard, os.NewFile(requestFD, "requests"))
		os.Exit(0)
	case os.Getenv(flickerEnv) != "":
		os.Exit(flickerForever())
	case IsWorker() && os.Getenv(deafEnv) != "":
		_ = writePid(os.Getenv(deafEnv)) // the test misses it
		time.Sleep(time.Minute)
		os.Exit(0)
	case IsWorker():
		os.Exit(Serve(&handler{}))
	case os.Getenv(driverEnv) != "":
		driver(os.Getenv(driverEnv))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func flickerForever() int {
	c, err := mapCell(os.NewFile(3, "cell"))
	if err != nil {
		return 1
	}
	for i := 0; ; i++ {
		c.Beat()
		c.InFlight(flicker(i))
	}
}

// quick has a program that was built with the race detector exit without its second of rest.
const quick = "GORACE=atexit_sleep_ms=0"

// driver starts a worker on a folder and waits.
func driver(folder string) {
	cfg := Config{Hello: Hello{Job: "/job"}, Want: testWant()}
	p, err := Start(context.Background(), cfg)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	p.Do(context.Background(), Request{Run: &Run{Folder: folder}})
}

func testWant() Ready { return Ready{Job: "test", Version: 3, Params: "abc"} }

// handler does what the name of the attempt's folder says: "panic", or "hog-400".
type handler struct {
	job   string
	count int
	held  [][]byte
}

func (h *handler) Hello(_ context.Context, m Hello) (Ready, error) {
	h.job = m.Job
	switch m.Job {
	case "bad":
		return Ready{}, task.Errorf(task.Input, "job.json is damaged")
	case "slow":
		time.Sleep(time.Minute)
	}
	return testWant(), nil
}

func (h *handler) Probe(_ context.Context, stage string) error {
	fmt.Println("probing", stage)
	switch stage {
	case "panic":
		panic("no model")
	case "bad":
		return task.Errorf(task.Input, "model.onnx: no")
	}
	return nil
}

func (h *handler) Close() error {
	if h.job == "close-hangs" {
		spin()
	}
	if path, ok := strings.CutPrefix(h.job, "close:"); ok {
		return os.WriteFile(path, nil, 0o600)
	}
	return nil
}

func (h *handler) Run(_ context.Context, folder string, cell *Cell) error {
	h.count++
	verb, arg, _ := strings.Cut(filepath.Base(folder), "-")
	n, _ := strconv.ParseInt(arg, 10, 64)
	cell.InFlight(task.Span{Lo: 40, Hi: 48})
	if act, ok := actions()[verb]; ok {
		return act(h, folder, n, cell)
	}
	return fmt.Errorf("unknown action %q", verb)
}

type action func(h *handler, folder string, n int64, cell *Cell) error

func actions() map[string]action {
	return map[string]action{
		"ok":    func(*handler, string, int64, *Cell) error { return nil },
		"pid":   func(_ *handler, f string, _ int64, _ *Cell) error { return writePid(f) },
		"count": func(h *handler, _ string, n int64, _ *Cell) error { return want(int64(h.count), n) },
		"panic": func(*handler, string, int64, *Cell) error { panic("pid " + strconv.Itoa(os.Getpid())) },
		"async": func(*handler, string, int64, *Cell) error { go panic("elsewhere"); select {} },
		"clear": func(_ *handler, _ string, _ int64, c *Cell) error { c.Clear(); panic("nothing in flight") },
		"exit":  func(_ *handler, _ string, n int64, _ *Cell) error { os.Exit(int(n)); return nil },
		"kill":  func(_ *handler, _ string, n int64, _ *Cell) error { return killSelf(unix.Signal(n)) },
		"mutex": func(*handler, string, int64, *Cell) error { new(sync.Mutex).Unlock(); return nil },
		"map":   func(h *handler, _ string, _ int64, _ *Cell) error { return outgrow(h) },
		"int":   func(_ *handler, _ string, _ int64, _ *Cell) error { return unix.Kill(os.Getpid(), unix.SIGINT) },
		"fault": func(*handler, string, int64, *Cell) error { return fault() },
		"hang":  func(_ *handler, f string, _ int64, _ *Cell) error { return hang(f) },
		"stop": func(_ *handler, f string, _ int64, _ *Cell) error {
			return errors.Join(writePid(f), killSelf(unix.SIGSTOP))
		},
		"beat":   func(_ *handler, _ string, n int64, c *Cell) error { return beat(n, c.Beat) },
		"slide":  func(_ *handler, _ string, n int64, c *Cell) error { return beat(n, slide(c)) },
		"hog":    func(h *handler, _ string, n int64, _ *Cell) error { return h.hog(n) },
		"print":  func(*handler, string, int64, *Cell) error { return printAll() },
		"fds":    func(_ *handler, f string, _ int64, _ *Cell) error { return inherited() },
		"limits": func(_ *handler, _ string, n int64, _ *Cell) error { return limits(n) },
		"plain":  func(*handler, string, int64, *Cell) error { return errors.New("plain trouble") },
		"lost": func(*handler, string, int64, *Cell) error {
			return fmt.Errorf("reduce: %w", &task.Error{Op: "merge", Record: 7, Class: task.LostInput, Lost: []int{3, 5}, Err: os.ErrNotExist})
		},
		"child":  func(_ *handler, f string, _ int64, _ *Cell) error { return grandchild(f) },
		"leave":  func(*handler, string, int64, *Cell) error { return leave() },
		"leak":   func(_ *handler, f string, n int64, _ *Cell) error { return leak(f, int(n)) },
		"ignore": func(*handler, string, int64, *Cell) error { signal.Ignore(syscall.SIGTERM); return nil },
	}
}

func want(got, want int64) error {
	if got != want {
		return fmt.Errorf("got %d, want %d", got, want)
	}
	return nil
}

// writePid writes the worker's pid to a file in folder, complete once it is seen.
func writePid(folder string) error {
	name := filepath.Join(folder, "pid")
	if err := os.WriteFile(name+".tmp", []byte(strconv.Itoa(os.Getpid())), 0o600); err != nil {
		return err
	}
	return os.Rename(name+".tmp", name)
}

func killSelf(s unix.Signal) error {
	if err := unix.Kill(os.Getpid(), s); err != nil {
		return err
	}
	time.Sleep(5 * time.Second)
	return errors.New("survived")
}

// fault writes to memory that may not be written, as native code with a wild pointer does.
func fault() error {
	mem, err := unix.Mmap(-1, 0, 4096, unix.PROT_NONE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return err
	}
	mem[8] = 1
	return errors.New("survived")
}

// outgrow makes the Go heap meet a limit on memory.
func outgrow(h *handler) error {
	if err := lower(unix.RLIMIT_DATA, 512*mib); err != nil {
		return err
	}
	debug.SetGCPercent(-1) // Go 1.26 may also fault in its collector then
	for range 64 {         // untouched: the limit is on what is mapped, and some kernels let one step pass
		h.held = append(h.held, make([]byte, 256*mib))
	}
	return errors.New("survived")
}

func hang(folder string) error {
	if err := writePid(folder); err != nil {
		return err
	}
	spin()
	return nil
}

// spin keeps a core busy for ever.
func spin() {
	for n := new(atomic.Int64); ; {
		n.Add(1)
	}
}

// beat works for n steps of 50 ms.
func beat(n int64, step func()) error {
	for range n {
		time.Sleep(50 * time.Millisecond)
		step()
	}
	return nil
}

func slide(c *Cell) func() {
	lo := int64(0)
	return func() { lo++; c.InFlight(task.Span{Lo: lo, Hi: lo + 8}) }
}

// hog touches n MiB and keeps them.
func (h *handler) hog(n int64) error {
	for range n / 8 {
		mem, err := unix.Mmap(-1, 0, 8*mib, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
		if err != nil {
			return err
		}
		for i := 0; i < len(mem); i += 4096 {
			mem[i] = 1
		}
		h.held = append(h.held, mem)
		time.Sleep(3 * time.Millisecond)
	}
	time.Sleep(3 * sampleEvery)
	return nil
}

func printAll() error {
	fmt.Println("from Go, standard output")
	fmt.Fprintln(os.Stderr, "from Go, standard error")
	_, err := unix.Write(1, []byte("from write(1)\n"))
	_, err2 := unix.Write(2, []byte("from write(2)\n"))
	return errors.Join(err, err2)
}

// inherited fails unless the worker has the environment, the group and the files that it should have.
func inherited() error {
	if IsWorker() || os.Getenv(workerEnv) != "" {
		return errors.New("a grandchild would be a worker")
	}
	if g, err := unix.Getpgid(0); err != nil || g != os.Getpid() {
		return fmt.Errorf("process group %d of %d, %w", g, os.Getpid(), err)
	}
	for fd := requestFD; fd <= cellFD; fd++ {
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
		if err != nil || flags&unix.FD_CLOEXEC == 0 {
			return fmt.Errorf("file %d is left to grandchildren, %w", fd, err)
		}
	}
	if name, err := os.Readlink("/proc/self/fd/0"); err == nil && name != os.DevNull {
		return fmt.Errorf("standard input is %s", name)
	}
	return nil
}

// limits fails unless RLIMIT_CORE is 0 and RLIMIT_DATA is that of a cap of n MiB.
func limits(n int64) error {
	var core, data unix.Rlimit
	if err := errors.Join(unix.Getrlimit(unix.RLIMIT_CORE, &core), unix.Getrlimit(unix.RLIMIT_DATA, &data)); err != nil {
		return err
	}
	w := uint64(n+512+8*int64(runtime.GOMAXPROCS(0)+16)) * mib
	if core.Cur != 0 || data.Cur != w {
		return fmt.Errorf("core %d, data %d, want %d", core.Cur, data.Cur, w)
	}
	return nil
}

// grandchild starts a process that would outlive the worker and holds none of its pipes, and dies.
func grandchild(folder string) error {
	p, err := os.StartProcess("/bin/sleep", []string{"sleep", "60"}, &os.ProcAttr{})
	if err != nil {
		return err
	}
	text := strconv.Itoa(p.Pid)
	if err := os.WriteFile(filepath.Join(folder, "pid"), []byte(text), 0o600); err != nil {
		return err
	}
	panic("died")
}

// leave leaves the worker's process group, and stops.
func leave() error {
	group, err := unix.Getpgid(os.Getppid())
	if err != nil {
		return err
	}
	if err := unix.Setpgid(0, group); err != nil {
		return err
	}
	return killSelf(unix.SIGSTOP)
}

// leak leaves a process behind that has the reply pipe and a group of its own, and exits
// with a code, or hangs where it is 0.
func leak(folder string, code int) error {
	fd, err := unix.Dup(replyFD)
	if err != nil {
		return err
	}
	p, err := os.StartProcess("/bin/sleep", []string{"sleep", "60"}, &os.ProcAttr{
		Files: []*os.File{nil, nil, nil, os.NewFile(uintptr(fd), "replies")},
		Sys:   &syscall.SysProcAttr{Setpgid: true},
	})
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, "pid"), []byte(strconv.Itoa(p.Pid)), 0o600); err != nil {
		return err
	}
	if code == 0 {
		spin()
	}
	os.Exit(code)
	return nil
}

// messages of the tests that play the driver by hand.
func line(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return append(b, '\n')
}

// folder makes an attempt's folder of the given name.
func folder(t *testing.T, name string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

// logFile makes an empty log.
func logFile(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "log.txt")
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func readText(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// start starts a worker with a config made ready, and closes it at the end of the test.
func start(t *testing.T, cfg Config) *Proc {
	t.Helper()
	if cfg.Hello.Job == "" {
		cfg.Hello.Job = "/job"
	}
	cfg.Want = testWant()
	cfg.Env = append(cfg.Env, quick)
	p, err := Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// run does one action on p.
func run(t *testing.T, p *Proc, name string, timeout time.Duration) Report {
	t.Helper()
	return p.Do(t.Context(), Request{Run: &Run{Folder: folder(t, name)}, Timeout: timeout})
}

// awaitPid waits for the pid that an action writes.
func awaitPid(t *testing.T, folder string) int {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if b, err := os.ReadFile(filepath.Join(folder, "pid")); err == nil && len(b) > 0 {
			n, err := strconv.Atoi(string(b))
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatal("no pid appeared")
	return 0
}

// gone tells whether a process has ended; a zombie that init has not waited for has.
func gone(pid int) bool {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return errors.Is(unix.Kill(pid, 0), unix.ESRCH)
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	return strings.HasPrefix(rest, "Z") || strings.HasPrefix(rest, "X")
}

// awaitGone fails the test unless the process ends within limit.
func awaitGone(t *testing.T, pid int, limit time.Duration) {
	t.Helper()
	for end := time.Now().Add(limit); !gone(pid); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			_ = unix.Kill(pid, unix.SIGKILL)
			t.Fatalf("process %d still runs after %v", pid, limit)
		}
	}
}

// openFiles counts the open files of this process.
func openFiles(t *testing.T) int {
	t.Helper()
	names, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skipf("cannot count open files: %v", err)
	}
	return len(names)
}
