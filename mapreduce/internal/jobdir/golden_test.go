package jobdir

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shardmill/shardmill/mapreduce/internal/fsx"
	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

// golden is a complete job directory of version 1, as it was when version 1 was made. It is never
// written again: every later build must read it. (Git keeps no empty folders, so tmp/ is not in it.)
const golden = "testdata/v1"

type goldenPlan struct {
	Version int      `json:"version"`
	Tasks   []string `json:"tasks"`
}

func openGolden(t *testing.T) *Dir {
	t.Helper()
	d, err := Open(fsx.OS{}, golden)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestGoldenRecord(t *testing.T) {
	d := openGolden(t)
	id := task.ID{Stage: "01-count", Kind: task.Map, Index: 1}
	want := task.Record{
		Version: 1, Attempt: task.Attempt{Task: id, Number: 1},
		Outputs: []task.Output{
			{Kind: task.RunFile, File: "run", Ext: "run", Rows: 4, Bytes: 35, CRC32C: 1531301949},
			{Kind: task.RejectFile, File: "rejects", Ext: "arrow", Bytes: 39, CRC32C: 1297804414},
		},
		Counts: task.Counts{
			Read: 5, Mapped: 2, Dropped: map[string]int64{"blank": 1, "short": 1}, Rejected: 1,
			Streams:  map[string]task.StreamCount{"words": {Emitted: 6, Written: 4}},
			Datasets: map[string]task.DatasetCount{"seen": {Rows: 2, Standing: 2}},
		},
		Excluded: []task.Exclusion{{Ordinal: 3, Class: task.Crash, Reason: "segmentation fault"}},
		Digests:  map[string]string{"in/a.csv": "sha256:00"},
		Usage:    task.Usage{CPUSeconds: 0.5, WallSeconds: 1.25, PeakRSS: 1 << 20},
	}
	got, ok, err := d.ReadRecord(id)
	if !ok || err != nil {
		t.Fatal(ok, err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestGoldenDirectory(t *testing.T) {
	d := openGolden(t)
	j := d.Job()
	if j.Job != "count" || j.JobVersion != 3 || string(j.Params) != `{"lower":true,"top":[1,2]}` || j.Identity["model"] != "sha256:<&>" || j.Inputs[0].Path != "/data/in" {
		t.Errorf("%+v", j)
	}
	stages, err := d.Stages()
	if err != nil || cmp.Diff(stages, []string{"00-split", "01-count"}) != "" {
		t.Fatal(stages, err)
	}
	for stage, tasks := range map[string][]string{"00-split": {"split-000000"}, "01-count": {"map-000000", "map-000001", "reduce-000000"}} {
		var plan goldenPlan
		if ok, err := d.ReadPlan(stage, 1, &plan); !ok || err != nil || cmp.Diff(tasks, plan.Tasks) != "" {
			t.Error(stage, ok, err, plan)
		}
		var names []string
		for rec, err := range d.Records(stage) {
			if err != nil {
				t.Error(err)
			}
			names = append(names, rec.Task.Name())
			for _, o := range rec.Outputs {
				if err := d.VerifyOutput(rec.Attempt, o); err != nil {
					t.Error(err)
				}
			}
		}
		if d := cmp.Diff(tasks, names); d != "" {
			t.Error(d)
		}
		if done, ok, err := d.ReadDone(stage); !ok || err != nil || done.Tasks != len(tasks) {
			t.Error(stage, ok, err)
		}
	}
	last, err := d.LastAttempts("01-count")
	map1 := task.ID{Stage: "01-count", Kind: task.Map, Index: 1}
	if err != nil || last[map1] != 2 || len(last) != 3 {
		t.Error(last, err)
	}
	if tail := d.LogTail(task.Attempt{Task: map1, Number: 2}, 1); tail != "world" {
		t.Errorf("%q", tail)
	}
}

// TestGoldenBytes decodes each sealed file and seals it again.
func TestGoldenBytes(t *testing.T) {
	kinds := map[string]func() any{
		"job.json":  func() any { return &Job{} },
		"plan.json": func() any { return &goldenPlan{} },
		"DONE.json": func() any { return &Done{} },
		"tasks":     func() any { return &task.Record{} },
	}
	seen := 0
	err := filepath.WalkDir(golden, func(path string, _ fs.DirEntry, err error) error {
		kind := kinds[filepath.Base(path)]
		if filepath.Base(filepath.Dir(path)) == "tasks" {
			kind = kinds["tasks"]
		}
		if err != nil || kind == nil || !strings.HasSuffix(path, ".json") {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		v := kind()
		if err := unseal(path, b, 1, v); err != nil {
			return err
		}
		again, err := seal(v)
		if err != nil {
			return err
		}
		if d := cmp.Diff(string(b), string(again)); d != "" {
			t.Error(path, d)
		}
		seen++
		return nil
	})
	if err != nil || seen != 9 {
		t.Error(seen, err)
	}
}
