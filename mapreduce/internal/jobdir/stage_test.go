package jobdir_test

import (
	"errors"
	"io"
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shardmill/shardmill/mapreduce/internal/fsx"
	"github.com/shardmill/shardmill/mapreduce/internal/jobdir"
	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

func commit(t testing.TB, d *jobdir.Dir, fsys fsx.FS, id task.ID, n int) {
	t.Helper()
	if won, err := d.Promote(attempt(t, d, fsys, id, n)); !won || err != nil {
		t.Fatal(won, err)
	}
}

// records reads the records of a stage into names, with the errors of bad ones.
func records(t *testing.T, d *jobdir.Dir, stage string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for rec, err := range d.Records(stage) {
		text := ""
		if err != nil {
			text = err.Error()
		}
		out[rec.Task.String()] = text
	}
	return out
}

func TestPlanIsWrittenOnce(t *testing.T) {
	d, m := newJob(t)
	want := plan{Version: 4, Tasks: []string{"a", "b"}}
	var got plan
	if ok, err := d.ReadPlan(countStage, 4, &got); ok || err != nil {
		t.Fatal(ok, err)
	}
	must(t, d.WritePlan(countStage, want))
	if err := d.WritePlan(countStage, plan{Version: 4}); !errors.Is(err, fs.ErrExist) {
		t.Error("written twice:", err)
	}
	if ok, err := again(t, m.PowerFailure(nil)).ReadPlan(countStage, 4, &got); !ok || err != nil || cmp.Diff(want, got) != "" {
		t.Error(ok, err, got)
	}
	var format *jobdir.FormatError
	if ok, err := d.ReadPlan(countStage, 5, &got); ok || !errors.As(err, &format) || format.Got != "4" || format.Want != "5" {
		t.Error(ok, err)
	}
	stages, err := d.Stages()
	if err != nil || cmp.Diff(stages, []string{countStage}) != "" {
		t.Error(stages, err)
	}
}

func TestStagesAreInOrder(t *testing.T) {
	d, m := newJob(t)
	for _, s := range []string{"02-b", "00-split", "10-c"} {
		must(t, d.WritePlan(s, plan{Version: 1}))
	}
	must(t, put(m, d.Path("stages", "notes.txt"), ""))
	if got, err := d.Stages(); err != nil || cmp.Diff(got, []string{"00-split", "02-b", "10-c"}) != "" {
		t.Error(got, err)
	}
}

func TestListingIsReplacedUntilThereIsAPlan(t *testing.T) {
	d, m := newJob(t)
	text := func(s string) func(io.Writer) error {
		return func(w io.Writer) error {
			_, err := io.WriteString(w, s)
			return err
		}
	}
	if _, err := d.OpenListing(splitStage); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	must(t, d.WriteListing(splitStage, text("one")))
	must(t, d.WriteListing(splitStage, text("two")))
	broken := errors.New("broken")
	if err := d.WriteListing(splitStage, func(io.Writer) error { return broken }); !errors.Is(err, broken) {
		t.Error(err)
	}
	must(t, d.WritePlan(splitStage, plan{Version: 1}))
	if err := d.WriteListing(splitStage, text("three")); !errors.Is(err, fs.ErrExist) {
		t.Error("changed after the plan:", err)
	}
	r, err := again(t, m.PowerFailure(nil)).OpenListing(splitStage)
	must(t, err)
	b, err := io.ReadAll(r)
	must(t, errors.Join(err, r.Close()))
	if string(b) != "two" {
		t.Errorf("%q", b)
	}
	if left := only(tree(t, m, memJob), "tmp/"); len(left) != 1 {
		t.Error(left)
	}
}

func TestDone(t *testing.T) {
	d, m := newJob(t)
	if _, ok, err := d.ReadDone(countStage); ok || err != nil {
		t.Fatal(ok, err)
	}
	var total jobdir.Total
	total.Add(task.Output{Rows: 2, Bytes: 30})
	total.Add(task.Output{Rows: 1, Bytes: 12})
	done := jobdir.Done{Tasks: 5, Counts: task.Counts{Read: 7}, Data: map[string]jobdir.Total{"d": total}, Rejects: jobdir.Total{Files: 1}}
	must(t, d.WriteDone(countStage, done))
	if err := d.WriteDone(countStage, done); !errors.Is(err, fs.ErrExist) {
		t.Error("written twice:", err)
	}
	got, ok, err := again(t, m.PowerFailure(nil)).ReadDone(countStage)
	done.Version, done.Stage = 1, countStage
	if !ok || err != nil || cmp.Diff(done, got) != "" || got.Data["d"] != (jobdir.Total{Files: 2, Rows: 3, Bytes: 42}) {
		t.Error(ok, err, got)
	}
	var damaged *jobdir.DamagedError
	must(t, d.WritePlan("02-other", plan{Version: 1}))
	must(t, m.Link(d.Path("stages", countStage, "DONE.json"), d.Path("stages", "02-other", "DONE.json")))
	if _, ok, err := d.ReadDone("02-other"); ok || !errors.As(err, &damaged) || !strings.Contains(err.Error(), "it is of stage 01-count") {
		t.Error(ok, err)
	}
	must(t, d.Invalidate("02-other", nil, nil))
	if _, ok, err := d.ReadDone("02-other"); ok || err != nil {
		t.Error(ok, err)
	}
	if _, ok, _ := d.ReadDone(countStage); !ok {
		t.Error("an earlier stage is not done any more")
	}
}

func TestRecordsTellWhichAreBad(t *testing.T) {
	d, m := newJob(t)
	for n := range 4 {
		commit(t, d, m, mapTask(n), 1)
	}
	tasks := d.Path("stages", countStage, "tasks")
	good := tree(t, m, memJob)["stages/01-count/tasks/map-000000.json"]
	for name, content := range map[string]string{
		"map-000001.json":    strings.Replace(good, "map", "MAP", 1), // damaged
		"map-000002.json":    good,                                   // of another task
		"map-000003.json":    "{\n \"version\": 2,\n",                // of a later build
		"map-000004.json":    "",                                     // never a record
		"notes.txt":          "not ours",
		"map-000000.json.gz": "not ours",
		"map-7.json":         "not ours",
	} {
		must(t, fsx.RemoveAll(m, tasks+"/"+name))
		must(t, put(m, tasks+"/"+name, content))
	}
	path := tasks + "/map-00000"
	want := map[string]string{
		"01-count/map-000000": "",
		"01-count/map-000001": path + "1.json: damaged: its checksum does not match",
		"01-count/map-000002": path + "2.json: damaged: it is of 01-count/map-000000",
		"01-count/map-000003": path + "3.json: version 2; this build reads version 1",
		"01-count/map-000004": path + "4.json: damaged: it does not begin with a version",
	}
	if d := cmp.Diff(want, records(t, d, countStage)); d != "" {
		t.Error(d)
	}
	for rec, err := range d.Records(countStage) {
		if rec.Task != mapTask(0) || err != nil {
			t.Error(rec.Task, err)
		}
		break // stopping early is fine
	}
	if got := records(t, d, "09-none"); len(got) != 0 {
		t.Error(got)
	}
}

func TestRecordsOfAStageThatCannotBeListed(t *testing.T) {
	d, m := newJob(t)
	must(t, fsx.MkdirAll(m, d.Path("stages", countStage)))
	must(t, put(m, d.Path("stages", countStage, "tasks"), "a file"))
	got := records(t, d, countStage)
	if text := got["/-000000"]; len(got) != 1 || !strings.HasPrefix(text, "list records of 01-count: ") {
		t.Error(got)
	}
}

func TestInvalidate(t *testing.T) {
	d, m := newJob(t)
	later := id("02-later", task.Map, 0)
	reduce := id(countStage, task.Reduce, 0)
	for _, id := range []task.ID{id(splitStage, task.Split, 0), mapTask(0), mapTask(1), reduce, later} {
		commit(t, d, m, id, 1)
	}
	for _, s := range []string{splitStage, countStage, "02-later"} {
		must(t, d.WriteDone(s, jobdir.Done{}))
	}
	must(t, d.Invalidate(countStage, []task.ID{reduce, later}, []task.ID{mapTask(1)}))
	must(t, d.Invalidate(countStage, []task.ID{reduce, later}, []task.ID{mapTask(1)}))
	after := again(t, m.PowerFailure(nil))
	for stage, want := range map[string]map[string]string{
		splitStage: {"00-split/split-000000": ""},
		countStage: {"01-count/map-000000": ""},
		"02-later": {},
	} {
		if d := cmp.Diff(want, records(t, after, stage)); d != "" {
			t.Error(d)
		}
		if _, ok, err := after.ReadDone(stage); ok != (stage == splitStage) || err != nil {
			t.Errorf("%s done: %t %v", stage, ok, err)
		}
	}
	must(t, d.Invalidate("09-none", nil, []task.ID{id("09-none", task.Map, 0)}))
}

// TestInvalidateKeepsTheOrder stops at every call, loses what was not synced, and looks whether anything
// stands on something that went.
func TestInvalidateKeepsTheOrder(t *testing.T) {
	for at, hit := 0, true; hit; at++ {
		d, m := newJob(t)
		reduce := id(countStage, task.Reduce, 0)
		commit(t, d, m, mapTask(0), 1)
		commit(t, d, m, reduce, 1)
		must(t, d.WriteDone(countStage, jobdir.Done{}))
		must(t, d.WriteDone("02-later", jobdir.Done{}))
		faulty := fsx.NewFaulty(m, at, fsx.Crash, nil)
		hit = again(t, faulty).Invalidate(countStage, []task.ID{reduce}, []task.ID{mapTask(0)}) != nil
		for _, survives := range []func() bool{nil, keepAll, coin(uint64(at)), coin(uint64(at + 100))} {
			after := again(t, m.PowerFailure(survives))
			there := records(t, after, countStage)
			_, laterDone, err := after.ReadDone("02-later")
			must(t, err)
			_, done, err := after.ReadDone(countStage)
			must(t, err)
			_, reduced := there["01-count/reduce-000000"]
			_, mapped := there["01-count/map-000000"]
			order := []bool{laterDone, done, reduced, mapped} // each needs all after it
			for i, yes := range order[:3] {
				if yes && !order[i+1] {
					t.Fatalf("call %d: later done, done, reduced, mapped: %v", at, order)
				}
			}
		}
	}
}

func TestGarbageKeepsWhatRecordsName(t *testing.T) {
	d, m := newJob(t)
	commit(t, d, m, mapTask(0), 3)
	commit(t, d, m, id(countStage, task.Reduce, 0), 1)
	commit(t, d, m, id(countStage, task.Split, 0), 2)
	keep := only(tree(t, m, memJob), "stages/")
	for _, name := range []string{"runs/notes.txt", "data/counts/README.a1.md"} {
		must(t, put(m, d.Path("stages", countStage, name), "not ours"))
		keep["stages/01-count/"+name] = "not ours"
	}
	for _, name := range []string{
		"runs/map-000000.a2.run", "runs/map-000001.a1.run", "rejects/map-000000.a30.arrow", "data/counts/reduce-000000.a2.parquet",
		"data/byname/label=7/reduce-000001.a1.parquet", "data/shards/split-000000.a1-0001.arrow",
	} {
		must(t, put(m, d.Path("stages", countStage, name), "garbage"))
	}
	committed := map[task.ID]int{}
	for rec, err := range d.Records(countStage) {
		must(t, err)
		committed[rec.Task] = rec.Number
	}
	for range 2 {
		must(t, d.Garbage(countStage, func(id task.ID) int { return committed[id] }))
		if d := cmp.Diff(keep, only(tree(t, m, memJob), "stages/")); d != "" {
			t.Error(d)
		}
	}
	must(t, d.Garbage("09-none", func(task.ID) int { return 0 }))
}

func TestRemoveRunsAndDataAndSize(t *testing.T) {
	d, m := newJob(t)
	commit(t, d, m, mapTask(0), 1)
	commit(t, d, m, id(countStage, task.Reduce, 0), 1)
	size := func(elem ...string) int64 {
		t.Helper()
		n, err := d.Size(countStage, elem...)
		must(t, err)
		return n
	}
	text := int64(len("c of 01-count/reduce-000000, epoch 1"))
	if runs, counts, data := size("runs"), size("data", "counts"), size("data"); runs == 0 || counts != text || data != 2*text+1 {
		t.Error(runs, counts, data)
	}
	must(t, d.RemoveRuns(countStage))
	must(t, d.RemoveRuns(countStage))
	must(t, d.RemoveData(countStage, "counts"))
	must(t, d.RemoveData(countStage, "counts"))
	if runs, counts, data := size("runs"), size("data", "counts"), size("data"); runs != 0 || counts != 0 || data != text+1 {
		t.Error(runs, counts, data)
	}
	commit(t, d, m, mapTask(1), 1) // the folder is made again
	if size("runs") == 0 {
		t.Error("no run file")
	}
}
