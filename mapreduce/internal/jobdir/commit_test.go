package jobdir_test

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shardmill/shardmill/mapreduce/internal/fsx"
	"github.com/shardmill/shardmill/mapreduce/internal/jobdir"
	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

// newJob makes a locked job directory in memory.
func newJob(t testing.TB) (*jobdir.Dir, *fsx.Mem) {
	t.Helper()
	m := fsx.NewMem()
	must(t, m.Mkdir("/w"))
	must(t, m.Sync("/"))
	d, err := jobdir.Create(m, memJob, theJob())
	must(t, err)
	return d, m
}

// again opens the job directory as another process would.
func again(t testing.TB, fsys fsx.FS) *jobdir.Dir {
	t.Helper()
	d, err := jobdir.Open(fsys, memJob)
	must(t, err)
	return d
}

// attempt runs an attempt of a task up to its checked result.
func attempt(t testing.TB, d *jobdir.Dir, fsys fsx.FS, id task.ID, n int) task.Result {
	t.Helper()
	r, err := phase{Epoch: 1}.attempt(d, fsys, task.Attempt{Task: id, Number: n})
	must(t, err)
	return r
}

func mapTask(n int) task.ID { return id(countStage, task.Map, n) }

func TestPromoteMovesOutputsAndWritesTheRecord(t *testing.T) {
	d, m := newJob(t)
	r := attempt(t, d, m, mapTask(7), 1)
	won, err := d.Promote(r)
	if !won || err != nil {
		t.Fatal(won, err)
	}
	files := only(tree(t, m, memJob), "stages/", "tmp/")
	want := map[string]string{
		"stages/": "", "stages/01-count/": "", "stages/01-count/runs/": "", "stages/01-count/rejects/": "", "stages/01-count/tasks/": "", "tmp/": "",
		"stages/01-count/runs/map-000007.a1.run":      "run of 01-count/map-000007, epoch 1",
		"stages/01-count/rejects/map-000007.a1.arrow": "rejects of 01-count/map-000007, epoch 1",
		"stages/01-count/tasks/map-000007.json":       files["stages/01-count/tasks/map-000007.json"],
	}
	if d := cmp.Diff(want, files); d != "" {
		t.Error(d)
	}
	rec, ok, err := d.ReadRecord(mapTask(7))
	if !ok || err != nil || cmp.Diff(rec, r.Commit()) != "" {
		t.Errorf("%t %v %+v", ok, err, rec)
	}
}

