package jobdir_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shardmill/shardmill/mapreduce/internal/fsx"
	"github.com/shardmill/shardmill/mapreduce/internal/jobdir"
	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func id(stage string, kind task.Kind, index int) task.ID {
	return task.ID{Stage: stage, Kind: kind, Index: index}
}

func theJob() jobdir.Job {
	return jobdir.Job{
		Job: "count", JobVersion: 3, Params: json.RawMessage(`{"lower":true,"top":[1,2]}`),
		Identity: map[string]string{"partitions": "1", "model": "sha256:<&>"},
		Inputs: []jobdir.Input{{
			Name: "in", Path: "/data/in", Dir: true, Size: 5,
			ModTime: time.Date(2026, 1, 2, 3, 4, 5, 678900000, time.UTC),
		}},
		Tool: "test",
	}
}

// plan is what the script puts into plan.json.
type plan struct {
	Version int      `json:"version"`
	Tasks   []string `json:"tasks"`
}

// phase is one run of a small driver over a job of two stages. Everything it makes is a
// function of the phase and the task, except attempt numbers.
type phase struct {
	Epoch   int
	Held    bool // the gate is not passed
	Rejects bool // there are rejects
	Last    bool // run files go
}

// The life of a job: a first run with rejects, a rerun that is held, a rerun that is not. Each
// rerun does map 0 and the reduce again.
func life() []phase {
	return []phase{{Epoch: 1, Rejects: true}, {Epoch: 2, Held: true, Rejects: true}, {Epoch: 3, Last: true}}
}

const (
	splitStage = "00-split"
	countStage = "01-count"
)

func (p phase) run(fsys fsx.FS, path string) (err error) {
	d, err := jobdir.Open(fsys, path)
	if errors.Is(err, jobdir.ErrNoJob) {
		d, err = jobdir.Create(fsys, path, theJob())
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Unlock()) }()
	if err := errors.Join(d.Lock(), d.Recover(), d.AppendEvent(p), p.summary(d, "running")); err != nil {
		return err
	}
	if p.Epoch > 1 {
		err := d.Invalidate(countStage, []task.ID{id(countStage, task.Reduce, 0)}, []task.ID{id(countStage, task.Map, 0)})
		if err != nil {
			return err
		}
	}
	if err := p.stage(d, fsys, splitStage, []task.ID{id(splitStage, task.Split, 0)}); err != nil {
		return err
	}
	err = p.stage(d, fsys, countStage, []task.ID{
		id(countStage, task.Map, 0), id(countStage, task.Map, 1), id(countStage, task.Reduce, 0),
	})
	if err != nil {
		return err
	}
	return errors.Join(d.Finish(p.layout(d)), p.summary(d, "complete"), d.AppendEvent(p))
}

func (p phase) summary(d *jobdir.Dir, state string) error {
	return d.WriteSummary(map[string]any{"version": 1, "state": state, "epoch": p.Epoch})
}

func (p phase) stage(d *jobdir.Dir, fsys fsx.FS, stage string, tasks []task.ID) error {
	if err := p.plan(d, stage, tasks); err != nil {
		return err
	}
	committed := map[task.ID]int{}
	for rec, err := range d.Records(stage) {
		if err != nil && rec.Task.Stage == "" {
			return err
		}
		if err != nil {
			if err := d.Invalidate(stage, nil, []task.ID{rec.Task}); err != nil {
				return err
			}
			continue
		}
		committed[rec.Task] = rec.Number
	}
	if err := d.Garbage(stage, func(id task.ID) int { return committed[id] }); err != nil {
		return err
	}
	last, err := d.LastAttempts(stage)
	if err != nil {
		return err
	}
	for _, id := range tasks {
		if committed[id] > 0 {
			continue
		}
		if err := p.attempts(d, fsys, id, last[id]); err != nil {
			return err
		}
	}
	if err := p.done(d, stage, len(tasks)); err != nil {
		return err
	}
	if p.Last {
		return d.RemoveRuns(stage)
	}
	return nil
}

func (p phase) plan(d *jobdir.Dir, stage string, tasks []task.ID) error {
	var have plan
	if ok, err := d.ReadPlan(stage, 1, &have); ok || err != nil {
		return err
	}
	want := plan{Version: 1}
	for _, id := range tasks {
		want.Tasks = append(want.Tasks, id.Name())
	}
	err := d.WriteListing(stage, func(w io.Writer) error {
		_, err := io.WriteString(w, "a.csv\nb.csv\n")
		return err
	})
	if err != nil {
		return err
	}
	return d.WritePlan(stage, want)
}

func (p phase) done(d *jobdir.Dir, stage string, tasks int) error {
	if _, ok, err := d.ReadDone(stage); ok || err != nil {
		return err
	}
	var shards jobdir.Total
	shards.Add(task.Output{Rows: 2, Bytes: 3})
	return d.WriteDone(stage, jobdir.Done{
		Tasks: tasks, Counts: task.Counts{Read: 2}, Data: map[string]jobdir.Total{"shards": shards},
	})
}

// attempts runs a task; map 1 twice, as when the first one was believed dead.
func (p phase) attempts(d *jobdir.Dir, fsys fsx.FS, id task.ID, last int) error {
	first, err := p.attempt(d, fsys, task.Attempt{Task: id, Number: last + 1})
	if err != nil {
		return err
	}
	if id.Kind != task.Map || id.Index != 1 {
		_, err := d.Promote(first)
		return err
	}
	second, err := p.attempt(d, fsys, task.Attempt{Task: id, Number: last + 2})
	if err != nil {
		return err
	}
	for i, r := range []task.Result{first, second} {
		won, err := d.Promote(r)
		if err != nil {
			return err
		}
		if won != (i == 0) {
			return fmt.Errorf("%s: won is %t", r.Attempt, won)
		}
	}
	return nil
}

