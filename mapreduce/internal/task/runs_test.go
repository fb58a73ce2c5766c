package task_test

import (
	"encoding/json"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

func TestRunsJSON(t *testing.T) {
	for _, c := range []struct {
		runs task.Runs
		want string
	}{
		{nil, "[]"},
		{task.Runs{1}, "[[1,1]]"},
		{task.Runs{1, 1, 1, 2, 1, 0, 0}, "[[1,3],[2,1],[1,1],[0,2]]"},
		{slices.Repeat(task.Runs{1}, 100_000), "[[1,100000]]"},
	} {
		b, err := json.Marshal(c.runs)
		if err != nil || string(b) != c.want {
			t.Errorf("got %s, want %s, %v", b, c.want, err)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		runs := task.Runs(rapid.SliceOf(rapid.IntRange(0, 3)).Draw(t, "runs"))
		b, err := json.Marshal(runs)
		if err != nil {
			t.Fatal(err)
		}
		got := task.Runs{9}
		if err := json.Unmarshal(b, &got); err != nil || !slices.Equal(got, runs) {
			t.Fatalf("got %v, want %v, %v", got, runs, err)
		}
	})
}

func TestRunsRefuse(t *testing.T) {
	for _, text := range []string{"1", "[1]", `[["a",1]]`, "[[1,-1]]", "[[1,0]]", "[[1]]", "{}"} {
		var r task.Runs
		if err := json.Unmarshal([]byte(text), &r); err == nil {
			t.Errorf("%s is read as %v", text, r)
		}
	}
}
