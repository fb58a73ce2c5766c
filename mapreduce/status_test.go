package mapreduce

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/shardmill/shardmill/mapreduce/internal/fsx"
	"github.com/shardmill/shardmill/mapreduce/internal/jobdir"
	"github.com/shardmill/shardmill/mapreduce/internal/plan"
	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

// statusDir is a job directory that a test fills as a driver would.
type statusDir struct {
	t *testing.T
	*jobdir.Dir
}

func newStatusDir(t *testing.T) statusDir {
	t.Helper()
	d, err := jobdir.Create(fsx.OS{}, filepath.Join(t.TempDir(), "job"), jobdir.Job{
		Job: "count", JobVersion: 3, Tool: "v1", Params: json.RawMessage("{}"),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Unlock(); err != nil {
			t.Error(err)
		}
	})
	return statusDir{t, d}
}

func (d statusDir) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

// commit makes a task's record with outputs of ten bytes each.
func (d statusDir) commit(name string, c task.Counts, outputs ...task.Output) {
	d.t.Helper()
	id, err := task.ParseID(name)
	d.must(err)
	a := task.Attempt{Task: id, Number: 1}
	folder, err := d.Begin(task.Assignment{Attempt: a})
	d.must(err)
	content := []byte("0123456789")
	for i := range outputs {
		o := &outputs[i]
		o.File = fmt.Sprintf("%d.%s", i, o.Ext)
		o.Bytes, o.CRC32C = int64(len(content)), crc32.Checksum(content, crc32.MakeTable(crc32.Castagnoli))
		d.must(os.WriteFile(filepath.Join(folder, o.File), content, 0o644))
	}
	won, err := d.Promote(task.Result{Version: task.Version, Attempt: a, Outputs: outputs, Counts: c})
	d.must(err)
	if !won {
		d.t.Fatalf("%s was committed before", name)
	}
}

func (d statusDir) status() Status {
	d.t.Helper()
	s, err := ReadStatus(d.Path())
	d.must(err)
	return s
}

// halfway fills a job of two stages, whose last reduce is missing.
func (d statusDir) halfway() {
	d.t.Helper()
	d.must(d.WritePlan("00-split", &plan.Stage{Version: plan.Version, Stage: "00-split", Splits: make([]plan.Split, 1)}))
	shards := []task.Output{{Kind: task.DataFile, Dataset: shardsName, Many: true, Ext: "arrow", Rows: 9}, {Kind: task.RejectFile, Ext: "arrow", Rows: 1}}
	d.commit("00-split/split-000000", task.Counts{
		Read: 10, Mapped: 9, Rejected: 1, Datasets: map[string]task.DatasetCount{shardsName: {Rows: 9}},
	}, shards...)
	d.must(d.WriteDone("00-split", jobdir.Done{Tasks: 1}))
	d.must(d.WritePlan("01-count", &plan.Stage{
		Version: plan.Version, Stage: "01-count",
		Maps:    []plan.Map{{Stage: "00-split", Task: task.ID{Stage: "00-split", Kind: task.Split}, Dataset: shardsName, Rows: 9}},
		Streams: []plan.Stream{{Name: "words", Partitions: 2}},
	}))
	d.commit("01-count/map-000000", task.Counts{Read: 9, Mapped: 5, Dropped: map[string]int64{"blank": 2}, Rejected: 2},
		task.Output{Kind: task.RunFile, Ext: "run"})
	d.commit("01-count/reduce-000001", task.Counts{
		Read: 40, RejectedGroups: 1, RejectedRecords: 4, Datasets: map[string]task.DatasetCount{"counts": {Rows: 7}},
	}, task.Output{Kind: task.DataFile, Dataset: "counts", Ext: "parquet", Rows: 7})
}

func TestStatusOfHalfDoneJob(t *testing.T) {
	d := newStatusDir(t)
	d.halfway()
	want := Status{
		Job: "count", JobVersion: 3, Tool: "v1",
		Rows: RowSummary{Read: 10, Mapped: 5, Dropped: map[string]int64{"blank": 2}, Rejected: 1 + 2 + 4},
		Stages: []StageStatus{
			{
				Name: "00-split", Planned: true, Done: true, Tasks: []TaskStatus{{"split", 1, 1}}, Rows: 10, Rejected: 1, WithRejects: 1,
				Data: []DataStatus{{Name: shardsName, Rows: 9, Bytes: 10}},
			},
			{
				Name: "01-count", Planned: true, Tasks: []TaskStatus{{"map", 1, 1}, {"reduce", 1, 2}}, Rows: 9, Total: 9,
				Dropped: map[string]int64{"blank": 2}, Rejected: 6, WithRejects: 2, RunBytes: 10,
				Data: []DataStatus{{Name: "counts", Rows: 7, Bytes: 10}}, Partitions: map[string]int{"words": 2},
			},
		},
	}
	got := d.status()
	got.Driver = "" // this process holds the lock; see TestLockHolder
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(StageStatus{})); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
	if got.Complete() {
		t.Error("complete although a reduce is missing")
	}
	if w := got.WorkSpace(); w != (WorkSpace{Shards: 10, Runs: 10}) {
		t.Errorf("work space %+v, expected 10 bytes of run files and 10 of shards", w)
	}
}

func TestStatusOfNewJob(t *testing.T) {
	d := newStatusDir(t)
	if s := d.status(); len(s.Stages) > 0 || s.Results != "" || s.Complete() {
		t.Errorf("a new directory: %+v", s)
	}
	d.must(os.MkdirAll(d.Path("stages", "00-split"), 0o755)) // as after a crash before the plan
	if s := d.status(); len(s.Stages) != 1 || s.Stages[0].Planned || len(s.Stages[0].Tasks) > 0 {
		t.Errorf("a stage without a plan: %+v", s)
	}
}

