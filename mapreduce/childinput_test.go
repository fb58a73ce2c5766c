package mapreduce

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shardmill/shardmill/mapreduce/internal/fsx"
	"github.com/shardmill/shardmill/mapreduce/internal/jobdir"
	"github.com/shardmill/shardmill/mapreduce/internal/plan"
	"github.com/shardmill/shardmill/mapreduce/internal/shuffle"
	"github.com/shardmill/shardmill/mapreduce/internal/task"
	"github.com/shardmill/shardmill/mapreduce/internal/worker"
)

// reads counts how often files are opened.
type reads struct {
	fsx.OS
	of map[string]int // by name
}

func (r *reads) Open(name string) (fsx.File, error) {
	r.of[filepath.Base(name)]++
	return r.OS.Open(name)
}

// newDir is a job directory of no job, whose files are counted when they are opened.
func newDir(t *testing.T) (*jobdir.Dir, *reads) {
	t.Helper()
	r := &reads{of: map[string]int{}}
	d, err := jobdir.Create(r, filepath.Join(t.TempDir(), "job"), jobdir.Job{Job: "none", Params: json.RawMessage("{}")})
	if err != nil {
		t.Fatal(err)
	}
	return d, r
}

// commitFiles commits an attempt that wrote those texts to a dataset, each in a file of its own.
func commitFiles(t *testing.T, d *jobdir.Dir, a task.Attempt, dataset string, texts []string) (maps []plan.Map) {
	t.Helper()
	folder, err := d.Begin(task.Assignment{Attempt: a})
	if err != nil {
		t.Fatal(err)
	}
	r := task.Result{Attempt: a}
	for n, text := range texts {
		o := task.Output{
			Kind: task.DataFile, Dataset: dataset, Seq: n, Many: true, File: fmt.Sprint(n), Ext: "txt", Rows: 1, Bytes: int64(len(text)),
			CRC32C: crc32.Checksum([]byte(text), crc32.MakeTable(crc32.Castagnoli)),
		}
		if err := os.WriteFile(filepath.Join(folder, o.File), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		r.Outputs = append(r.Outputs, o)
		maps = append(maps, plan.Map{Stage: a.Task.Stage, Task: a.Task, Dataset: dataset, Seq: n, Rows: 1, Bytes: o.Bytes, CRC32C: o.CRC32C})
	}
	if err := d.WriteResult(folder, r); err != nil {
		t.Fatal(err)
	}
	if r, err = d.Check(a); err != nil {
		t.Fatal(err)
	}
	if won, err := d.Promote(r); err != nil || !won {
		t.Fatalf("promoted %v, %v", won, err)
	}
	return maps
}

// The record of a task that made many shards is read once for all the maps of them, and again if it is another one.
func TestSourceRecordIsReadOnce(t *testing.T) {
	d, read := newDir(t)
	c := &child{dir: d}
	id := task.ID{Stage: "00-split", Kind: task.Split}
	texts := make([]string, 200)
	for i := range texts {
		texts[i] = fmt.Sprint("shard ", i)
	}
	maps := commitFiles(t, d, task.Attempt{Task: id, Number: 1}, "shards", texts)
	check := func(attempt int) {
		t.Helper()
		for n, m := range maps {
			path, err := c.input(task.ID{Stage: "01-x", Kind: task.Map, Index: n}, m)
			b, rerr := os.ReadFile(path)
			if err != nil || rerr != nil || string(b) != texts[n] || !strings.Contains(path, fmt.Sprintf(".a%d-", attempt)) {
				t.Fatalf("map %d reads %s: %q, %v, %v", n, path, b, err, rerr)
			}
		}
	}
	read.of = map[string]int{}
	check(1)
	if n := read.of["split-000000.json"]; n != 1 {
		t.Errorf("the record was read %d times", n)
	}
	if err := d.Invalidate(id.Stage, nil, []task.ID{id}); err != nil {
		t.Fatal(err)
	}
	_, err := c.input(task.ID{Stage: "01-x", Kind: task.Map, Index: 3}, maps[3])
	var lost *Error
	if !errors.As(err, &lost) || lost.Class != task.LostInput || len(lost.Lost) != 1 || lost.Lost[0] != 0 {
		t.Errorf("without its record: %v", err)
	}
	commitFiles(t, d, task.Attempt{Task: id, Number: 2}, "shards", texts)
	check(2)
}

// A shard that is damaged, or other than planned, is not mapped, however often its task's record has been used.
func TestInputIsChecked(t *testing.T) {
	d, _ := newDir(t)
	c := &child{dir: d}
	id, mapped := task.ID{Stage: "00-split", Kind: task.Split}, task.ID{Stage: "01-x", Kind: task.Map}
	maps := commitFiles(t, d, task.Attempt{Task: id, Number: 1}, "shards", []string{"one", "two"})
	path, err := c.input(mapped, maps[1])
	if err != nil {
		t.Fatal(err)
	}
	other := maps[1]
	other.CRC32C++
	if _, err := c.input(mapped, other); err == nil || ClassOf(err) == task.LostInput {
		t.Errorf("another sum than planned: %v", err)
	}
	other = maps[1]
	other.Seq = 2
	if _, err := c.input(mapped, other); err == nil || ClassOf(err) == task.LostInput {
		t.Errorf("a file that was not made: %v", err)
	}
	if err := os.WriteFile(path, []byte("tow"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := c.input(mapped, maps[1]); ClassOf(err) != task.LostInput {
		t.Errorf("a damaged shard: %v", err)
	}
	if _, err := c.input(mapped, maps[0]); err != nil {
		t.Errorf("a whole one beside it: %v", err)
	}
}

// What the run files hold is found once for many reduces of them, and again for other files.
func TestRunFilesAreSurveyedOnce(t *testing.T) {
	d, _ := newDir(t)
	const stage, maps, partitions = "01-x", 30, 40
	c := &child{dir: d, plans: map[string]storedPlan{stage: {Stage: &plan.Stage{Maps: make([]plan.Map, maps)}}}}
	tr := &taskRun{env: &Env{stage: stage}, cell: worker.NewCell()}
	s := shuffle.Stream{Name: "s", Partitions: partitions, KeyWidth: 8, ValueWidth: 8}
	if err := os.MkdirAll(d.Path("stages", stage, "runs"), 0o700); err != nil {
		t.Fatal(err)
	}
	for n := range maps {
		tr.as.Runs = append(tr.as.Runs, 1)
		f, err := os.Create(c.runPath(tr, n))
		if err != nil {
			t.Fatal(err)
		}
		w, err := shuffle.NewWriter(f, []shuffle.Stream{s})
		if err == nil {
			err = w.Add(0, n, []byte("12345678"), []byte("12345678"))
		}
		if err == nil {
			_, err = w.Close()
		}
		if err = errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
	}
	cfg := shuffle.Config{KeyWidth: 8, ValueWidth: 8, Budget: 1 << 20}
	first, err := c.survey(tr, cfg, partitions)
	if err != nil {
		t.Fatal(err)
	}
	for cfg.Partition = range partitions {
		v, err := c.survey(tr, cfg, partitions)
		if err != nil || v != first {
			t.Fatalf("partition %d: another survey, %v", cfg.Partition, err)
		}
		n := 0
		for next := c.runFiles(tr, v.Files(cfg.Partition)); ; n++ {
			path, ok := next()
			if !ok {
				break
			}
			if path != c.runPath(tr, cfg.Partition) {
				t.Errorf("partition %d: %s", cfg.Partition, path)
			}
		}
		if want := min(1, max(0, maps-cfg.Partition)); n != want {
			t.Errorf("partition %d: %d files are opened, want %d", cfg.Partition, n, want)
		}
	}
	cfg.Partition = 0
	tr.as.Runs = append(task.Runs{2}, tr.as.Runs[1:]...) // a map has run again
	if _, err := c.survey(tr, cfg, partitions); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a run file is missing: %v", err)
	}
	if c.surveyed.Survey != nil {
		t.Error("an older survey is kept")
	}
}

// Without any more reduces the memory of a survey is let go.
func TestSurveyGoesWithMaps(t *testing.T) {
	c := &child{surveyed: surveyed{stage: "01-x"}}
	s := &Stage{mapper: func(context.Context, *Env) (mapRunner, error) { return nil, nil }}
	if _, err := c.mapper(t.Context(), s, &Env{}); err != nil || c.surveyed.stage != "" {
		t.Errorf("it is still held, %v", err)
	}
}
