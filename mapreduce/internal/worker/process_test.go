package worker

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

func TestStall(t *testing.T) {
	const step = sampleEvery
	type sample struct {
		after    time.Duration
		progress uint64
		want     time.Duration
	}
	tests := map[string][]sample{
		"no progress":        {{0, 1, 0}, {step, 1, step}, {step, 1, 2 * step}, {2 * step, 1, 4 * step}},
		"progress":           {{0, 1, 0}, {step, 1, step}, {step, 2, 0}, {step, 2, step}, {step, 1, 0}},
		"begins with 0":      {{0, 0, 0}, {step, 0, step}},
		"a suspended driver": {{0, 1, 0}, {time.Hour, 1, 2 * step}, {step, 1, 3 * step}},
		"a suspended worker": {{0, 1, 0}, {time.Hour, 2, 0}},
	}
	for name, samples := range tests {
		var s stall
		now := time.Unix(1, 0)
		for i, x := range samples {
			now = now.Add(x.after)
			if got := s.add(now, [2]uint64{0, x.progress}); got != x.want {
				t.Errorf("%s: sample %d: idle for %v, want %v", name, i, got, x.want)
			}
		}
	}
}

// The idle time is never more than the time since the last progress, and beats of either word count.
func TestStallIsNeverTooLong(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s stall
		var progress [2]uint64
		now := time.Unix(1, 0)
		s.add(now, progress)
		since := now
		for range rapid.IntRange(1, 30).Draw(t, "samples") {
			now = now.Add(time.Duration(rapid.IntRange(0, 300).Draw(t, "ms")) * time.Millisecond)
			if rapid.Bool().Draw(t, "progress") {
				progress[rapid.IntRange(0, 1).Draw(t, "word")]++
				since = now
			}
			if idle := s.add(now, progress); idle > now.Sub(since) {
				t.Fatalf("idle for %v, no progress for %v", idle, now.Sub(since))
			}
		}
	})
}

func TestJudge(t *testing.T) {
	const never, limit = 0, 10 * time.Second
	tests := []struct {
		memoryCap     int64
		idle, timeout time.Duration
		want          string
	}{
		{0, 0, limit, ""},
		{0, limit - 1, limit, ""},
		{0, limit, limit, "no progress for 10s"},
		{0, time.Hour, never, ""},
		{1 << 40, 0, limit, ""},
		{1 << 40, limit, limit, "no progress for 10s"},
		{1, limit, limit, "over the memory cap of 0 MiB"},
	}
	memory := openMemory(os.Getpid())
	defer closeAll(memory)
	for _, tt := range tests {
		if tt.memoryCap == 1 && privateBytes(os.Getpid()) == 0 {
			continue // not measured on this system
		}
		p := &process{cfg: Config{MemoryCap: tt.memoryCap}, memory: memory}
		got := ""
		if v := p.judge(tt.idle, tt.timeout); v != nil {
			got = v.reason
		}
		if got != tt.want {
			t.Errorf("%+v: %q", tt, got)
		}
	}
}

func TestSpawnClass(t *testing.T) {
	tests := []struct {
		err  error
		want task.Class
	}{
		{syscall.EAGAIN, task.Retryable},
		{syscall.ENOMEM, task.Retryable},
		{&os.PathError{Op: "fork/exec", Path: "x", Err: syscall.ETXTBSY}, task.Retryable},
		{fmt.Errorf("pipe: %w", os.NewSyscallError("pipe2", syscall.EMFILE)), task.Retryable},
		{errors.Join(nil, syscall.ENFILE), task.Retryable},
		{os.ErrNotExist, task.Permanent},
		{syscall.EACCES, task.Permanent},
	}
	for _, tt := range tests {
		if got := spawnClass(tt.err); got != tt.want {
			t.Errorf("%v is %v, want %v", tt.err, got, tt.want)
		}
	}
}

func TestFailureText(t *testing.T) {
	inner := &task.Error{
		Op: "merge", Attempt: task.Attempt{Task: task.ID{Stage: "01-x", Kind: task.Reduce, Index: 2}, Number: 1},
		Record: 5, Class: task.BadRecord, Err: os.ErrNotExist,
	}
	tests := []struct {
		err    error
		text   string
		record int64
		class  task.Class
	}{
		{errors.New("plain"), "plain", -1, task.Permanent},
		{inner, "merge: file does not exist", 5, task.BadRecord},
		{fmt.Errorf("reduce: %w", inner), "reduce: merge: file does not exist", 5, task.BadRecord},
		{task.Errorf(task.Retryable, "again"), "again", -1, task.Retryable},
		{errors.New("bad \xff byte"), "bad \uFFFD byte", -1, task.Permanent},
		{errors.New(strings.Repeat("x", 3*textLimit)), strings.Repeat("x", textLimit), -1, task.Permanent},
	}
	for _, tt := range tests {
		r := Failed(tt.err)
		if r.Err.Err.Error() != tt.text || r.Err.Record != tt.record || r.Err.Class != tt.class {
			t.Errorf("%v: %+v", tt.err, r.Err)
		}
	}
	if got, want := Failed(inner).Err.Error(), "record 5: merge: file does not exist"; got != want {
		t.Errorf("read back as %q, want %q", got, want)
	}
	if r := Failed(nil); r.Err != nil {
		t.Errorf("of no error: %v", r.Err)
	}
}

func TestUsageAdd(t *testing.T) {
	a, b := Usage{CPUSeconds: 1, PeakRSS: 7}, Usage{CPUSeconds: 2.5, PeakRSS: 3}
	if got := a.Add(b); got != (Usage{CPUSeconds: 3.5, PeakRSS: 7}) || got != b.Add(a) {
		t.Errorf("%+v", got)
	}
}

func TestBuildID(t *testing.T) {
	id := BuildID()
	if len(id) < 10 || id != BuildID() || strings.ContainsRune(id, 0) {
		t.Errorf("%q", id)
	}
}

func BenchmarkStart(b *testing.B) {
	for b.Loop() {
		p, err := Start(b.Context(), Config{Hello: Hello{Job: "/job"}, Want: testWant()})
		if err != nil {
			b.Fatal(err)
		}
		p.Close()
	}
}

func BenchmarkDo(b *testing.B) {
	p, err := Start(b.Context(), Config{Hello: Hello{Job: "/job"}, Want: testWant(), MemoryCap: 1 << 30})
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close()
	for b.Loop() {
		if r := p.Do(b.Context(), Request{Run: &Run{Folder: "/x/ok"}, Timeout: time.Minute}); r.Err != nil {
			b.Fatal(r.Err)
		}
	}
}

// A worker asks for huge pages, unless the user has tuned glibc already.
func TestEnvironment(t *testing.T) {
	for _, tt := range []struct {
		name       string
		user, more []string
		want       string
	}{
		{"nothing set", []string{"HOME=/"}, nil, "glibc.malloc.hugetlb=1"},
		{"by the user", []string{"GLIBC_TUNABLES=glibc.malloc.check=1"}, nil, "glibc.malloc.check=1"},
		{"by the driver", []string{"GLIBC_TUNABLES=a"}, []string{"GLIBC_TUNABLES="}, ""},
	} {
		cmd := exec.Command("env")
		cmd.Env = environment(tt.user, tt.more)
		got := map[string]string{}
		for _, v := range cmd.Environ() {
			name, value, _ := strings.Cut(v, "=")
			got[name] = value
		}
		if got["GLIBC_TUNABLES"] != tt.want || got[workerEnv] != "1" {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}
