package main

import (
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
)

// fakeMachine writes what a kernel would say.
func fakeMachine(t *testing.T, files map[string]string) machine {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return machine{root: root}
}

func TestMachineLimits(t *testing.T) {
	const meminfo = "MemTotal:        8388608 kB\nMemFree:  1 kB\nMemAvailable:    4194304 kB\n"
	for _, test := range []struct {
		name          string
		files         map[string]string
		memory, cores string
	}{
		{"nothing is known", nil, "unknown", ""},
		{"no limit", map[string]string{
			"proc/meminfo": meminfo, "proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "max\n", "sys/fs/cgroup/cpu.max": "max 100000\n",
		}, "8.0 GiB, 4.0 GiB available", ""},
		{"the least of the groups above", map[string]string{
			"proc/meminfo": meminfo, "proc/self/cgroup": "1:name=systemd:/x\n0::/a/b\n",
			"sys/fs/cgroup/a/b/memory.max": "max\n", "sys/fs/cgroup/a/memory.max": "2147483648\n", "sys/fs/cgroup/memory.max": "4294967296\n",
			"sys/fs/cgroup/a/b/cpu.max": "150000 100000\n", "sys/fs/cgroup/a/cpu.max": "400000 100000\n",
		}, "8.0 GiB, 4.0 GiB available, limited to 2.0 GiB by the cgroup", ", limited to 1.5 by the cgroup"},
		{"cgroup 1", map[string]string{
			"proc/meminfo": meminfo, "sys/fs/cgroup/memory/memory.limit_in_bytes": "1073741824\n",
		}, "8.0 GiB, 4.0 GiB available, limited to 1.0 GiB by the cgroup", ""},
		{"cgroup 1 without a limit", map[string]string{
			"proc/meminfo": meminfo, "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
		}, "8.0 GiB, 4.0 GiB available", ""},
		{"nonsense", map[string]string{
			"proc/meminfo": "MemTotal: x\n", "proc/self/cgroup": "0::\n", "sys/fs/cgroup/cpu.max": "1 0\n",
		}, "unknown", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := fakeMachine(t, test.files)
			if got := m.memory(); got != test.memory {
				t.Errorf("memory %q, expected %q", got, test.memory)
			}
			_, limit, _ := strings.Cut(m.cores(), ",")
			if want := strings.TrimPrefix(test.cores, ","); limit != want {
				t.Errorf("limit of cores %q, expected %q", limit, want)
			}
		})
	}
}

func TestFreeDisk(t *testing.T) {
	dir := t.TempDir()
	if free, ok := freeDisk(dir); !ok || free <= 0 {
		t.Errorf("%d bytes free, %v", free, ok)
	}
	if _, ok := freeDisk(filepath.Join(dir, "none")); ok {
		t.Error("a folder that is not there has a free disk")
	}
}

func TestDescribeBuild(t *testing.T) {
	setting := func(k, v string) debug.BuildSetting { return debug.BuildSetting{Key: k, Value: v} }
	revision := setting("vcs.revision", "0123456789abcdef")
	for _, test := range []struct {
		version  string
		settings []debug.BuildSetting
		want     string
	}{
		{"", nil, "devel"},
		{"(devel)", nil, "devel"},
		{"v1.2.3", nil, "v1.2.3"},
		{"(devel)", []debug.BuildSetting{revision}, "devel (0123456789ab)"},
		{"(devel)", []debug.BuildSetting{revision, setting("vcs.modified", "true")}, "devel (0123456789ab+changes)"},
		{"v1.2.3", []debug.BuildSetting{revision, setting("vcs.modified", "false")}, "v1.2.3 (0123456789ab)"},
		{"v0.0.0-20260101000000-0123456789ab", []debug.BuildSetting{revision}, "v0.0.0-20260101000000-0123456789ab"},
	} {
		info := &debug.BuildInfo{Main: debug.Module{Version: test.version}, Settings: test.settings}
		if got := describeBuild(info); got != test.want {
			t.Errorf("%+v: %q, expected %q", test, got, test.want)
		}
	}
}

func TestDoctorTakesNoRuntimeForGranted(t *testing.T) {
	t.Setenv("ONNXRUNTIME_LIB", filepath.Join(t.TempDir(), "none.so"))
	code, stdout, stderr := call(t, "doctor")
	if code != 1 || !strings.Contains(stdout, "ONNX Runtime  not found\n") || !strings.Contains(stderr, "run `make build`") {
		t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
	}
	for _, name := range []string{"shardmill ", "Go ", "JPEG ", "cores ", "CPU ", "memory ", "disk "} {
		if !strings.Contains(stdout, "\n"+name) && !strings.HasPrefix(stdout, name) {
			t.Errorf("nothing is said of %s:\n%s", name, stdout)
		}
	}
}
