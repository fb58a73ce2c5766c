package jobdir_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shardmill/shardmill/mapreduce/internal/fsx"
	"github.com/shardmill/shardmill/mapreduce/internal/jobdir"
	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

func TestCreateThenOpen(t *testing.T) {
	d, m := newJob(t)
	want := theJob()
	want.Version = jobdir.JobVersion
	for _, got := range []jobdir.Job{d.Job(), again(t, m).Job()} {
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
	}
	files := tree(t, m, memJob)
	if files["FORMAT"] != "shardmill-job 1\n" {
		t.Errorf("FORMAT is %q", files["FORMAT"])
	}
	if got, want := files["LOCK"], fmt.Sprintf("pid %d on ", os.Getpid()); !strings.HasPrefix(got, want) {
		t.Errorf("LOCK is %q, want %q", got, want)
	}
	if d.Path("a", "b") != memJob+"/a/b" || d.Path() != memJob {
		t.Error(d.Path("a", "b"), d.Path())
	}
}

func TestCreateInAnyFolder(t *testing.T) {
	const format = "shardmill-job 1\n"
	for _, c := range []struct {
		name  string
		there map[string]string
		found string // empty: taken over
	}{
		{"empty", nil, ""},
		{"only LOCK", map[string]string{"LOCK": ""}, ""},
		{"LOCK and half of FORMAT", map[string]string{"LOCK": "", "FORMAT.tmp": "shard"}, ""},
		{"without job.json", map[string]string{"LOCK": "", "FORMAT": format, "tmp/draft.job.json": "{"}, ""},
		{"a photo", map[string]string{"a.jpg": ""}, "a.jpg"},
		{"a folder named tmp", map[string]string{"tmp/a": ""}, "tmp"},
		{"another FORMAT", map[string]string{"FORMAT": "%PDF"}, "FORMAT"},
		{"another job.json", map[string]string{"job.json": "{}"}, "job.json"},
		{"a photo beside ours", map[string]string{"LOCK": "", "FORMAT": format, "z.jpg": ""}, "z.jpg"},
		{"a job whose job.json was lost", map[string]string{"FORMAT": format, "stages/00-split/plan.json": "{}"}, "stages/00-split, but no job.json"},
		{"logs of a lost job", map[string]string{"FORMAT": format, "logs/00-split/x": ""}, "logs/00-split, but no job.json"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := fsx.NewMem()
			must(t, fsx.MkdirAll(m, memJob))
			for name, content := range c.there {
				must(t, fsx.MkdirAll(m, filepath.Dir(filepath.Join(memJob, name))))
				must(t, put(m, filepath.Join(memJob, name), content))
			}
			before := tree(t, m, memJob)
			_, err := jobdir.Create(m, memJob, theJob())
			if c.found == "" {
				must(t, err)
				again(t, m)
				return
			}
			var not *jobdir.NotJobError
			if !errors.As(err, &not) || not.Found != c.found || !strings.Contains(err.Error(), c.found) {
				t.Fatalf("got %v", err)
			}
			if d := cmp.Diff(before, tree(t, m, memJob)); d != "" {
				t.Error("it was changed:", d)
			}
		})
	}
}

func TestCreateRefuses(t *testing.T) {
	d, m := newJob(t)
	must(t, d.Unlock())
	if _, err := jobdir.Create(m, memJob, theJob()); !errors.Is(err, fs.ErrExist) {
		t.Error("a job is there:", err)
	}
	must(t, d.Lock()) // the failed Create keeps no lock
	other := theJob()
	other.Inputs[0].Path = "/data/\xff"
	if _, err := jobdir.Create(m, "/w/other", other); err == nil || !strings.Contains(err.Error(), "UTF-8") {
		t.Error("a name that JSON cannot hold:", err)
	}
	if _, err := m.Stat("/w/other"); !errors.Is(err, fs.ErrNotExist) {
		t.Error("it made a folder")
	}
	must(t, put(m, "/w/file", ""))
	if _, err := jobdir.Create(m, "/w/file", theJob()); err == nil {
		t.Error("made a job of a file")
	}
	must(t, m.Mkdir("/w/next"))
	must(t, put(m, "/w/next/FORMAT", "shardmill-job 2\n"))
	var format *jobdir.FormatError
	if _, err := jobdir.Create(m, "/w/next", theJob()); !errors.As(err, &format) || format.Got != "2" {
		t.Error("another version:", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	d, m := newJob(t)
	sealed := tree(t, m, memJob)["job.json"]
	must(t, d.Unlock())
	for _, c := range []struct {
		name, format, job string
		none              bool
		want              string
	}{
		{name: "no FORMAT", format: "-", job: sealed, none: true},
		{name: "other FORMAT", format: "other", job: sealed, none: true, want: "FORMAT is not one of ours"},
		{name: "FORMAT without newline", format: "shardmill-job 1", job: sealed, none: true},
		{name: "interrupted", format: "shardmill-job 1\n", job: "-", none: true, want: "its creation was interrupted"},
		{name: "later", format: "shardmill-job 2\n", job: "anything", want: "/FORMAT: version 2; this build reads version 1"},
		{name: "much later", format: "shardmill-job x.y\n", job: "-", want: "version x.y; this build reads version 1"},
		{name: "later job.json", format: "shardmill-job 1\n", job: "{\n \"version\": 7,\n", want: "/job.json: version 7; this build reads version 1"},
		{name: "damaged job.json", format: "shardmill-job 1\n", job: strings.Replace(sealed, "count", "c0unt", 1), want: "/job.json: damaged: its checksum does not match"},
		{name: "empty job.json", format: "shardmill-job 1\n", job: "", want: "/job.json: damaged: it does not begin with a version"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := fsx.NewMem()
			must(t, fsx.MkdirAll(m, memJob))
			for name, content := range map[string]string{"FORMAT": c.format, "job.json": c.job} {
				if content != "-" {
					must(t, put(m, filepath.Join(memJob, name), content))
				}
			}
			_, err := jobdir.Open(m, memJob)
			if err == nil || errors.Is(err, jobdir.ErrNoJob) != c.none || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v", err)
			}
		})
	}
	if _, err := jobdir.Open(m, "/nowhere/job"); !errors.Is(err, jobdir.ErrNoJob) {
		t.Error("no folder:", err)
	}
	file := memJob + "/job.json"
	if _, err := jobdir.Open(m, file); !errors.Is(err, jobdir.ErrNoJob) || !strings.Contains(err.Error(), "it is a file") {
		t.Error("a file:", err)
	}
}

func TestLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "job")
	first, err := jobdir.Create(fsx.OS{}, path, theJob())
	must(t, err)
	must(t, first.Lock()) // Create has locked; asking again is fine
	second, err := jobdir.Open(fsx.OS{}, path)
	must(t, err)
	var locked *jobdir.LockedError
	if err := second.Lock(); !errors.As(err, &locked) || !strings.HasPrefix(locked.Holder, fmt.Sprintf("pid %d on ", os.Getpid())) {
		t.Fatalf("got %v", err)
	}
	if _, err := jobdir.Create(fsx.OS{}, path, theJob()); !errors.Is(err, fs.ErrExist) {
		t.Errorf("Create of a locked job: %v", err)
	}
	must(t, first.Unlock())
	must(t, first.Unlock())
	must(t, second.Lock())
	must(t, second.Unlock())
	must(t, os.WriteFile(filepath.Join(path, "LOCK"), nil, 0o666))
	must(t, first.Lock())
	must(t, os.WriteFile(filepath.Join(path, "LOCK"), nil, 0o666))
	if err := second.Lock(); !errors.As(err, &locked) || !strings.HasSuffix(err.Error(), "locked by another driver") {
		t.Errorf("nobody's name in LOCK: %v", err)
	}
	must(t, first.Unlock())
}

// TestLockOfAKilledProcess re-runs this test as a process that locks the directory and is killed.
func TestLockOfAKilledProcess(t *testing.T) {
	if path := os.Getenv("JOBDIR_TEST_LOCK"); path != "" {
		d, err := jobdir.Open(fsx.OS{}, path)
		must(t, err)
		must(t, d.Lock())
		fmt.Println("locked")
		time.Sleep(time.Minute) // and not select: that ends a process of which nothing else can run
	}
	path := filepath.Join(t.TempDir(), "job")
	d, err := jobdir.Create(fsx.OS{}, path, theJob())
	must(t, err)
	must(t, d.Unlock())
	child := exec.Command(os.Args[0], "-test.run=^TestLockOfAKilledProcess$")
	child.Env = append(os.Environ(), "JOBDIR_TEST_LOCK="+path)
	out, err := child.StdoutPipe()
	must(t, err)
	must(t, child.Start())
	_, err = out.Read(make([]byte, 6))
	must(t, err)
	var locked *jobdir.LockedError
	if err := d.Lock(); !errors.As(err, &locked) || !strings.HasPrefix(locked.Holder, fmt.Sprintf("pid %d on ", child.Process.Pid)) {
		t.Errorf("while the other process lives: %v", err)
	}
	must(t, child.Process.Kill())
	_ = child.Wait() // reports the kill
	must(t, d.Lock())
	must(t, d.Unlock())
}

func TestTwoCreateAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "job")
	type answer struct {
		d   *jobdir.Dir
		err error
	}
	answers := make(chan answer)
	for range 4 {
		go func() {
			d, err := jobdir.Create(fsx.OS{}, path, theJob())
			answers <- answer{d, err}
		}()
	}
	made := 0
	var dirs []*jobdir.Dir
	for range 4 {
		a := <-answers
		var locked *jobdir.LockedError
		switch {
		case a.err == nil:
			made++
			dirs = append(dirs, a.d)
		case !errors.As(a.err, &locked) && !errors.Is(a.err, fs.ErrExist):
			t.Error(a.err)
		}
	}
	if made != 1 {
		t.Errorf("%d made it", made)
	}
	for _, d := range dirs {
		must(t, d.Unlock())
	}
	_, err := jobdir.Open(fsx.OS{}, path)
	must(t, err)
}

func TestRecoverEmptiesTmp(t *testing.T) {
	d, m := newJob(t)
	attempt(t, d, m, mapTask(0), 1)
	must(t, fsx.MkdirAll(m, d.Path("tmp", "finish", "out")))
	must(t, put(m, d.Path("tmp", "draft.job.json"), "x"))
	must(t, d.Recover())
	if got := only(tree(t, m, memJob), "tmp"); len(got) != 1 {
		t.Errorf("left: %v", got)
	}
	if _, err := m.Stat(d.LogPath(task.Attempt{Task: mapTask(0), Number: 1})); err != nil {
		t.Error("the log went:", err)
	}
	must(t, fsx.RemoveAll(m, d.Path("tmp")))
	must(t, again(t, m).Recover())
	if _, err := m.Stat(d.Path("tmp")); err != nil {
		t.Error("tmp/ is not made again:", err)
	}
}
