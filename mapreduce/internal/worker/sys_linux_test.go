package worker

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

func TestOOMKillsIn(t *testing.T) {
	const (
		v2 = "low 0\nhigh 0\nmax 9\noom 4\noom_kill 3\noom_group_kill 0\n"
		v1 = "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n"
	)
	tests := []struct {
		name  string
		self  string
		files map[string]string
		want  int64
	}{
		{"version 2", "0::/user/job\n", map[string]string{"user/job/memory.events": v2}, 3},
		{"version 2 in a container", "0::/../../x\n", map[string]string{"memory.events": v2}, 3},
		{"version 1", "9:cpu:/a\n4:memory:/a/b\n0::/\n", map[string]string{"memory/a/b/memory.oom_control": v1}, 2},
		{"version 1 in a container", "4:memory:/a/b\n", map[string]string{"memory/memory.oom_control": v1}, 2},
		{"own before the mount point", "0::/u\n", map[string]string{"u/memory.events": v2, "memory.events": "oom_kill 8\n"}, 3},
		{"no controller", "9:cpu:/a\n", map[string]string{"memory.events": v2}, 0},
		{"no file", "0::/a\n", nil, 0},
		{"no counter", "0::/a\n", map[string]string{"a/memory.events": "oom_killed 5\noom_kill\noom_kill x\n"}, 0},
		{"nonsense", "x\n\n::", nil, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			root := t.TempDir()
			self := filepath.Join(root, "self")
			write(t, self, tt.self)
			for name, text := range tt.files {
				write(t, filepath.Join(root, name), text)
			}
			if got := oomKillsIn(self, root); got != tt.want {
				t.Errorf("%d, want %d", got, tt.want)
			}
		})
	}
	if got := oomKillsIn("/does/not/exist", "/"); got != 0 {
		t.Errorf("%d from nowhere", got)
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Pages of mapped files are not held against a worker.
func TestPrivateBytes(t *testing.T) {
	const size = 128 * mib
	pid := os.Getpid()
	f, err := os.Create(filepath.Join(t.TempDir(), "side"))
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll(f)
	if err := f.Truncate(size); err != nil {
		t.Fatal(err)
	}
	mem, err := unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	before := privateBytes(pid)
	touch(mem)
	if got := privateBytes(pid) - before; got > size/4 {
		t.Errorf("%d MiB for a mapped file", got/mib)
	}
	if err := unix.Munmap(mem); err != nil {
		t.Fatal(err)
	}
	own := make([]byte, size)
	touch(own)
	if got := privateBytes(pid) - before; got < size/2 {
		t.Errorf("%d MiB for %d MiB of heap", got/mib, size/mib)
	}
	runtime.KeepAlive(own)
}

func TestPeakBytes(t *testing.T) {
	pid := os.Getpid()
	if peak, now := peakBytes(pid), privateBytes(pid); peak < now || now <= 0 {
		t.Errorf("peak %d, now %d", peak, now)
	}
	if peakBytes(1<<30) != 0 || privateBytes(1<<30) != 0 {
		t.Error("a process that does not exist has memory")
	}
}

// One open file tells the memory as it is at each reading, and none of a process that is gone.
func TestMemoryBytes(t *testing.T) {
	f := openMemory(os.Getpid())
	defer closeAll(f)
	before, _ := memoryBytes(f)
	own := make([]byte, 64*mib)
	touch(own)
	if after, private := memoryBytes(f); after-before < 32*mib || private < 32*mib || private > after {
		t.Errorf("%d bytes, then %d (%d private)", before, after, private)
	}
	runtime.KeepAlive(own)

	cmd := exec.Command("cat")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	other := openMemory(cmd.Process.Pid)
	defer closeAll(other)
	if resident, _ := memoryBytes(other); resident == 0 {
		t.Error("a living process has no memory")
	}
	if err := errors.Join(in.Close(), cmd.Wait()); err != nil {
		t.Fatal(err)
	}
	if resident, private := memoryBytes(other); resident != 0 || private != 0 {
		t.Errorf("a process that is gone has %d bytes", resident)
	}
	if resident, private := memoryBytes(openMemory(1 << 30)); resident != 0 || private != 0 {
		t.Errorf("a process that never was has %d bytes", resident)
	}
}

func TestField(t *testing.T) {
	text := []byte("VmHWMx:\t 1 kB\nVmHWM:\t  2136 kB\nVmHWM:\t 7 kB\n")
	if got := field(text, "VmHWM:"); got != 2136 {
		t.Errorf("%d", got)
	}
}
