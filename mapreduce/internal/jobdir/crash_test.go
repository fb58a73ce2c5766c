package jobdir_test

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/mapreduce/internal/fsx"
	"github.com/shardmill/shardmill/mapreduce/internal/jobdir"
	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

const memJob = "/w/job"

func keepAll() bool { return true }

// stages of the life of a job: the disk before each phase, and the state after it.
type clean struct {
	before *fsx.Mem
	after  map[string]string
}

func cleanLife(t testing.TB) []clean {
	t.Helper()
	m := fsx.NewMem()
	must(t, m.Mkdir("/w"))
	must(t, m.Sync("/"))
	var all []clean
	for _, p := range life() {
		c := clean{before: m.PowerFailure(keepAll)}
		must(t, p.run(m, memJob))
		c.after = state(t, m, memJob)
		all = append(all, c)
	}
	return all
}

func TestCleanLife(t *testing.T) {
	all := cleanLife(t)
	results := func(p int, names ...string) map[string]string { return only(all[p].after, names...) }
	text := func(file string, epoch int) string {
		return fmt.Sprintf("%s of 01-count/reduce-000000, epoch %d", file, epoch)
	}
	for p, want := range []map[string]string{
		{
			"out/": "", "out/_SUCCESS": "", "out/counts/": "", "out/none/": "", "out/byname/": "", "out/byname/label=7/": "",
			"out/counts/part-000000.parquet": text("c", 1), "out/byname/label=7/part-000000.parquet": text("l7", 1),
			"rejects/": "", "rejects/part-000000.parquet": "rejects of epoch 1",
		},
		{
			"held/": "", "held/counts/": "", "held/none/": "", "held/byname/": "", "held/byname/label=7/": "",
			"held/counts/part-000000.parquet": text("c", 2), "held/byname/label=7/part-000000.parquet": text("l7", 2),
			"rejects/": "", "rejects/part-000000.parquet": "rejects of epoch 2",
		},
		{
			"out/": "", "out/_SUCCESS": "", "out/counts/": "", "out/none/": "", "out/byname/": "", "out/byname/label=7/": "",
			"out/counts/part-000000.parquet": text("c", 3), "out/byname/label=7/part-000000.parquet": text("l7", 3),
		},
	} {
		if d := cmp.Diff(want, results(p, "out", "held", "rejects")); d != "" {
			t.Errorf("phase %d: %s", p+1, d)
		}
		if tmp := results(p, "tmp/"); len(tmp) != 1 {
			t.Errorf("phase %d: left in tmp: %v", p+1, tmp)
		}
	}
	if runs := results(2, "stages/01-count/runs"); len(runs) != 0 {
		t.Errorf("run files of a stage that is done: %v", runs)
	}
	if runs := results(0, "stages/01-count/runs/"); len(runs) != 3 {
		t.Errorf("want the folder and one run file a map, got %v", runs)
	}
}

// world is what a driver may find after the former one failed: a name, and whether a change that was
// not fsynced survives.
type world struct {
	name     string
	survives func() bool
}

func worlds(fault fsx.Fault) []world {
	w := []world{{"process ended", keepAll}, {"power failed", nil}}
	if fault == fsx.Crash {
		w = append(w, world{"power failed, some kept", coin(1)}, world{"power failed, more kept", coin(2)})
	}
	return w
}

func coin(seed uint64) func() bool {
	r := rand.New(rand.NewPCG(seed, seed))
	return func() bool { return r.IntN(2) == 0 }
}