func TestFirstPromoteWins(t *testing.T) {
	for range 50 {
		d, m := newJob(t)
		results := []task.Result{attempt(t, d, m, mapTask(0), 1), attempt(t, d, m, mapTask(0), 2), attempt(t, d, m, mapTask(0), 3)}
		var wg sync.WaitGroup
		won := make([]bool, len(results))
		for i, r := range results {
			wg.Go(func() {
				var err error
				if won[i], err = d.Promote(r); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		rec, ok, err := d.ReadRecord(mapTask(0))
		if !ok || err != nil {
			t.Fatal(ok, err)
		}
		for i, w := range won {
			if w != (rec.Number == i+1) {
				t.Fatalf("record of attempt %d, won: %v", rec.Number, won)
			}
		}
		if runs := only(tree(t, m, memJob), "stages/01-count/runs/m", "stages/01-count/rejects/m", "tmp/0"); len(runs) != 2 {
			t.Fatalf("the losers left something: %v", runs)
		}
	}
}

func TestFirstPromoteWinsOnTheRealFileSystem(t *testing.T) {
	d, err := jobdir.Create(fsx.OS{}, filepath.Join(t.TempDir(), "job"), theJob())
	must(t, err)
	defer func() { must(t, d.Unlock()) }()
	for n := range 5 {
		results := []task.Result{attempt(t, d, fsx.OS{}, mapTask(n), 1), attempt(t, d, fsx.OS{}, mapTask(n), 2)}
		var wg sync.WaitGroup
		won := make([]bool, 2)
		for i, r := range results {
			wg.Go(func() {
				var err error
				if won[i], err = d.Promote(r); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if won[0] == won[1] {
			t.Fatalf("won: %v", won)
		}
	}
}

// TestPromoteAgainAfterAnyError asks again, in the same process, after each possible failure: it must be won,
// and survive a power failure.
func TestPromoteAgainAfterAnyError(t *testing.T) {
	for _, fault := range []fsx.Fault{fsx.FailOnce, fsx.LostReply} {
		for at := 0; ; at++ {
			d, m := newJob(t)
			must(t, d.Unlock())
			faulty := fsx.NewFaulty(m, at, fault, syscall.EIO)
			f, err := jobdir.Open(faulty, memJob)
			must(t, err)
			r := attempt(t, d, m, mapTask(0), 1)
			won, err := f.Promote(r)
			if won == (err != nil) {
				t.Fatalf("fault %d at %d: won %t and %v", fault, at, won, err)
			}
			if !faulty.Hit() {
				if at < 10 {
					t.Fatalf("only %d calls", at)
				}
				break
			}
			won, err = f.Promote(r)
			if !won || err != nil {
				t.Fatalf("fault %d at %d, again: won %t, %v", fault, at, won, err)
			}
			after := again(t, m.PowerFailure(nil))
			rec, ok, err := after.ReadRecord(mapTask(0))
			if !ok || err != nil || rec.Number != 1 {
				t.Fatalf("fault %d at %d, after a power failure: %t %v", fault, at, ok, err)
			}
			for _, o := range rec.Outputs {
				must(t, after.VerifyOutput(rec.Attempt, o))
			}
		}
	}
}

func TestPromoteStopsAtADamagedRecord(t *testing.T) {
	d, m := newJob(t)
	r := attempt(t, d, m, mapTask(0), 1)
	must(t, fsx.MkdirAll(m, d.Path("stages", countStage, "tasks")))
	must(t, put(m, d.Path("stages", countStage, "tasks", "map-000000.json"), "{}"))
	var damaged *jobdir.DamagedError
	if won, err := d.Promote(r); won || !errors.As(err, &damaged) || !strings.HasPrefix(err.Error(), "commit 01-count/map-000000.a1: ") {
		t.Fatal(won, err)
	}
	must(t, d.Invalidate(countStage, nil, []task.ID{mapTask(0)}))
	if won, err := d.Promote(r); !won || err != nil {
		t.Fatal(won, err)
	}
}

// TestCheck changes one thing about an attempt that ended well.
func TestCheck(t *testing.T) {
	a := task.Attempt{Task: mapTask(0), Number: 1}
	output := func(o task.Output) func(*task.Result) {
		return func(r *task.Result) { r.Outputs[0] = o }
	}
	good := task.Output{Kind: task.DataFile, Dataset: "d", File: "f", Ext: "x", Bytes: 3, CRC32C: sum("abc")}
	with := func(change func(*task.Output)) func(*task.Result) {
		o := good
		change(&o)
		return output(o)
	}
	for _, c := range []struct {
		name   string
		change func(*task.Result)
		file   func(m *fsx.Mem, folder string) error
		class  task.Class
		want   string // part of the message; empty: no error
	}{
		{name: "good", change: output(good)},
		{name: "no outputs", change: func(r *task.Result) { r.Outputs = nil }},
		{name: "several files", change: func(r *task.Result) {
			o := good
			o.Many, o.Seq, o.File = true, 1, "g"
			r.Outputs[0].Many = true
			r.Outputs = append(r.Outputs, o)
		}},
		{name: "other attempt", change: func(r *task.Result) { r.Number = 2 }, want: "the result is of 01-count/map-000000.a2"},
		{name: "other task", change: func(r *task.Result) { r.Task.Index = 5 }, want: "the result is of 01-count/map-000005.a1"},
		{name: "too short", change: with(func(o *task.Output) { o.Bytes = 4 }), class: task.Retryable, want: "3 bytes instead of 4"},
		{name: "too long", change: with(func(o *task.Output) { o.Bytes = 2 }), class: task.Retryable, want: "3 bytes instead of 2"},
		{name: "negative size", change: with(func(o *task.Output) { o.Bytes = -1 }), class: task.Retryable, want: "3 bytes instead of -1"},
		{name: "another content", change: with(func(o *task.Output) { o.CRC32C++ })}, // found by whoever reads it
		{name: "missing", change: with(func(o *task.Output) { o.File = "none" }), class: task.Retryable, want: "no such file"},
		{name: "other folder", change: with(func(o *task.Output) { o.File = "../f" }), want: "not the name of a file"},
		{name: "absolute", change: with(func(o *task.Output) { o.File = "/etc/passwd" }), want: "not the name of a file"},
		{name: "dot", change: with(func(o *task.Output) { o.File = "." }), want: "not the name of a file"},
		{name: "no file name", change: with(func(o *task.Output) { o.File = "" }), want: "not the name of a file"},
		{name: "ours", change: with(func(o *task.Output) { o.File = "record.json" }), want: "a name that the engine uses"},
		{name: "unknown kind", change: with(func(o *task.Output) { o.Kind = "x" }), want: "unknown kind"},
		{name: "no dataset", change: with(func(o *task.Output) { o.Dataset = "" }), want: "no dataset"},
		{name: "dataset leaves", change: with(func(o *task.Output) { o.Dataset = ".." }), want: "cannot be named"},
		{name: "folder leaves", change: with(func(o *task.Output) { o.Sub = "label=7/../../../x" }), want: "cannot be named"},
		{name: "folder is a dot", change: with(func(o *task.Output) { o.Sub = "." }), want: "cannot be named"},
		{name: "extension leaves", change: with(func(o *task.Output) { o.Ext = "x/../y" }), want: "cannot be named"},
		{name: "same name twice", change: func(r *task.Result) {
			o := good
			o.File = "g"
			r.Outputs = append(r.Outputs, o)
		}, want: "a second one named"},
		{name: "no result", file: func(m *fsx.Mem, folder string) error { return m.Remove(folder + "/result.json") }, class: task.Retryable, want: "no such file"},
		{name: "torn result", file: func(m *fsx.Mem, folder string) error {
			return errors.Join(m.Remove(folder+"/result.json"), put(m, folder+"/result.json", "{\n \"version\": 1,\n"))
		}, class: task.Retryable, want: "damaged"},
		{name: "later version", file: func(m *fsx.Mem, folder string) error {
			return errors.Join(m.Remove(folder+"/result.json"), put(m, folder+"/result.json", "{\n \"version\": 2,\n"))
		}, want: "version 2; this build reads version 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, m := newJob(t)
			folder, err := d.Begin(task.Assignment{Attempt: a})
			must(t, err)
			must(t, put(m, filepath.Join(folder, "f"), "abc"))
			must(t, put(m, filepath.Join(folder, "g"), "abc"))
			r := task.Result{Attempt: a, Outputs: []task.Output{good}}
			if c.change != nil {
				c.change(&r)
			}
			must(t, d.WriteResult(folder, r))
			if c.file != nil {
				must(t, c.file(m, folder))
			}
			got, err := d.Check(a)
			if c.want == "" {
				r.Version = task.Version
				if err != nil || cmp.Diff(r, got) != "" {
					t.Fatalf("%v %+v", err, got)
				}
				return
			}
			var te *task.Error
			if !errors.As(err, &te) || te.Class != c.class || te.Attempt != a || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("class %s: %v", task.ClassOf(err), err)
			}
		})
	}
}

func TestCheckReportsIO(t *testing.T) {
	for err, class := range map[error]task.Class{syscall.EIO: task.Retryable, syscall.ESTALE: task.Retryable, syscall.ENOSPC: task.Permanent, syscall.EACCES: task.Permanent} {
		d, m := newJob(t)
		attempt(t, d, m, mapTask(0), 1)
		f, operr := jobdir.Open(fsx.NewFaulty(m, 0, fsx.FailOn, err), memJob) // the fsync of the output
		must(t, operr)
		_, got := f.Check(task.Attempt{Task: mapTask(0), Number: 1})
		if !errors.Is(got, err) || task.ClassOf(got) != class {
			t.Errorf("%v: class %s: %v", err, task.ClassOf(got), got)
		}
	}
}

func TestVerifyOutput(t *testing.T) {
	d, m := newJob(t)
	r := attempt(t, d, m, mapTask(0), 1)
	_, err := d.Promote(r)
	must(t, err)
	must(t, d.VerifyOutput(r.Attempt, r.Outputs[0]))
	file := d.OutputPath(r.Attempt, r.Outputs[0])
	if want := memJob + "/stages/01-count/runs/map-000000.a1.run"; file != want {
		t.Errorf("%s, want %s", file, want)
	}
	must(t, m.Remove(file))
	if err := d.VerifyOutput(r.Attempt, r.Outputs[0]); !errors.Is(err, fs.ErrNotExist) {
		t.Error("missing:", err)
	}
	must(t, put(m, file, "run of 01-count/map-000000, epoch 2"))
	var damaged *jobdir.DamagedError
	if err := d.VerifyOutput(r.Attempt, r.Outputs[0]); !errors.As(err, &damaged) || damaged.File != file {
		t.Error("changed:", err)
	}
}

func TestBeginTakesTheNumber(t *testing.T) {
	d, m := newJob(t)
	as := task.Assignment{
		Attempt: task.Attempt{Task: mapTask(3), Number: 2}, Probe: &task.Span{Lo: 1, Hi: 2},
		Exclude: []task.Exclusion{{Ordinal: 5, Class: task.Crash, Reason: "x"}}, Runs: []int{1, 2},
	}
	folder, err := d.Begin(as)
	must(t, err)
	if want := memJob + "/tmp/01-count.map-000003.a2"; folder != want {
		t.Errorf("folder %s, want %s", folder, want)
	}
	got, err := again(t, m).ReadAssignment(folder)
	as.Version = task.Version
	if err != nil || cmp.Diff(as, got) != "" {
		t.Errorf("%v %+v", err, got)
	}
	if _, err := d.Begin(as); !errors.Is(err, fs.ErrExist) {
		t.Error("the number was given twice:", err)
	}
	must(t, d.Discard(as.Attempt))
	if _, err := d.Begin(as); !errors.Is(err, fs.ErrExist) {
		t.Error("the number was given twice after Discard:", err)
	}
	last, err := d.LastAttempts(countStage)
	if err != nil || last[mapTask(3)] != 2 || len(last) != 1 {
		t.Error(last, err)
	}
	must(t, m.Rename(d.LogPath(as.Attempt), d.Path("logs", countStage, "map-000003.a10.txt")))
	must(t, put(m, d.Path("logs", countStage, "map-000003.a9.txt"), ""))
	for _, other := range []string{"notes.txt", "map-3.a99.txt", "map-000003.a099.txt", "map-000003.a-1.txt", "map-000003.a99", "map-000003.ab.txt", "other-000003.a99.txt"} {
		must(t, put(m, d.Path("logs", countStage, other), ""))
	}
	last, err = d.LastAttempts(countStage)
	if err != nil || last[mapTask(3)] != 10 || len(last) != 1 {
		t.Error(last, err)
	}
	if last, err := d.LastAttempts("09-none"); len(last) != 0 || err != nil {
		t.Error(last, err)
	}
}

func TestReadAssignmentOfAnotherFolder(t *testing.T) {
	d, m := newJob(t)
	folder, err := d.Begin(task.Assignment{Attempt: task.Attempt{Task: mapTask(3), Number: 2}})
	must(t, err)
	moved := d.Path("tmp", "01-count.map-000004.a2")
	must(t, m.Rename(folder, moved))
	var damaged *jobdir.DamagedError
	if _, err := d.ReadAssignment(moved); !errors.As(err, &damaged) {
		t.Error(err)
	}
	if _, err := d.ReadAssignment(folder); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

func TestLogTail(t *testing.T) {
	d, m := newJob(t)
	long := strings.Repeat("0123456789abcde\n", 1000)
	for i, c := range []struct {
		log  string
		n    int
		want string
	}{
		{"", 3, ""},
		{"one", 3, "one"},
		{"one\ntwo\n", 3, "one\ntwo"},
		{"one\ntwo\nthree\r\n\n", 2, "two\nthree"},
		{"bad \xff byte\n", 1, "bad ? byte"},
		{long + "end\n", 1, "end"},
		{long, 2, "0123456789abcde\n0123456789abcde"},
		{strings.Repeat("x", 10000), 5, strings.Repeat("x", 4096)},
	} {
		a := task.Attempt{Task: mapTask(i), Number: 1}
		must(t, fsx.MkdirAll(m, filepath.Dir(d.LogPath(a))))
		must(t, put(m, d.LogPath(a), c.log))
		if got := d.LogTail(a, c.n); got != c.want {
			t.Errorf("%d: %q, want %q", i, got, c.want)
		}
	}
	if got := d.LogTail(task.Attempt{Task: mapTask(99), Number: 1}, 3); got != "" {
		t.Errorf("no log: %q", got)
	}
}

// BenchmarkCommit begins, checks and promotes attempts with two small outputs on disk.
func BenchmarkCommit(b *testing.B) {
	d, err := jobdir.Create(fsx.OS{}, filepath.Join(b.TempDir(), "job"), theJob())
	must(b, err)
	defer func() { must(b, d.Unlock()) }()
	n := 0
	for b.Loop() {
		if won, err := d.Promote(attempt(b, d, fsx.OS{}, mapTask(n), 1)); !won || err != nil {
			b.Fatal(won, err)
		}
		n++
	}
}

// BenchmarkRecords reads the records of 200 tasks from disk.
func BenchmarkRecords(b *testing.B) {
	d, err := jobdir.Create(fsx.OS{}, filepath.Join(b.TempDir(), "job"), theJob())
	must(b, err)
	defer func() { must(b, d.Unlock()) }()
	for i := range 200 {
		commit(b, d, fsx.OS{}, mapTask(i), 1)
	}
	for b.Loop() {
		n := 0
		for _, err := range d.Records(countStage) {
			must(b, err)
			n++
		}
		if n != 200 {
			b.Fatal(n)
		}
	}
}
