package jobdir_test

import (
	"errors"
	"path"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/shardmill/shardmill/mapreduce/internal/fsx"
	"github.com/shardmill/shardmill/mapreduce/internal/jobdir"
	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

// results are checked attempts of tasks 0 to n-1.
func results(t testing.TB, d *jobdir.Dir, fsys fsx.FS, n int) []task.Result {
	t.Helper()
	var all []task.Result
	for i := range n {
		all = append(all, attempt(t, d, fsys, mapTask(i), 1))
	}
	return all
}

// syncs counts fsyncs of folders.
type syncs struct {
	fsx.FS
	mu sync.Mutex
	of map[string]int
}

func (s *syncs) Sync(name string) error {
	s.mu.Lock()
	s.of[path.Base(name)]++
	s.mu.Unlock()
	return s.FS.Sync(name)
}

// However many attempts are promoted together, each folder is fsynced once.
func TestPromoteAllSyncsFoldersOnce(t *testing.T) {
	for _, n := range []int{1, 2, 50} {
		made, m := newJob(t)
		rs := results(t, made, m, n)
		must(t, made.Unlock())
		s := &syncs{FS: m, of: map[string]int{}}
		d, err := jobdir.Open(s, memJob)
		must(t, err)
		won, err := d.PromoteAll(rs)
		must(t, err)
		for i, w := range won {
			rec, ok, err := d.ReadRecord(mapTask(i))
			if !w || !ok || err != nil || rec.Attempt != rs[i].Attempt {
				t.Fatalf("%d of %d: won %t, record %t, %v", i, n, w, ok, err)
			}
		}
		for _, folder := range []string{"tasks", "runs", "rejects", countStage} { // the last one has the logs, and is the parent of the others
			most := 1
			if folder == countStage {
				most = 4
			}
			if got := s.of[folder]; got < 1 || got > most {
				t.Errorf("%d attempts: %s is fsynced %d times", n, folder, got)
			}
		}
		if left := only(tree(t, m, memJob), "tmp/0"); len(left) > 0 {
			t.Errorf("left: %v", left)
		}
	}
}

// Whatever fails or stops while several attempts are promoted, what has a record then is whole after a power failure, and all
// can be promoted again.
func TestPromoteAllAgainAfterAnyError(t *testing.T) {
	const n = 3
	for _, fault := range []fsx.Fault{fsx.FailOnce, fsx.LostReply, fsx.Crash} {
		for at := 0; ; at++ {
			d, m := newJob(t)
			rs := results(t, d, m, n)
			must(t, d.Unlock())
			faulty := fsx.NewFaulty(m, at, fault, syscall.EIO)
			f, err := jobdir.Open(faulty, memJob)
			must(t, err)
			won, err := f.PromoteAll(rs)
			if (len(won) == n) == (err != nil) {
				t.Fatalf("fault %d at %d: %v and %v", fault, at, won, err)
			}
			if !faulty.Hit() {
				if at < 20 {
					t.Fatalf("only %d calls", at)
				}
				break
			}
			wholeRecords(t, again(t, m.PowerFailure(nil)), rs)
			if fault == fsx.Crash {
				continue // the process does not ask again
			}
			won, err = f.PromoteAll(rs)
			if err != nil || len(won) != n {
				t.Fatalf("fault %d at %d, again: %v, %v", fault, at, won, err)
			}
			if got := wholeRecords(t, again(t, m.PowerFailure(nil)), rs); got != n {
				t.Fatalf("fault %d at %d: %d records after a power failure", fault, at, got)
			}
		}
	}
}

// wholeRecords counts the attempts that have a record, whose outputs must be whole then.
func wholeRecords(t testing.TB, d *jobdir.Dir, rs []task.Result) (n int) {
	t.Helper()
	for _, r := range rs {
		rec, ok, err := d.ReadRecord(r.Task)
		must(t, err)
		if !ok {
			continue
		}
		n++
		for _, o := range rec.Outputs {
			must(t, d.VerifyOutput(rec.Attempt, o))
		}
	}
	return n
}

// Of attempts that are promoted together some may have been beaten: their outputs go, the others are committed.
func TestPromoteAllWithLosers(t *testing.T) {
	d, m := newJob(t)
	rs := []task.Result{attempt(t, d, m, mapTask(0), 2), attempt(t, d, m, mapTask(1), 1), attempt(t, d, m, mapTask(2), 2)}
	for _, id := range []task.ID{mapTask(0), mapTask(2)} {
		if won, err := d.Promote(attempt(t, d, m, id, 1)); !won || err != nil {
			t.Fatal(won, err)
		}
	}
	won, err := d.PromoteAll(rs)
	if err != nil || won[0] || !won[1] || won[2] {
		t.Fatal(won, err)
	}
	if n := wholeRecords(t, d, rs); n != 3 {
		t.Errorf("%d records", n)
	}
	if runs := only(tree(t, m, memJob), "stages/01-count/runs/m", "tmp/0"); len(runs) != 3 {
		t.Errorf("files: %v", runs)
	}
	if won, err := d.PromoteAll(nil); len(won) != 0 || err != nil {
		t.Errorf("none: %v, %v", won, err)
	}
}

// The error of several attempts says how many there are.
func TestPromoteAllNamesWhatFailed(t *testing.T) {
	d, m := newJob(t)
	rs := results(t, d, m, 3)
	must(t, put(m, d.Path("stages", countStage), "a file in the way"))
	_, err := d.PromoteAll(rs)
	if err == nil || !strings.HasPrefix(err.Error(), "commit 3 attempts from 01-count/map-000000.a1 on: ") || errors.Is(err, jobdir.ErrNoJob) {
		t.Error(err)
	}
}

// Only the records of the kinds asked for are read.
func TestRecordsOfKinds(t *testing.T) {
	d, m := newJob(t)
	for _, id := range []task.ID{mapTask(0), mapTask(1), id(countStage, task.Reduce, 0)} {
		if won, err := d.Promote(attempt(t, d, m, id, 1)); !won || err != nil {
			t.Fatal(won, err)
		}
	}
	must(t, put(m, d.Path("stages", countStage, "tasks", "map-000002.json"), "{}"))
	for _, c := range []struct {
		kinds       []task.Kind
		whole, torn int
	}{
		{nil, 3, 1},
		{[]task.Kind{task.Reduce}, 1, 0},
		{[]task.Kind{task.Map}, 2, 1},
		{[]task.Kind{task.Map, task.Reduce}, 3, 1},
		{[]task.Kind{task.Split}, 0, 0},
	} {
		whole, torn := 0, 0
		for _, err := range d.Records(countStage, c.kinds...) {
			if err != nil {
				torn++
			} else {
				whole++
			}
		}
		if whole != c.whole || torn != c.torn {
			t.Errorf("%v: %d records and %d torn ones, want %d and %d", c.kinds, whole, torn, c.whole, c.torn)
		}
	}
}