// attempt does the worker's part and the check.
func (p phase) attempt(d *jobdir.Dir, fsys fsx.FS, a task.Attempt) (task.Result, error) {
	folder, err := d.Begin(task.Assignment{Attempt: a})
	if err != nil {
		return task.Result{}, err
	}
	as, err := d.ReadAssignment(folder)
	if err != nil {
		return task.Result{}, err
	}
	r := task.Result{Attempt: as.Attempt, Outputs: outputsOf(a.Task), Counts: task.Counts{Read: 2, Mapped: 2}}
	for i, o := range r.Outputs {
		text := fmt.Sprintf("%s of %s, epoch %d", o.File, a.Task, p.Epoch)
		if err := put(fsys, filepath.Join(folder, o.File), text); err != nil {
			return task.Result{}, err
		}
		r.Outputs[i].Bytes, r.Outputs[i].CRC32C = int64(len(text)), sum(text)
	}
	if err := d.WriteResult(folder, r); err != nil {
		return task.Result{}, err
	}
	return d.Check(a)
}

func outputsOf(id task.ID) []task.Output {
	switch id.Kind {
	case task.Split:
		return []task.Output{
			{Kind: task.DataFile, Dataset: "shards", Many: true, File: "s0", Ext: "arrow"},
			{Kind: task.DataFile, Dataset: "shards", Many: true, Seq: 1, File: "s1", Ext: "arrow"},
		}
	case task.Map:
		return []task.Output{
			{Kind: task.RunFile, File: "run", Ext: "run"},
			{Kind: task.RejectFile, File: "rejects", Ext: "arrow"},
		}
	}
	return []task.Output{
		{Kind: task.DataFile, Dataset: "counts", File: "c", Ext: "parquet"},
		{Kind: task.DataFile, Dataset: "byname", Sub: "label=7", File: "l7", Ext: "parquet"},
	}
}

func (p phase) layout(d *jobdir.Dir) jobdir.Layout {
	l := jobdir.Layout{Datasets: []string{"counts", "none"}, Held: p.Held}
	l.Results = func(yield func(jobdir.Part, error) bool) {
		for rec, err := range d.Records(countStage) {
			if rec.Task.Kind != task.Reduce && err == nil {
				continue
			}
			for _, o := range rec.Outputs {
				to := filepath.Join(o.Dataset, o.Sub, fmt.Sprintf("part-%06d.parquet", rec.Task.Index))
				if !yield(jobdir.Part{From: d.OutputPath(rec.Attempt, o), To: to}, err) {
					return
				}
			}
		}
	}
	if p.Rejects {
		l.Rejects = []jobdir.File{{Name: "part-000000.parquet", Write: func(w io.Writer) error {
			_, err := fmt.Fprintf(w, "rejects of epoch %d", p.Epoch)
			return err
		}}}
	}
	return l
}

func put(fsys fsx.FS, name, content string) error {
	f, err := fsys.Create(name)
	if err != nil {
		return err
	}
	_, err = io.WriteString(f, content)
	return errors.Join(err, f.Close())
}

func sum(text string) uint32 { return crc32.Checksum([]byte(text), crc32.MakeTable(crc32.Castagnoli)) }

// tree is every file below a folder with its content, and every folder with a slash.
func tree(t testing.TB, fsys fsx.FS, root string) map[string]string {
	t.Helper()
	out := map[string]string{}
	var walk func(string)
	walk = func(dir string) {
		entries, err := fsys.ReadDir(dir)
		if errors.Is(err, fs.ErrNotExist) {
			return
		}
		must(t, err)
		for _, e := range entries {
			path := filepath.Join(dir, e.Name())
			rel := strings.TrimPrefix(path, root+"/")
			if e.IsDir() {
				out[rel+"/"] = ""
				walk(path)
				continue
			}
			b, err := fsx.ReadFile(fsys, path)
			must(t, err)
			out[rel] = string(b)
		}
	}
	walk(root)
	return out
}

// state is the tree of a job directory without what may differ after a failure: attempt numbers
// and history.
func state(t testing.TB, fsys fsx.FS, job string) map[string]string {
	t.Helper()
	number := regexp.MustCompile(`\.a\d+`)
	out := map[string]string{}
	for name, content := range tree(t, fsys, job) {
		switch {
		case name == "LOCK", name == "events.jsonl", strings.HasPrefix(name, "logs/"):
		case strings.Contains(name, "/tasks/map-"), strings.Contains(name, "/tasks/split-"), strings.Contains(name, "/tasks/reduce-"):
			var rec task.Record
			must(t, json.Unmarshal([]byte(content), &rec))
			rec.Number = 0
			out[name] = fmt.Sprintf("%+v", rec)
		default:
			out[number.ReplaceAllString(name, ".a*")] = content
		}
	}
	return out
}

// only keeps the names that begin with one of the prefixes.
func only(m map[string]string, prefixes ...string) map[string]string {
	out := map[string]string{}
	for name, content := range m {
		if slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(name, p) }) {
			out[name] = content
		}
	}
	return out
}
