package worker

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/shardmill/shardmill/mapreduce/internal/profile"
	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

// profiled starts a worker that takes profiles.
func profiled(t *testing.T) (p *Proc, prefix string) {
	t.Helper()
	prefix = filepath.Join(t.TempDir(), "profiles", "worker-0")
	return start(t, Config{Hello: Hello{Profile: prefix}}), prefix
}

func wantProfiles(t *testing.T, prefix string) {
	t.Helper()
	for _, name := range []string{prefix + profile.CPU, prefix + profile.Heap} {
		if b, err := os.ReadFile(name); err != nil || !strings.HasPrefix(string(b), "\x1f\x8b") {
			t.Errorf("%d bytes (%v), expected a gzip file", len(b), err)
		}
	}
}

func TestProfilesWhenClosed(t *testing.T) {
	p, prefix := profiled(t)
	if r := run(t, p, "plain", 0); r.Err == nil {
		t.Fatal("the run should have failed")
	}
	p.Close()
	wantProfiles(t, prefix)
}

// A worker that is stopped in the middle of a task has a profile of what it did.
func TestProfilesWhenCanceled(t *testing.T) {
	p, prefix := profiled(t)
	dir := folder(t, "hang")
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		awaitPid(t, dir)
		cancel()
	}()
	r := p.Do(ctx, Request{Run: &Run{Folder: dir}})
	if r.Err == nil || r.Err.Class != task.Canceled {
		t.Fatal(r.Err)
	}
	wantProfiles(t, prefix)
}

// SIGTERM of somebody else still ends the worker.
func TestProfilesWhenTerminated(t *testing.T) {
	p, prefix := profiled(t)
	dir := folder(t, "pid")
	if r := p.Do(t.Context(), Request{Run: &Run{Folder: dir}}); r.Err != nil {
		t.Fatal(r.Err)
	}
	pid := awaitPid(t, dir)
	if err := unix.Kill(pid, unix.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(10 * time.Second); p.Alive() && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
	if p.Alive() {
		t.Error("the worker stays")
	}
	wantProfiles(t, prefix)
}

// A driver that dies leaves a worker that has its profiles to write, and goes all the same.
func TestProfilesWhenTheDriverIsGone(t *testing.T) {
	h := startByHand(t)
	prefix := filepath.Join(t.TempDir(), "worker-0")
	hello := Hello{Protocol: Protocol, Build: BuildID(), Job: "/job", Profile: prefix}
	h.send(t, strings.TrimSpace(string(line(t, message{Hello: &hello}))))
	h.receive(t)
	dir := folder(t, "hang")
	h.send(t, strings.TrimSpace(string(line(t, Request{Run: &Run{Folder: dir}}))))
	awaitPid(t, dir)
	_ = h.in.Close()
	if code := h.exit(t); code != 0 {
		t.Errorf("exit %d", code)
	}
	wantProfiles(t, prefix)
}

// A worker whose profiles cannot be written works and says so in its log.
func TestProfilesThatCannotBe(t *testing.T) {
	log := logFile(t)
	p := start(t, Config{Log: log, Hello: Hello{Profile: filepath.Join(log, "worker-0")}})
	if r := run(t, p, "ok", 0); r.Err != nil {
		t.Error(r.Err)
	}
	p.Close()
	if text := readText(t, log); !strings.Contains(text, "worker: profile: ") || !strings.Contains(text, "not a directory") {
		t.Errorf("log %q", text)
	}
}