// TestFaultAtEveryCall lets each change of each phase fail in each way, then looks at what is left
// in each world, and lets the same phase run again: it must end in the same state.
func TestFaultAtEveryCall(t *testing.T) {
	all := cleanLife(t)
	step := 1
	if testing.Short() {
		step = 7
	}
	for i, p := range life() {
		for _, fault := range []fsx.Fault{fsx.FailOnce, fsx.FailOn, fsx.LostReply, fsx.Crash} {
			t.Run(fmt.Sprintf("phase %d fault %d", p.Epoch, fault), func(t *testing.T) {
				t.Parallel()
				for at := 0; ; at += step {
					disk := all[i].before.PowerFailure(keepAll)
					faulty := fsx.NewFaulty(disk, at, fault, syscall.EIO)
					err := p.run(faulty, memJob)
					if !faulty.Hit() {
						must(t, err)
						if at < 100 {
							t.Fatalf("only %d calls", at)
						}
						return
					}
					if fault == fsx.Crash && !errors.Is(err, fsx.ErrCrashed) {
						t.Fatalf("call %d: crashed and says %v", at, err)
					}
					for _, w := range worlds(fault) {
						where := fmt.Sprintf("call %d (%v), %s", at, err, w.name)
						after := disk.PowerFailure(w.survives)
						checkPromises(t, where, after, all, i, err == nil)
						if err := p.run(after, memJob); err != nil {
							t.Fatalf("%s: the next driver says: %v", where, err)
						}
						if d := cmp.Diff(all[i].after, state(t, after, memJob)); d != "" {
							t.Fatalf("%s: %s", where, d)
						}
					}
					if t.Failed() {
						return
					}
				}
			})
		}
	}
}

// checkPromises looks at a job directory that was left somewhere in phase i: results are whole or absent,
// records name outputs that are there, DONE.json stands on records.
func checkPromises(t *testing.T, where string, m *fsx.Mem, all []clean, i int, complete bool) {
	t.Helper()
	now := state(t, m, memJob)
	out, held := only(now, "out/"), only(now, "held/")
	if len(out) > 0 && len(held) > 0 {
		t.Errorf("%s: both out/ and held/", where)
	}
	possible := []map[string]string{{}}
	for j := max(0, i-1); j <= i; j++ {
		possible = append(possible, only(all[j].after, "out/", "held/"))
	}
	if !oneOf(possible, only(now, "out/", "held/")) {
		t.Errorf("%s: results are of no finish: %v %v", where, out, held)
	}
	if complete {
		essential := []string{"FORMAT", "job.json", "out", "held", "rejects", "summary.json", "stages/00-split/DONE", "stages/00-split/tasks", "stages/01-count/DONE", "stages/01-count/tasks"}
		if d := cmp.Diff(only(all[i].after, essential...), only(now, essential...)); d != "" {
			t.Errorf("%s: lost after the driver said that all went well: %s", where, d)
		}
	}
	checkNumbers(t, where, tree(t, m, memJob))
	d, err := jobdir.Open(m, memJob)
	if errors.Is(err, jobdir.ErrNoJob) && i == 0 {
		return
	}
	must(t, err)
	for stage, want := range map[string]int{splitStage: 1, countStage: 3} {
		checkStage(t, where, d, stage, want)
	}
}

// checkNumbers looks for an output under a final name whose attempt's number is free again.
func checkNumbers(t *testing.T, where string, files map[string]string) {
	t.Helper()
	output := regexp.MustCompile(`^stages/([^/]+)/(?:runs|data|rejects)/.*?((?:split|map|reduce)-\d+\.a\d+)[-.]`)
	for name := range files {
		m := output.FindStringSubmatch(name)
		if m == nil {
			continue
		}
		if _, ok := files["logs/"+m[1]+"/"+m[2]+".txt"]; !ok {
			t.Errorf("%s: %s is there and its log is not", where, name)
		}
	}
}

func checkStage(t *testing.T, where string, d *jobdir.Dir, stage string, want int) {
	t.Helper()
	_, done, err := d.ReadDone(stage)
	must(t, err)
	records := 0
	for rec, err := range d.Records(stage) {
		if err != nil {
			t.Errorf("%s: record of %s: %v", where, rec.Task, err)
		}
		records++
		for _, o := range rec.Outputs {
			err := d.VerifyOutput(rec.Attempt, o)
			if o.Kind == task.RunFile && done && errors.Is(err, fs.ErrNotExist) {
				continue // removed after DONE.json
			}
			if err != nil && o.Kind != task.RunFile {
				t.Errorf("%s: %s is committed: %v", where, rec.Attempt, err)
			}
		}
	}
	if done && records != want {
		t.Errorf("%s: %s is done with %d records", where, stage, records)
	}
}

