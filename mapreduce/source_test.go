package mapreduce_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shardmill/shardmill/mapreduce"
	"github.com/shardmill/shardmill/mapreduce/mrtest"
)

// emittingJob has a source that emits each line into a stream of the split stage, rejects empty ones there, and drops those
// that begin with "#".
func emittingJob() mapreduce.Job {
	return mapreduce.New("emitting", 1, struct{}{}, func(struct{}) ([]mapreduce.Stage, error) {
		src, seen, copied := lineSource(20), jsonl[count]("seen"), jsonl[line]("copied")
		texts := wordStream("texts", &seen)
		src.Emit = func(l *line, out *mapreduce.Out) {
			texts.Emit(out, 0, l.Text, 1)
			if l.Text == "" {
				out.Reject(0, errors.New("empty"))
			}
			if strings.HasPrefix(l.Text, "#") {
				out.Drop(0, "comment")
			}
		}
		src.Writes = []mapreduce.Port{texts}
		copier := mapreduce.MapFunc[line](func(_ context.Context, i int, l *line, out *mapreduce.Out) error {
			copied.Write(out, i, *l)
			return nil
		})
		return []mapreduce.Stage{mapreduce.NewStage("copy", src, 4, copier.Mapper, &copied)}, nil
	})
}

// A stream of the split stage is reduced before the next stage starts; its records are not taken for input rows.
func TestSourceStream(t *testing.T) {
	inputs := mrtest.Inputs(t, strings.Repeat("a\nb\na\n\n", 30))
	cfg := in(t, inputs)
	cfg.MaxRejects = maxRejects(t, "30")
	s := mrtest.Run(t, options(), emittingJob(), cfg, mapreduce.ExitRejects)
	if s.Rows.Read != 120 || s.Rows.Rejected != 30 || s.Rows.Mapped != 90 {
		t.Errorf("summary %+v", s.Rows)
	}
	got := map[string]int64{}
	for _, c := range rows[count](t, cfg.Dir, "out/seen") {
		got[c.Word] = c.Count
	}
	if len(got) != 2 || got["a"] != 60 || got["b"] != 30 {
		t.Errorf("seen %v", got)
	}
	if n := len(rows[line](t, cfg.Dir, "out/copied")); n != 90 {
		t.Errorf("%d rows copied", n)
	}
	cfg.Dir, cfg.MaxRejects = jobDir(t), maxRejects(t, "24.9%")
	gated(t, emittingJob(), cfg)
}

// What the source drops is counted by its rule, and is no row of the shards; what it emitted before stays.
func TestSourceDrops(t *testing.T) {
	inputs := mrtest.Inputs(t, strings.Repeat("a\n#b\na\n\n", 30))
	cfg := in(t, inputs)
	s := mrtest.Run(t, options(), emittingJob(), cfg, mapreduce.ExitRejects)
	want := mapreduce.RowSummary{Read: 120, Mapped: 60, Dropped: map[string]int64{"comment": 30}, Rejected: 30}
	if diff := cmp.Diff(want, s.Rows); diff != "" {
		t.Errorf("summary (-want +got)\n%s", diff)
	}
	st, err := mapreduce.ReadStatus(cfg.Dir)
	if diff := cmp.Diff(want, st.Rows); diff != "" || err != nil {
		t.Errorf("status (-want +got)\n%s%v", diff, err)
	}
	if split := st.Stages[0]; split.Rows != 120 || split.Dropped["comment"] != 30 || split.Rejected != 30 || split.Data[len(split.Data)-1].Rows != 60 {
		t.Errorf("split %+v", split)
	}
	if seen := rows[count](t, cfg.Dir, "out/seen"); len(seen) != 2 || seen[0].Count+seen[1].Count != 90 {
		t.Errorf("seen %v", seen)
	}
	if n := len(rows[line](t, cfg.Dir, "out/copied")); n != 60 {
		t.Errorf("%d rows copied", n)
	}
	sums := ""
	for _, f := range findings(t, cfg.Dir, emittingJob()) {
		if !f.OK {
			t.Errorf("%s: %v", f.Check, f.Problems)
		}
		if f.Check == "accounting" {
			sums = f.Looked
		}
	}
	if !strings.Contains(sums, "120 rows read = 60 mapped + 30 dropped + 30 rejected") {
		t.Error(sums)
	}
	limited := in(t, inputs)
	limited.Limit = 50
	s = mrtest.Run(t, options(), emittingJob(), limited, mapreduce.ExitRejects)
	if s.Rows.Read != 50 || s.Rows.Mapped != 25 || s.Rows.Dropped["comment"] != 13 || s.Rows.Rejected != 12 {
		t.Errorf("the first 50 rows: %+v", s.Rows)
	}
}

// Rows that the source drops are finished ones when it is judged how many are rejected while maps run.
func TestSourceDropsAndGate(t *testing.T) {
	cfg := in(t, mrtest.Inputs(t, strings.Repeat("\n", 600)+strings.Repeat("#\n", 900)+strings.Repeat("a\n", 500)))
	cfg.MaxRejects = maxRejects(t, "45%")
	mrtest.Run(t, options(), emittingJob(), cfg, mapreduce.ExitRejects)
	cfg.Dir, cfg.MaxRejects = jobDir(t), maxRejects(t, "29%")
	gated(t, emittingJob(), cfg)
}

// gated runs a job that must not pass the gate.
func gated(t *testing.T, job mapreduce.Job, cfg mapreduce.Config) {
	t.Helper()
	s, err := mapreduce.Run(t.Context(), options(), job, cfg)
	mrtest.Code(t, s, err, mapreduce.ExitGate)
}