func TestStatusResults(t *testing.T) {
	d := newStatusDir(t)
	d.halfway()
	noParts := func(func(jobdir.Part, error) bool) {}
	d.must(d.Finish(jobdir.Layout{Datasets: []string{"counts"}, Results: noParts, Held: true}))
	if s := d.status(); s.Results != ResultsHeld || s.Complete() {
		t.Errorf("after a failed gate: results %q, complete %v", s.Results, s.Complete())
	}
	d.must(d.Finish(jobdir.Layout{Datasets: []string{"counts"}, Results: noParts}))
	if s := d.status(); s.Results != ResultsOut || s.Complete() {
		t.Errorf("results of before stand and a task is missing: results %q, complete %v", s.Results, s.Complete())
	}
	d.commit("01-count/reduce-000000", task.Counts{})
	d.must(d.WriteDone("01-count", jobdir.Done{Tasks: 3}))
	if s := d.status(); !s.Complete() {
		t.Errorf("not complete: %+v", s)
	}
}

func TestStatusIgnoresSummaryAndEvents(t *testing.T) {
	d := newStatusDir(t)
	d.halfway()
	want := d.status()
	d.must(os.WriteFile(d.Path("summary.json"), []byte(`{"state": "complete"`), 0o644))
	d.must(os.WriteFile(d.Path("events.jsonl"), []byte("garbage"), 0o644))
	if diff := cmp.Diff(want, d.status(), cmpopts.IgnoreUnexported(StageStatus{})); diff != "" {
		t.Errorf("status changed (-before +after):\n%s", diff)
	}
}

// A damaged record is a task that is not done; a damaged plan hides only its own stage.
func TestStatusOfDamagedFiles(t *testing.T) {
	for _, file := range []string{"stages/01-count/tasks/map-000000.json", "stages/01-count/plan.json", "stages/00-split/DONE.json"} {
		t.Run(filepath.Base(file), func(t *testing.T) {
			d := newStatusDir(t)
			d.halfway()
			b, err := os.ReadFile(d.Path(file))
			d.must(err)
			d.must(os.WriteFile(d.Path(file), bytes.Replace(b, []byte("01-count"), []byte("01-cOunt"), 1)[:len(b)-9], 0o644))
			s := d.status()
			if len(s.Problems) != 1 || !strings.Contains(s.Problems[0], filepath.Base(file)) {
				t.Errorf("problems %q, expected one that names %s", s.Problems, file)
			}
			if len(s.Stages) != 2 {
				t.Errorf("%d stages are told, expected 2", len(s.Stages))
			}
		})
	}
}

func TestStatusErrors(t *testing.T) {
	_, err := ReadStatus(filepath.Join(t.TempDir(), "none"))
	if code := ExitCode(Summary{}, err); code != ExitNoJob {
		t.Errorf("no directory: exit code %d, expected %d: %v", code, ExitNoJob, err)
	}
	d := newStatusDir(t)
	d.must(os.WriteFile(d.Path("FORMAT"), []byte("shardmill-job 2\n"), 0o644))
	_, err = ReadStatus(d.Path())
	if code := ExitCode(Summary{}, err); code != ExitFormat {
		t.Errorf("format 2: exit code %d, expected %d: %v", code, ExitFormat, err)
	}
}

func TestLockHolder(t *testing.T) {
	lock := filepath.Join(t.TempDir(), "LOCK")
	if err := os.WriteFile(lock, []byte("pid 42 on host\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(lock)
	if err != nil {
		t.Fatal(err)
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		t.Skip("no inodes here")
	}
	line := func(kind string, pid int, inode uint64) string {
		return fmt.Sprintf("1: POSIX  ADVISORY  READ 7 08:01:7 128 128\n2: %s  ADVISORY  WRITE %d 08:01:%d 0 EOF\n", kind, pid, inode)
	}
	for name, test := range map[string]struct{ locks, want string }{
		"held":          {line("FLOCK", 42, stat.Ino), "pid 42 on host"},
		"another kind":  {line("POSIX", 42, stat.Ino), ""},
		"another pid":   {line("FLOCK", 43, stat.Ino), ""},
		"another file":  {line("FLOCK", 42, stat.Ino+1), ""},
		"longer inode":  {strings.Replace(line("FLOCK", 42, stat.Ino), "08:01:", "08:01:1", 2), ""},
		"no locks":      {"", ""},
		"not the table": {"FLOCK\n\nx", ""},
	} {
		t.Run(name, func(t *testing.T) {
			locks := filepath.Join(t.TempDir(), "locks")
			if err := os.WriteFile(locks, []byte(test.locks), 0o644); err != nil {
				t.Fatal(err)
			}
			if got := lockHolder(lock, locks); got != test.want {
				t.Errorf("holder %q, expected %q", got, test.want)
			}
		})
	}
	if got := lockHolder(lock, filepath.Join(t.TempDir(), "none")); got != "" {
		t.Errorf("holder %q where the kernel tells nothing", got)
	}
}

// The lock of a real driver, here this process, is seen where the kernel lists locks.
func TestStatusSeesDriver(t *testing.T) {
	if _, err := os.Stat("/proc/locks"); errors.Is(err, os.ErrNotExist) {
		t.Skip("no /proc/locks here")
	}
	d := newStatusDir(t)
	if got := d.status().Driver; !strings.HasPrefix(got, fmt.Sprintf("pid %d on ", os.Getpid())) {
		t.Skipf("the kernel's list of locks does not show this process: %q", got)
	}
	d.must(d.Unlock())
	if got := d.status().Driver; got != "" {
		t.Errorf("driver %q after it has ended", got)
	}
}
