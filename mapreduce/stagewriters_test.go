package mapreduce

import (
	"slices"
	"testing"

	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

// The files of a dataset are in the records of the kinds of tasks that write it.
func TestWritersOfADataset(t *testing.T) {
	mapped, reduced, both, other := testData("mapped"), testData("reduced"), testData("both"), testData("other")
	s := &Stage{
		kind: task.Split, writes: []Port{&mapped, &both},
		streams: []streamPort{testStream("plain"), testStream("s", &reduced, &both)},
	}
	for name, want := range map[string][]task.Kind{
		"mapped": {task.Split}, "reduced": {task.Reduce}, "both": {task.Split, task.Reduce}, other.Name: nil,
	} {
		if got := s.writers(name); !slices.Equal(got, want) {
			t.Errorf("%s is written by %v, want %v", name, got, want)
		}
	}
}