// TestWhatRecoverShowsStays lets a process end at every call. What the next driver sees after Recover must
// still be there when the power fails then.
func TestWhatRecoverShowsStays(t *testing.T) {
	all := cleanLife(t)
	decisive := []string{"FORMAT", "job.json", "out", "held", "stages/00-split/", "stages/01-count/"}
	outputs := regexp.MustCompile(`^stages/[^/]+/(runs|data|rejects)`) // those without a record are garbage
	for i, p := range life() {
		for at, hit := 0, true; hit; at++ {
			disk := all[i].before.PowerFailure(keepAll)
			faulty := fsx.NewFaulty(disk, at, fsx.Crash, nil)
			err := p.run(faulty, memJob)
			hit = faulty.Hit()
			d, operr := jobdir.Open(disk, memJob)
			if errors.Is(operr, jobdir.ErrNoJob) && i == 0 {
				continue
			}
			must(t, errors.Join(operr, d.Lock(), d.Recover()))
			seen := only(state(t, disk, memJob), decisive...)
			maps.DeleteFunc(seen, func(name, _ string) bool { return outputs.MatchString(name) })
			after := disk.PowerFailure(nil)
			checkPromises(t, fmt.Sprintf("call %d, phase %d", at, i+1), after, all, i, false)
			kept := state(t, after, memJob)
			for name := range seen {
				if _, ok := kept[name]; !ok {
					t.Fatalf("call %d (%v), phase %d: %s is lost", at, err, i+1, name)
				}
			}
		}
	}
}

func oneOf(possible []map[string]string, got map[string]string) bool {
	for _, p := range possible {
		if cmp.Equal(p, got) {
			return true
		}
	}
	return false
}

// TestManyFaults lets several drivers fail one after another, in all kinds of worlds.
func TestManyFaults(t *testing.T) {
	all := cleanLife(t)
	rapid.Check(t, func(rt *rapid.T) {
		i := rapid.IntRange(0, len(all)-1).Draw(rt, "phase")
		p := life()[i]
		disk := all[i].before.PowerFailure(keepAll)
		for range rapid.IntRange(1, 5).Draw(rt, "drivers") {
			at := rapid.IntRange(0, 150).Draw(rt, "at")
			fault := fsx.Fault(rapid.IntRange(0, 3).Draw(rt, "fault"))
			err := p.run(fsx.NewFaulty(disk, at, fault, syscall.EIO), memJob)
			world := rapid.SampledFrom([]func() bool{keepAll, nil, coin(rapid.Uint64().Draw(rt, "coin"))}).Draw(rt, "world")
			disk = disk.PowerFailure(world)
			checkPromises(t, fmt.Sprintf("call %d, fault %d (%v)", at, fault, err), disk, all, i, err == nil)
		}
		if err := p.run(disk, memJob); err != nil {
			rt.Fatal(err)
		}
		if d := cmp.Diff(all[i].after, state(t, disk, memJob)); d != "" || t.Failed() {
			rt.Fatal(d)
		}
	})
}

// TestFaultsOnTheRealFileSystem is the same on disk, for some of the calls.
func TestFaultsOnTheRealFileSystem(t *testing.T) {
	all := cleanLife(t)
	step := 61
	if testing.Short() {
		step = 151
	}
	for _, fault := range []fsx.Fault{fsx.FailOn, fsx.Crash} {
		for at, hit := int(fault), true; hit; at += step {
			root := t.TempDir()
			job := filepath.Join(root, "deep", "job")
			faulty := fsx.NewFaulty(fsx.OS{}, at, fault, syscall.ENOSPC)
			for i, p := range life() {
				err := p.run(faulty, job)
				if err != nil {
					must(t, p.run(fsx.OS{}, job))
				}
				got := state(t, fsx.OS{}, job)
				if d := cmp.Diff(all[i].after, got); d != "" {
					t.Fatalf("fault %d at %d (%v), phase %d: %s", fault, at, err, i+1, d)
				}
			}
			hit = faulty.Hit()
		}
	}
}

