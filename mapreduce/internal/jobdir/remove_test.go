package jobdir_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shardmill/shardmill/mapreduce/internal/fsx"
)

// TestRemoveStageAtEveryCall stops at every call: the stage is there whole or not at all, also
// after a power failure, and asking again removes it.
func TestRemoveStageAtEveryCall(t *testing.T) {
	for at, hit := 0, true; hit; at++ {
		d, m := newJob(t)
		must(t, d.WritePlan(countStage, plan{Version: 1}))
		commit(t, d, m, mapTask(0), 1)
		whole := only(tree(t, m, memJob), "stages/")
		gone := map[string]string{"stages/": ""}
		faulty := fsx.NewFaulty(m, at, fsx.Crash, nil)
		err := again(t, faulty).RemoveStage(countStage)
		hit = faulty.Hit()
		for _, survives := range []func() bool{nil, keepAll} {
			after := m.PowerFailure(survives)
			possible := []map[string]string{whole, gone}
			if err == nil {
				possible = possible[1:]
			}
			if got := only(tree(t, after, memJob), "stages/"); !oneOf(possible, got) {
				t.Fatalf("call %d (%v): %v", at, err, got)
			}
			must(t, again(t, after).RemoveStage(countStage))
			if d := cmp.Diff(gone, only(tree(t, after, memJob), "stages/")); d != "" {
				t.Fatalf("call %d: %s", at, d)
			}
		}
	}
}

func TestProbeLogIsEmptyEachTime(t *testing.T) {
	d, m := newJob(t)
	for range 2 {
		path, err := d.ProbeLog(countStage)
		must(t, err)
		if got, ok := tree(t, m, memJob)["logs/01-count/probe.txt"]; !ok || got != "" || path != memJob+"/logs/01-count/probe.txt" {
			t.Fatalf("%s: %t %q", path, ok, got)
		}
		f, err := m.Append(path)
		must(t, err)
		_, err = f.Write([]byte("noise"))
		must(t, err)
	}
	if last, err := d.LastAttempts(countStage); len(last) != 0 || err != nil {
		t.Error("it counts as an attempt:", last, err)
	}
}

func TestRemoveLeavesWhatIsNotOurs(t *testing.T) {
	for _, foreign := range []bool{false, true} {
		m := fsx.NewMem()
		must(t, m.Mkdir("/w"))
		p := phase{Epoch: 1, Rejects: true}
		must(t, p.run(m, memJob))
		want := map[string]string{}
		if foreign {
			must(t, put(m, memJob+"/notes.txt", "mine"))
			want = map[string]string{"job/": "", "job/notes.txt": "mine"}
		}
		must(t, again(t, m).Remove())
		if d := cmp.Diff(want, tree(t, m, "/w")); d != "" {
			t.Error(d)
		}
	}
}
