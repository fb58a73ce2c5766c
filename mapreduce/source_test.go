package mapreduce_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/shardmill/shardmill/mapreduce"
	"github.com/shardmill/shardmill/mapreduce/mrtest"
)

// emittingJob has a source that emits each line into a stream of the split stage, and rejects empty ones there.
func emittingJob() mapreduce.Job {
	return mapreduce.New("emitting", 1, struct{}{}, func(struct{}) ([]mapreduce.Stage, error) {
		src, seen, copied := lineSource(20), jsonl[count]("seen"), jsonl[line]("copied")
		texts := wordStream("texts", &seen)
		src.Emit = func(l *line, out *mapreduce.Out) {
			texts.Emit(out, 0, l.Text, 1)
			if l.Text == "" {
				out.Reject(0, errors.New("empty"))
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

// gated runs a job that must not pass the gate.
func gated(t *testing.T, job mapreduce.Job, cfg mapreduce.Config) {
	t.Helper()
	s, err := mapreduce.Run(t.Context(), options(), job, cfg)
	mrtest.Code(t, s, err, mapreduce.ExitGate)
}