// noExchange is a file system without renameat2, noLinks one that refuses the links of Finish.
type (
	noExchange struct{ fsx.FS }
	noLinks    struct {
		fsx.FS
		err error
	}
)

func (noExchange) Exchange(_, _ string) error { return errors.ErrUnsupported }

func (n noLinks) Link(a, b string) error {
	if strings.Contains(b, "/finish/") {
		return n.err
	}
	return n.FS.Link(a, b)
}

func TestOtherFileSystems(t *testing.T) {
	all := cleanLife(t)
	for name, wrap := range map[string]func(fsx.FS) fsx.FS{
		"no exchange":        func(f fsx.FS) fsx.FS { return noExchange{f} },
		"links not allowed":  func(f fsx.FS) fsx.FS { return noLinks{f, syscall.EPERM} },
		"other file system":  func(f fsx.FS) fsx.FS { return noLinks{f, syscall.EXDEV} },
		"too many links":     func(f fsx.FS) fsx.FS { return noLinks{f, syscall.EMLINK} },
		"links not known":    func(f fsx.FS) fsx.FS { return noLinks{f, syscall.ENOTSUP} },
		"neither of the two": func(f fsx.FS) fsx.FS { return noExchange{noLinks{f, syscall.EXDEV}} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			disk := all[0].before.PowerFailure(keepAll)
			for i, p := range life() {
				must(t, p.run(wrap(disk), memJob))
				if d := cmp.Diff(all[i].after, state(t, disk, memJob)); d != "" {
					t.Fatalf("phase %d: %s", i+1, d)
				}
			}
		})
	}
}

// TestPowerFailureWithoutExchange stops at every call where a folder has to be renamed away first and where results are copied.
func TestPowerFailureWithoutExchange(t *testing.T) {
	all := cleanLife(t)
	wrap := func(f fsx.FS) fsx.FS { return noExchange{noLinks{f, syscall.EXDEV}} }
	for i, p := range life() {
		for at, hit := 0, true; hit; at++ {
			disk := all[i].before.PowerFailure(keepAll)
			faulty := fsx.NewFaulty(disk, at, fsx.Crash, nil)
			err := p.run(wrap(faulty), memJob)
			if hit = faulty.Hit(); !hit {
				must(t, err)
			}
			after := disk.PowerFailure(nil)
			checkPromises(t, fmt.Sprintf("call %d, phase %d", at, i+1), after, all, i, err == nil)
			must(t, p.run(wrap(after), memJob))
			if d := cmp.Diff(all[i].after, state(t, after, memJob)); d != "" || t.Failed() {
				t.Fatalf("call %d, phase %d: %s", at, i+1, d)
			}
		}
	}
}

// TestGoldenDirectoryGoesOn gives a copy of the golden directory to a driver: it must find everything done, and only
// lay out the results again.
func TestGoldenDirectoryGoesOn(t *testing.T) {
	job := filepath.Join(t.TempDir(), "job")
	must(t, os.CopyFS(job, os.DirFS("testdata/v1")))
	before := only(tree(t, fsx.OS{}, job), "job.json", "logs", "stages", "out", "rejects")
	must(t, phase{Epoch: 1, Rejects: true}.run(fsx.OS{}, job))
	before["out/none/"] = "" // git keeps no empty folder
	if d := cmp.Diff(before, only(tree(t, fsx.OS{}, job), "job.json", "logs", "stages", "out", "rejects")); d != "" {
		t.Error(d)
	}
}
